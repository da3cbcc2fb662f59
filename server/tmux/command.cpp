#include "tmux/command.hpp"

#include <algorithm>
#include <string>

#include "tmux/tmux.hpp"

namespace ccd::tmux {
namespace {

bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool word(char c) { return letter(c) || digit(c) || c == '_'; }

// Bytes that mean nothing to tmux's parser inside double quotes; every other is written in octal.
bool plain(char c) {
  return word(c) || c == '-' || c == '/' || c == '.' || c == ':' || c == '=' || c == ',' || c == '%' || c == '@' ||
         c == ' ';
}

void append_quoted(std::string& line, std::string_view argument) {
  line += '"';
  for (const char c : argument) {
    if (plain(c)) {
      line += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    line += '\\';
    line += static_cast<char>('0' + (byte >> 6));
    line += static_cast<char>('0' + ((byte >> 3) & 7));
    line += static_cast<char>('0' + (byte & 7));
  }
  line += '"';
}

}  // namespace

Result<std::string> encode(const std::vector<Command>& commands) {
  std::size_t bytes = 0;
  for (const Command& command : commands) {
    if (command.empty()) return fail(ErrorKind::internal, "a tmux command needs a name");
    for (const std::string& argument : command) {
      if (argument.find('\0') != std::string::npos)
        return fail(ErrorKind::invalid, "a tmux argument must not contain NUL");
      bytes += argument.size();
    }
  }
  if (bytes > kMaxCommandBytes)
    return fail(ErrorKind::too_large, "a tmux command is at most " + std::to_string(kMaxCommandBytes) + " bytes");
  std::string line;
  line.reserve(bytes + bytes / 2);
  for (const Command& command : commands) {
    if (!line.empty()) line += " ; ";
    for (std::size_t i = 0; i < command.size(); ++i) {
      if (i > 0) line += ' ';
      append_quoted(line, command[i]);
    }
  }
  return line;
}

std::string escape_format(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '#') {
      out += text[i++];
      continue;
    }
    const std::size_t end = std::min(text.find_first_not_of('#', i), text.size());
    // tmux leaves hashes before '[' as they are (they are styles' business), so doubling those would add some.
    const bool before_style = end < text.size() && text[end] == '[';
    out.append((end - i) * (before_style ? 1 : 2), '#');
    i = end;
  }
  return out;
}

std::string escape_timed_format(std::string_view text) {
  std::string out;
  for (const char c : escape_format(text)) {
    out += c;
    if (c == '%') out += '%';
  }
  return out;
}

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name[0] != '-' &&
         std::ranges::all_of(name, [](char c) { return word(c) || c == '-'; });
}

bool valid_id(std::string_view id, char prefix) {
  constexpr std::size_t kMaxDigits = 10;  // tmux counts ids in 32 bits
  return id.size() >= 2 && id.size() <= kMaxDigits + 1 && id[0] == prefix && std::ranges::all_of(id.substr(1), digit);
}

bool valid_variable(std::string_view name) {
  constexpr std::size_t kMaxVariable = 128;
  return !name.empty() && name.size() <= kMaxVariable && !digit(name[0]) && std::ranges::all_of(name, word);
}

bool valid_marker(std::string_view marker) {
  return !marker.empty() && marker.size() <= kMaxName &&
         std::ranges::all_of(marker, [](char c) { return word(c) || c == '-' || c == ':'; });
}

Result<> check_argument(std::string_view field, std::string_view value) {
  if (value.find('\0') != std::string_view::npos) return fail_field(std::string(field), "must not contain a NUL byte");
  if (value.size() > kMaxArgument)
    return fail(ErrorKind::too_large, std::string(field) + " is at most " + std::to_string(kMaxArgument) + " bytes");
  return {};
}

Result<> check_size(int cols, int rows) {
  if (cols < 1 || cols > kMaxSide) return fail_field("cols", "columns are 1 to " + std::to_string(kMaxSide));
  if (rows < 1 || rows > kMaxSide) return fail_field("rows", "rows are 1 to " + std::to_string(kMaxSide));
  return {};
}

std::string pipe_command_line(const std::vector<std::string>& argv) {
  std::string line = "exec";
  for (const std::string& argument : argv) {
    line += " '";
    for (const char c : argument) {
      if (c == '\'') line += "'\\''";
      else line += c;
    }
    line += '\'';
  }
  return line;
}

}  // namespace ccd::tmux
