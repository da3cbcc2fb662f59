// The door to the model: see screen.hpp.
#include "terminal/screen.hpp"
