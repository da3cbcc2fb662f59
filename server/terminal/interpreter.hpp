// What the parts of the stream mean: control characters, escape and control sequences, and strings, applied to a display. It holds
// the pen and what else belongs to the stream and not to the screen.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "terminal/display.hpp"
#include "terminal/params.hpp"

namespace ccd::terminal {

struct Pen {
  Style style;
  bool g0_drawing = false;
  bool g1_drawing = false;
  bool shifted = false;  // SO: characters come from G1
  friend bool operator==(const Pen&, const Pen&) = default;
};

class Interpreter {
 public:
  explicit Interpreter(Display& display) : display_(display) {}

  // ASCII that prints.
  void print(const char* text, std::size_t count);
  // Anything else that is a character.
  void print(char32_t character);
  // As many whole characters as there are before the first ASCII one or what is none. How far that was.
  const char* print_multibyte(const char* at, const char* end);
  void control(unsigned char character);
  // A byte came that is a part of a character, or of none: REP has nothing to repeat.
  void forget_last() { s_.last = -1; }
  void escape(std::string_view intermediates, char final);
  // Where the parser puts the parameters of a sequence before it calls sequence().
  Params& params() { return params_; }
  // `intermediates` has the private marker too: "?", ">", " ".
  void sequence(std::string_view intermediates, char final);
  void operating_system_command(std::string_view text);
  void application_command(std::string_view text);

  struct State {
    Pen pen;
    struct Saved {  // DECSC
      Pen pen;
      int x = 0;
      int y = 0;
      bool origin = false;
    } saved;
    std::string title;
    std::vector<std::string> titles;  // pushed by CSI 22 t, the newest last
    int last = -1;                    // the character that REP repeats
    bool synchronized_update = false;
  };
  [[nodiscard]] const State& state() const { return s_; }
  [[nodiscard]] State& state() { return s_; }  // for Screen::restore()

 private:
  // The pen's style in the table, and a blank's. Looked up when they are needed, not at every change.
  StyleId pen() {
    if (pen_id_ == kUnknown) refresh_pen();
    return pen_id_;
  }
  StyleId blank() {
    if (s_.pen.style.background.is_standard()) return 0;
    if (blank_id_ == kUnknown) refresh_blank();
    return blank_id_;
  }
  void pen_changed() { pen_id_ = blank_id_ = kUnknown; }
  void refresh_pen();
  void refresh_blank();
  void reset();
  void save();
  void restore();
  bool move(char final);
  bool edit(char final);
  void other(char final);
  void erase_display();
  void erase_line();
  void private_sequence(char final);
  void set_mode(int mode, bool on);
  void set_private_mode(int mode, bool on);
  void column_mode();
  void mouse_mode(MouseMode mode) { display_.modes().mouse = mode; }
  void cursor_style(int number);
  void window_operations();
  void push_title();
  void pop_title();
  void set_title(std::string_view text);
  void set_link(std::string_view text);

  Display& display_;
  State s_;
  Params params_;
  static constexpr StyleId kUnknown = ~StyleId{0};
  StyleId pen_id_ = kUnknown;
  StyleId blank_id_ = kUnknown;
};

// As tmux takes titles: UTF-8 of characters that it knows, without control characters.
bool is_title(std::string_view text);

}  // namespace ccd::terminal
