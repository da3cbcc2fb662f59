// Driving a private tmux, for the tests that hold the model against it: see tmux_pane.hpp.
#include "terminal/tmux_pane.hpp"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>

#include "base/process.hpp"
#include "base/task.hpp"
#include "terminal/line_writer.hpp"
#include "terminal/model.hpp"
#include "terminal/params.hpp"

namespace ccd::terminal::testing {
namespace {

using namespace std::chrono_literals;

// The mark goes where no screen is concerned: OSC 7 sets a path that only formats show. The ST before it ends a string.
constexpr std::array<std::string_view, 24> kFormats{
    "pane_path",           "cursor_x",          "cursor_y",           "alternate_on",
    "insert_flag",         "origin_flag",       "wrap_flag",          "scroll_region_upper",
    "scroll_region_lower", "cursor_flag",       "keypad_cursor_flag", "keypad_flag",
    "mouse_standard_flag", "mouse_button_flag", "mouse_all_flag",     "mouse_utf8_flag",
    "mouse_sgr_flag",      "pane_tabs",         "history_size",       "alternate_saved_x",
    "alternate_saved_y",   "pane_width",        "pane_height",        "pane_id"};

std::string take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string line(text.substr(0, end));
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) parts.emplace_back();
    else parts.back() += c;
  }
  return parts;
}

}  // namespace

TmuxPane::TmuxPane(Size size) {
  std::string path = (std::filesystem::temp_directory_path() / "ccd-screen-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  dir_ = path;
  tmux({"set-option", "-g", "history-limit", "100000", ";", "set-option", "-g", "status", "off", ";", "new-session",
        "-d", "-x", std::to_string(size.cols), "-y", std::to_string(size.rows), "sleep", "1000"});
  resize(size);
  const std::string device = tmux({"display-message", "-p", "#{pane_tty}"});
  terminal_ = UniqueFd(::open(device.substr(0, device.find('\n')).c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios settings{};
  if (!terminal_ || ::tcgetattr(terminal_.get(), &settings) != 0) throw std::runtime_error("the pane has no terminal");
  ::cfmakeraw(&settings);
  ::tcsetattr(terminal_.get(), TCSANOW, &settings);
}

TmuxPane::~TmuxPane() {
  try {
    tmux({"kill-server"});
  } catch (const std::exception&) {
    // It is gone already.
  }
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

std::string TmuxPane::tmux(std::vector<std::string> arguments) {
  std::vector<std::string> argv{"tmux", "-u", "-L", "screen", "-f", "/dev/null"};
  for (std::string& argument : arguments) argv.push_back(std::move(argument));
  ProcessSpec spec{.argv = std::move(argv)};
  spec.environment = std::vector<std::string>{"PATH=/usr/local/bin:/usr/bin:/bin", "TERM=xterm-256color",
                                              "LANG=C.UTF-8", "TMUX_TMPDIR=" + dir_, "SHELL=/bin/sh"};
  spec.output_limit = 256U << 20U;
  asio::io_context loop;
  std::optional<Result<ProcessOutput>> result;
  auto body = [](ProcessSpec what, std::optional<Result<ProcessOutput>>* into) -> Task<void> {
    *into = co_await run_process(std::move(what));
  };
  TaskGroup tasks(loop.get_executor());
  tasks.spawn("tmux", body(std::move(spec), &result));
  loop.run();
  if (!result || !*result) throw std::runtime_error("tmux did not run");
  if ((*result)->exit_code != 0) throw std::runtime_error("tmux: " + (*result)->err);
  return (*result)->out;
}

void TmuxPane::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(terminal_.get(), bytes.data(), bytes.size());
    if (written < 0) throw std::runtime_error("the pane's terminal takes no bytes");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string TmuxPane::write(std::string_view bytes) {
  std::string all(bytes);
  all += "\x1b\\\x1b]7;mark" + std::to_string(++marks_) + "\x1b\\";
  send(all);
  return all;
}

void TmuxPane::resize(Size size) {
  tmux({"resize-window", "-x", std::to_string(size.cols), "-y", std::to_string(size.rows)});
}

TmuxView TmuxPane::view() {
  std::string format;
  for (const std::string_view name : kFormats) format += "#{" + std::string(name) + "}\x1f";
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (std::chrono::steady_clock::now() < end) {
    const std::string all =
        tmux({"display-message", "-p", format,   ";", "capture-pane", "-p", "-e", "-N", "-S", "-", ";",
              "display-message", "-p", "joined", ";", "capture-pane", "-p", "-J", "-S", "-"});
    std::string_view rest = all;
    TmuxView view{.values = split(take_line(rest), '\x1f'), .cells = {}, .joined = {}};
    if (view.values[0] != "mark" + std::to_string(marks_) && marks_ != 0) continue;
    const int lines = std::stoi(view.values[18]) + std::stoi(view.values[22]);
    for (int i = 0; i < lines; ++i) view.cells += take_line(rest) + '\n';
    if (take_line(rest) != "joined") throw std::runtime_error("tmux captured other lines than it has");
    view.joined = rest;
    return view;
  }
  throw std::runtime_error("tmux did not read what was written");
}

std::vector<int> TmuxPane::columns_after(const std::vector<std::string>& pieces) {
  std::string questions;
  for (const std::string& piece : pieces) questions += piece + "\x1b[6n";
  send(questions);
  std::string answers;
  while (std::count(answers.begin(), answers.end(), 'R') < static_cast<std::ptrdiff_t>(pieces.size())) {
    pollfd readable{.fd = terminal_.get(), .events = POLLIN, .revents = 0};
    std::array<char, 4096> buffer;
    if (::poll(&readable, 1, 10'000) != 1) throw std::runtime_error("tmux does not say where the cursor is");
    const ssize_t got = ::read(terminal_.get(), buffer.data(), buffer.size());
    if (got > 0) answers.append(buffer.data(), static_cast<std::size_t>(got));
  }
  std::vector<int> columns;
  for (const std::string& answer : split(answers, 'R')) {
    if (answer.empty()) continue;
    columns.push_back(std::stoi(answer.substr(answer.find(';') + 1)));
  }
  return columns;
}

namespace {

// A character, and its look: combining ones too, because what belongs to one cell cannot be told from what tmux captures.
struct Shown {
  Shown(std::string text, Style style) : text(std::move(text)), style(style) {}
  std::string text;
  Style style;
  friend bool operator==(const Shown& a, const Shown& b) { return a.text == b.text && a.style == b.style; }
};
using ShownLine = std::vector<Shown>;

std::string describe(const Shown& shown) {
  return '"' + shown.text + "\" fg " + std::to_string(shown.style.foreground.bits()) + " bg " +
         std::to_string(shown.style.background.bits()) + " underline colour " +
         std::to_string(shown.style.underline_colour.bits()) + " attributes " + std::to_string(shown.style.attributes);
}

// Reads what capture-pane -e writes: a small language, and not through the code that is tested.
class CaptureReader {
 public:
  std::vector<ShownLine> read(std::string_view text) {
    std::vector<ShownLine> lines;
    while (!text.empty()) {
      std::string line = take_line(text);
      lines.push_back(read_line(line));
    }
    return lines;
  }

 private:
  ShownLine read_line(std::string_view line) {
    ShownLine shown;
    while (!line.empty()) {
      if (line.starts_with("\x1b[")) {
        const std::size_t end = line.find('m');
        for (const std::string& code : codes(line.substr(2, end - 2))) apply(code);
        line.remove_prefix(end + 1);
      } else if (line[0] == '\x0e' || line[0] == '\x0f') {
        if (line[0] == '\x0e') style_.attributes |= kLineDrawing;
        else style_.attributes &= static_cast<std::uint16_t>(~unsigned{kLineDrawing});
        line.remove_prefix(1);
      } else {
        const Utf8Char character = read_utf8(line.data(), line.size());
        const std::size_t size = std::max<std::size_t>(character.size, 1);
        shown.emplace_back(std::string(line.substr(0, size)), style_);
        line.remove_prefix(size);
      }
    }
    return shown;
  }

  // "38;2;1;2;3" and the like stay together.
  static std::vector<std::string> codes(std::string_view text) {
    std::vector<std::string> parts = split(text, ';');
    std::vector<std::string> joined;
    for (std::size_t i = 0; i < parts.size();) {
      std::size_t count = 1;
      if ((parts[i] == "38" || parts[i] == "48" || parts[i] == "58") && i + 1 < parts.size())
        count = parts[i + 1] == "2" ? 5 : 3;
      std::string code = parts[i];
      for (std::size_t k = i + 1; k < i + count && k < parts.size(); ++k) code += ';' + parts[k];
      joined.push_back(code);
      i += count;
    }
    return joined;
  }

  static Colour colour(const std::vector<std::string>& part) {
    const auto number = [&](std::size_t i) { return static_cast<std::uint32_t>(std::stoul(part.at(i))); };
    if (part.at(1) == "5") return Colour::indexed(number(2));
    return Colour::rgb(number(2) << 16U | number(3) << 8U | number(4));
  }

  void apply(const std::string& code) {
    const std::vector<std::string> part = split(code, ';');
    if (part.size() > 1) {
      (part[0] == "38"   ? style_.foreground
       : part[0] == "48" ? style_.background
                         : style_.underline_colour) = colour(part);
      return;
    }
    if (code == "5:3") style_.attributes |= kOverline;  // tmux 3.3a's slip for 53
    else if (code.starts_with("4:")) style_.set_underline(static_cast<Underline>(code[2] - '0'));
    else apply(code.empty() ? 0 : std::stoi(code));
  }

  void apply(int code) {
    static constexpr std::array<unsigned, 10> kBits{0, kBold, kDim, kItalic, 0, kBlink, 0, kReverse, kHidden, kStrike};
    const auto basic = [&](int base) { return Colour::basic(static_cast<std::uint32_t>(code - base)); };
    if (code == 0) {
      const auto drawing = static_cast<std::uint16_t>(style_.attributes & kLineDrawing);
      style_ = {};
      style_.attributes = drawing;
    } else if (code == 4) {
      style_.set_underline(Underline::single);
    } else if (code < 10) {
      style_.attributes |= static_cast<std::uint16_t>(kBits.at(static_cast<std::size_t>(code)));
    } else if (code == 39) {
      style_.foreground = {};
    } else if (code == 49) {
      style_.background = {};
    } else if (code == 59) {
      style_.underline_colour = {};
    } else if (code >= 90 && code < 98) {
      style_.foreground = basic(82);
    } else if (code >= 100) {
      style_.background = basic(92);
    } else if (code >= 40) {
      style_.background = basic(40);
    } else {
      style_.foreground = basic(30);
    }
  }

  Style style_;
};

ShownLine shown_line(const LineView& line, const Tables& tables) {
  ShownLine shown;
  for (int x = 0; x < line.used; ++x) {
    const Cell cell = cell_at(line, x);
    Style style = tables.styles[cell.style];
    style.link = 0;
    std::string text;
    tables.append_text(text, cell);
    for (std::size_t i = 0, size = 0; i < text.size(); i += size) {
      size = read_utf8(text.data() + i, text.size() - i).size;
      shown.emplace_back(text.substr(i, size), style);
    }
  }
  return shown;
}

// All lines over each other: the scrollback and the screen that is shown.
struct ModelView {
  std::vector<ShownLine> lines;
  std::string joined;
};
ModelView view_of(const DisplayState& state) {
  ModelView view;
  const auto take = [&](const LineView& line, const Tables& tables) {
    view.lines.push_back(shown_line(line, tables));
    for (const Shown& shown : view.lines.back()) view.joined += shown.text;
    if (!line.wrapped) view.joined += '\n';
  };
  Tables tables;
  Line line;
  for (std::size_t i = 0; i < state.scrollback.size(); ++i) {
    state.scrollback.read(i, tables, line);
    take(line.view().clipped(state.grid.cols()), tables);
  }
  for (int y = 0; y < state.grid.rows(); ++y) take(state.grid.line(y), state.tables);
  if (!view.joined.ends_with('\n')) view.joined += '\n';
  return view;
}

std::vector<std::string> values_of(const DisplayState& state) {
  const Modes& modes = state.modes;
  const auto flag = [](bool on) { return std::string(on ? "1" : "0"); };
  std::string tabs;
  for (std::size_t x = 0; x < state.tabs.size(); ++x) {
    if (state.tabs[x]) tabs += (tabs.empty() ? "" : ",") + std::to_string(x);
  }
  const auto saved = [&](int DisplayState::Saved::* part) {
    return state.saved_cursor ? std::to_string((*state.saved_cursor).*part) : std::string("4294967295");
  };
  return {"",
          std::to_string(state.x),
          std::to_string(state.y),
          flag(state.saved != nullptr),
          flag(modes.insert),
          flag(modes.origin),
          flag(modes.wrap),
          std::to_string(state.region_top),
          std::to_string(state.region_bottom),
          flag(state.cursor.visible),
          flag(modes.application_cursor),
          flag(modes.application_keypad),
          flag(modes.mouse == MouseMode::clicks),
          flag(modes.mouse == MouseMode::buttons),
          flag(modes.mouse == MouseMode::all),
          flag(modes.mouse_utf8),
          flag(modes.mouse_sgr),
          tabs,
          std::to_string(state.scrollback.size()),
          saved(&DisplayState::Saved::x),
          saved(&DisplayState::Saved::y),
          std::to_string(state.grid.cols()),
          std::to_string(state.grid.rows())};
}

}  // namespace

std::string difference_from(const TmuxView& view, const Screen& screen) {
  const DisplayState& state = screen.model().display.state();
  const std::vector<std::string> values = values_of(state);
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (view.values[i] != values[i])
      return std::string(kFormats[i]) + ": tmux " + view.values[i] + ", model " + values[i];
  }
  const ModelView model = view_of(state);
  const std::vector<ShownLine> lines = CaptureReader().read(view.cells);
  const auto top = static_cast<std::ptrdiff_t>(state.scrollback.size());
  for (std::size_t i = 0; i < std::min(lines.size(), model.lines.size()); ++i) {
    if (lines[i] == model.lines[i]) continue;
    const std::string where = "line " + std::to_string(static_cast<std::ptrdiff_t>(i) - top);
    for (std::size_t x = 0; x < std::min(lines[i].size(), model.lines[i].size()); ++x) {
      if (lines[i][x] == model.lines[i][x]) continue;
      return where + ", character " + std::to_string(x) + ": tmux " + describe(lines[i][x]) + ", model " +
             describe(model.lines[i][x]);
    }
    return where + ": tmux " + std::to_string(lines[i].size()) + " characters, model " +
           std::to_string(model.lines[i].size());
  }
  if (lines.size() != model.lines.size()) return "number of lines";
  if (view.joined != model.joined) return "wraps: tmux\n" + view.joined + "model\n" + model.joined;
  return {};
}

}  // namespace ccd::terminal::testing
