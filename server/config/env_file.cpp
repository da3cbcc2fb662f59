#include "config/env_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>

#include "base/encoding.hpp"
#include "base/unique_fd.hpp"

namespace ccd::config {

namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view skip_blanks(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

// What may follow a quoted value: nothing, or white space and a comment.
bool only_a_comment(std::string_view rest) {
  const auto after = skip_blanks(rest);
  return after.empty() || (after.front() == '#' && after.size() != rest.size());
}

tl::unexpected<Error> bad(std::string why) { return fail(ErrorKind::invalid, std::move(why)); }

Result<std::string> unquoted(std::string_view text) {
  std::size_t end = text.size();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '#' && (i == 0 || is_blank(text[i - 1]))) {
      end = i;
      break;
    }
  }
  while (end > 0 && is_blank(text[end - 1])) --end;
  const auto value = text.substr(0, end);
  if (value.find_first_of("'\"`\\") != std::string_view::npos) {
    return bad("a quote or a backslash inside an unquoted value; put the whole value in single quotes");
  }
  return std::string(value);
}

Result<std::string> single_quoted(std::string_view text) {
  const auto end = text.find('\'', 1);
  if (end == std::string_view::npos) return bad("the closing ' is missing (a value ends on its line)");
  if (!only_a_comment(text.substr(end + 1))) return bad("there is text behind the closing '");
  return std::string(text.substr(1, end - 1));
}

Result<std::string> double_quoted(std::string_view text) {
  std::string value;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      if (!only_a_comment(text.substr(i + 1))) return bad("there is text behind the closing \"");
      return value;
    }
    if (text[i] != '\\') {
      value += text[i];
      continue;
    }
    ++i;
    switch (i < text.size() ? text[i] : '\0') {
      case 'n': value += '\n'; break;
      case 't': value += '\t'; break;
      case '\\': value += '\\'; break;
      case '"': value += '"'; break;
      case '$': value += '$'; break;
      default:
        return bad("an unknown escape in \"...\"; only \\\\ \\\" \\n \\t and \\$ are known, or use single quotes");
    }
  }
  return bad("the closing \" is missing (a value ends on its line)");
}

struct Line {
  std::string name;  // empty: a blank line or a comment
  std::string value;
};

Result<Line> parse_line(std::string_view line) {
  const auto control = [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7F; };
  if (std::any_of(line.begin(), line.end(), control))
    return bad("a control character; write it as an escape in \"...\"");
  if (!valid_utf8(line)) return bad("text that is not UTF-8");
  auto rest = skip_blanks(line);
  if (rest.empty() || rest.front() == '#') return Line{};
  constexpr std::string_view kExport = "export";
  if (rest.starts_with(kExport) && rest.size() > kExport.size() && is_blank(rest[kExport.size()])) {
    rest = skip_blanks(rest.substr(kExport.size()));
  }
  const auto name_end = std::find_if_not(rest.begin(), rest.end(), [](char c) { return is_letter(c) || is_digit(c); });
  const auto name = rest.substr(0, static_cast<std::size_t>(name_end - rest.begin()));
  if (name.empty() || is_digit(name.front()))
    return bad("NAME=value is wanted; a name is letters, digits and _, no digit first");
  rest.remove_prefix(name.size());
  if (rest.empty() || rest.front() != '=')
    return bad(std::string(name) + " must be followed by = and its value, without spaces");
  rest.remove_prefix(1);
  if (!rest.empty() && is_blank(rest.front()) && !only_a_comment(rest)) {
    return bad("white space behind " + std::string(name) + "=; remove it, or put the value in quotes");
  }
  auto value = rest.starts_with('\'')  ? single_quoted(rest)
               : rest.starts_with('"') ? double_quoted(rest)
                                       : unquoted(rest);
  if (!value) return tl::unexpected(std::move(value).error().in(name));
  return Line{.name = std::string(name), .value = std::move(*value)};
}

}  // namespace

Result<EnvEntries> parse_env(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  EnvEntries entries;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string where = "line " + std::to_string(number);
    auto parsed = parse_line(line);
    if (!parsed) return tl::unexpected(std::move(parsed).error().in(where));
    if (parsed->name.empty()) continue;
    if (entries.size() == kMaxEnvEntries)
      return bad(where + ": more than " + std::to_string(kMaxEnvEntries) + " entries");
    const auto [entry, added] = entries.emplace(std::move(parsed->name), std::move(parsed->value));
    if (!added) return bad(where + ": " + entry->first + " is set a second time; remove one of the two");
  }
  return entries;
}

Result<> check_private(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail_errno("look at " + path);
  if (!S_ISREG(info.st_mode)) return bad(path + " is not a regular file");
  if ((info.st_mode & 0077) != 0) {
    return fail(ErrorKind::forbidden,
                "other users have rights on " + path + ", which holds secrets: chmod 600 " + path);
  }
  return {};
}

Result<EnvEntries> read_env_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail_errno("open " + path);
  TRY(check_private(fd.get(), path));
  std::string text;
  std::array<char, 4096> block;
  for (;;) {
    const ssize_t size = ::read(fd.get(), block.data(), block.size());
    if (size < 0) return fail_errno("read " + path);
    if (size == 0) break;
    text.append(block.data(), static_cast<std::size_t>(size));
    if (text.size() > kMaxEnvFileBytes)
      return bad(path + " has more than " + std::to_string(kMaxEnvFileBytes) + " bytes");
  }
  auto entries = parse_env(text);
  if (!entries) return tl::unexpected(std::move(entries).error().in(path));
  return entries;
}

}  // namespace ccd::config
