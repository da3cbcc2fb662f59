// Fuzzes tmux/command and the tap's command line: what tmux and a shell read is what was given, whatever bytes it has.
//
// The readers below follow tmux's parser, format expander and strftime, and sh's single quotes; they stop at anything
// that would do more than stand for itself. Input: words, each ended by NUL; an empty word ends a command.
#include "tmux/command.hpp"

#include <string>
#include <vector>

#include "recording/session_folder.hpp"
#include "support.hpp"
#include "tmux/tmux.hpp"

namespace ccd::tmux {
namespace {

bool printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

// tmux's parser: words in double quotes with octal escapes, separated by blanks; ';' between commands.
std::vector<Command> read_commands(std::string_view line) {
  std::vector<Command> commands(1);
  while (!line.empty()) {
    if (line.starts_with(" ; ")) {
      commands.emplace_back();
      line.remove_prefix(3);
    } else if (line.starts_with(' ')) {
      line.remove_prefix(1);
    }
    CHECK(line.starts_with('"'));
    line.remove_prefix(1);
    std::string word;
    while (!line.starts_with('"')) {
      CHECK(!line.empty() && line.front() != '$' && line.front() != '~' && line.front() != '#' && line.front() != ';');
      if (line.front() != '\\') {
        word += line.front();
        line.remove_prefix(1);
        continue;
      }
      CHECK(line.size() >= 4 && line[1] >= '0' && line[1] <= '3' && line[2] >= '0' && line[2] <= '7' &&
            line[3] >= '0' && line[3] <= '7');
      word += static_cast<char>((line[1] - '0') * 64 + (line[2] - '0') * 8 + (line[3] - '0'));
      line.remove_prefix(4);
    }
    line.remove_prefix(1);
    commands.back().push_back(word);
  }
  return commands;
}

// tmux's format expander, for texts without formats: pairs of hashes become one, but hashes before '[' stay as they
// are.
std::string expand_format(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '#') {
      out += text[i++];
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of('#', i), text.size());
    if (end < text.size() && text[end] == '[') {
      out += text.substr(i, end + 1 - i);
      i = end + 1;
      continue;
    }
    CHECK(i + 1 < end);  // a single one would begin a format
    out += '#';
    i += 2;
  }
  return out;
}

std::string expand_time(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    out += text[i];
    if (text[i] != '%') continue;
    CHECK(i + 1 < text.size() && text[i + 1] == '%');
    ++i;
  }
  return out;
}

// sh's words, of single quotes and of a backslash that stands for the next byte.
std::vector<std::string> read_shell(std::string_view line) {
  std::vector<std::string> words(1);
  while (!line.empty()) {
    const char c = line.front();
    line.remove_prefix(1);
    if (c == ' ') {
      words.emplace_back();
    } else if (c == '\'') {
      CHECK(line.find('\'') != std::string_view::npos);
      words.back() += ccd::fuzz::take(line, '\'');
    } else if (c == '\\') {
      CHECK(line.starts_with('\''));
      words.back() += '\'';
      line.remove_prefix(1);
    } else {
      CHECK(c >= 'a' && c <= 'z');  // "exec"
      words.back() += c;
    }
  }
  return words;
}

void check_words(std::string_view text) {
  std::vector<Command> commands(1);
  std::vector<std::string> words;
  while (!text.empty()) {
    const std::string word(fuzz::take(text, '\0'));
    if (word.empty()) {
      if (!commands.back().empty()) commands.emplace_back();
      continue;
    }
    commands.back().push_back(word);
    words.push_back(word);
  }
  if (commands.back().empty()) commands.pop_back();
  if (commands.empty()) return;
  const auto line = encode(commands);
  CHECK(line && printable_ascii(*line) && read_commands(*line) == commands);
  commands.back().emplace_back();
  CHECK(read_commands(encode(commands).value()) == commands);
  commands.back().back() = std::string("a\0b", 3);
  CHECK(!encode(commands));
  words.insert(words.begin(), "exec");
  CHECK(read_shell(pipe_command_line({words.begin() + 1, words.end()})) == words);
}

void check_tap_command(std::string_view text) {
  std::string_view rest = text;
  const std::string tap(fuzz::take(rest, '\0'));
  const std::string folder(rest);
  const auto command = recording::tap_command(tap, folder, {});
  if (!command) return;
  constexpr std::string_view kSafe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";
  CHECK(command->find_first_not_of(std::string(kSafe) + ' ') == std::string::npos);
  CHECK(command->starts_with("exec " + tap + ' ' + folder + " --segment-bytes "));
  CHECK(tap.starts_with('/') && folder.starts_with('/') && (tap + folder).find(' ') == std::string::npos);
}

void check_names(std::string_view text) {
  constexpr std::string_view kWord = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-:";
  for (const char prefix : {'$', '@', '%'})
    if (valid_id(text, prefix))
      CHECK(text[0] == prefix && text.find_first_not_of("0123456789", 1) == std::string_view::npos);
  if (valid_name(text))
    CHECK(text.size() <= kMaxName && text[0] != '-' && text.find_first_not_of(kWord) == std::string_view::npos &&
          text.find(':') == std::string_view::npos);
  if (valid_marker(text)) CHECK(text.size() <= kMaxName && text.find_first_not_of(kWord) == std::string_view::npos);
  if (valid_variable(text))
    CHECK(text.find_first_of("-=:") == std::string_view::npos &&
          text.find_first_not_of(kWord) == std::string_view::npos);
  CHECK(check_argument("argument", text).has_value() ==
        (text.find('\0') == std::string_view::npos && text.size() <= kMaxArgument));
}

}  // namespace
}  // namespace ccd::tmux

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::tmux;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  check_words(text);
  CHECK(expand_format(escape_format(text)) == text);
  // tmux runs strftime first.
  CHECK(expand_format(expand_time(escape_timed_format(text))) == text);
  check_tap_command(text);
  check_names(text);
  return 0;
}
