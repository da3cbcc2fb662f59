// What can be done to a screen: printing, moving the cursor, erasing, scrolling, changing screens and sizes, each as tmux 3.3a
// does it. Numbers are those of the control functions; the style of blanks comes from the caller, who has the pen.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "terminal/grid.hpp"
#include "terminal/tables.hpp"

namespace ccd::terminal {

// All that there is of a screen but the pen.
struct DisplayState {
  DisplayState(Size size, Limits limits) : scrollback(limits), grid(size, scrollback), region_bottom(size.rows - 1) {}

  Tables tables;
  Scrollback scrollback;
  Grid grid;  // what is shown
  std::unique_ptr<Grid>
      saved;  // the main screen while the alternate one is shown; keeps its size until it is shown again
  int x = 0;  // the grid's width when the next character wraps, and more after it became narrower
  int y = 0;
  int region_top = 0;
  int region_bottom;
  std::vector<bool> tabs;
  Modes modes;
  Cursor cursor;  // shape and visibility; its place is x and y
  // The cursor and pen that ?1049 put aside. Without a cursor nothing was put aside yet.
  struct Saved {
    int x = 0;
    int y = 0;
  };
  std::optional<Saved> saved_cursor;
  Style saved_pen;
  // A zero width joiner came: the next character that is not plain goes onto the cell on the left with it. In tmux this ends with
  // what it reads at once; here it does not, because pieces must not matter.
  bool joining = false;
  // How many of the newest lines of scrollback came by scrolling: those a higher screen takes back.
  std::size_t scrolled = 0;
  std::uint64_t numbering = 0;
  std::uint64_t generation = 0;
};

enum class Wrapped : bool { no, yes };
enum class Origin : bool { absolute, by_mode };
enum class SaveCursor : bool { no, yes };

class Display {
 public:
  Display(Size size, Limits limits);

  [[nodiscard]] const DisplayState& state() const { return s_; }
  [[nodiscard]] DisplayState& state() { return s_; }  // for Screen::restore()
  [[nodiscard]] Modes& modes() { return s_.modes; }
  [[nodiscard]] Tables& tables() { return s_.tables; }

  // Printing. Text is ASCII that prints.
  void print(const char* text, int count, StyleId style);
  // Characters that are not ASCII, as long as they go where the row ends and need no more than room. How far that was.
  const char* print_run(const char* at, const char* end, StyleId style);
  // A single character, as tmux prints one that is not plain.
  void print_cell(Cell cell);
  void combine(char32_t mark);

  void line_feed(Wrapped wrapped, StyleId blank);
  void reverse_line_feed(StyleId blank);
  void carriage_return() { s_.x = 0; }
  void backspace();
  void tab();
  void back_tab(int count);
  void set_tab();
  void clear_tab();
  void clear_tabs();
  void reset_tabs();

  void move_to(std::optional<int> x, std::optional<int> y, Origin origin);
  void up(int count);
  void down(int count);
  void left(int count);
  void right(int count);

  void insert_chars(int count, StyleId blank);
  void delete_chars(int count, StyleId blank);
  void erase_chars(int count, StyleId blank);
  void insert_lines(int count, StyleId blank);
  void delete_lines(int count, StyleId blank);
  void erase_line(StyleId blank);
  void erase_to_end_of_line(StyleId blank);
  void erase_to_start_of_line(StyleId blank);
  void erase_screen(StyleId blank);
  void erase_to_end_of_screen(StyleId blank);
  void erase_to_start_of_screen(StyleId blank);
  void clear_history();
  void scroll_up(int count, StyleId blank);
  void scroll_down(int count, StyleId blank);
  void set_region(int top, int bottom);
  void alignment_pattern();
  void reset();

  void show_alternate(const Style& pen, SaveCursor save);
  // The pen to go on with, where one is given back.
  std::optional<Style> show_main(SaveCursor restore);

  // Sizes are inside of the limits.
  void resize(Size size);

  // When the tables have grown: numbers of styles and links change.
  void collect_styles(Style& pen, Style& saved_pen);
  void collect_clusters();
  // 0 when there is no room.
  std::uint16_t link(std::string_view text, Style& pen, Style& saved_pen);

  void set_generation(std::uint64_t generation);

 private:
  [[nodiscard]] int cols() const { return s_.grid.cols(); }
  [[nodiscard]] int rows() const { return s_.grid.rows(); }
  [[nodiscard]] bool keeps_history() const { return s_.saved == nullptr; }
  void set_cursor(std::optional<int> x, std::optional<int> y);
  void scroll_region_up(int top, int bottom, StyleId blank);
  void push_history(int y);
  void clear_into_history(StyleId blank);
  bool make_room(int x, int width);
  StyleId without_underline_colour(StyleId id);
  void collect_links(Style& pen, Style& saved_pen);
  void append_to_left(std::string_view first, std::string_view second);
  void append_joined(std::string_view text);
  void resize_screen(Size size, bool reflow);
  void resize_rows(int rows, int& cursor_y);
  void reflow(int cols, int& x, int& y);

  DisplayState s_;
  // Links that found no room since the last collection for their sake: it is not tried for each.
  int refused_links_ = 0;
};

}  // namespace ccd::terminal
