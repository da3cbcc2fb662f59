// All parts of one screen, put together: what is behind the door of screen.hpp.
#pragma once

#include "terminal/display.hpp"
#include "terminal/interpreter.hpp"
#include "terminal/parser.hpp"

namespace ccd::terminal {

class Model {
 public:
  Model(Size size, Limits limits) : display(size, limits), interpreter(display), parser(interpreter) {}
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  Display display;
  Interpreter interpreter;
  Parser parser;
  // What title() gives out and feeds count; see screen.hpp.
  std::uint64_t generation = 0;
};

}  // namespace ccd::terminal
