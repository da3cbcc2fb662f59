// Boost.JSON compiled here, so that libFuzzer sees its branches and the sanitizers its memory.
#include <boost/json/src.hpp>
