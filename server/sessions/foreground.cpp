#include "sessions/foreground.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>

#include "base/unique_fd.hpp"

namespace ccd::sessions {

namespace {

// A command line's first word, or a line of numbers; what is longer is cut.
constexpr std::size_t kReadBytes = 4096;
constexpr std::size_t kMaxName = 64;

std::optional<std::string> read_proc(pid_t pid, const char* name) {
  const std::string path = "/proc/" + std::to_string(pid) + "/" + name;
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::array<char, kReadBytes> text{};
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got <= 0) return std::nullopt;
  return std::string(text.data(), static_cast<std::size_t>(got));
}

std::optional<ProcessStat> stat_of(pid_t pid) {
  const auto text = read_proc(pid, "stat");
  return text ? parse_stat(*text) : std::nullopt;
}

}  // namespace

std::optional<ProcessStat> parse_stat(std::string_view text) {
  // The name may hold anything, brackets too: the last ')' ends it.
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) return std::nullopt;
  ProcessStat stat;
  stat.name = text.substr(open + 1, close - open - 1);
  // state ppid pgrp session tty_nr tpgid
  std::string_view rest = text.substr(close + 1);
  for (int field = 0; field < 6; ++field) {
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    const std::string_view word = rest.substr(0, rest.find(' '));
    if (word.empty()) return std::nullopt;
    pid_t* const number = field == 1 ? &stat.parent : field == 5 ? &stat.foreground : nullptr;
    if (number != nullptr && std::from_chars(word.data(), word.data() + word.size(), *number).ec != std::errc())
      return std::nullopt;
    rest.remove_prefix(word.size());
  }
  return stat;
}

std::string program_name(std::string_view first_word) {
  std::string_view name = first_word.substr(0, first_word.find('\0'));
  if (name.starts_with('-')) name.remove_prefix(1);
  if (const std::size_t blank = name.find(' '); blank != std::string_view::npos) name = name.substr(0, blank);
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) name = name.substr(slash + 1);
  std::string out(name.substr(0, kMaxName));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

std::optional<std::string> foreground_of(pid_t pane, pid_t server) {
  if (pane <= 0 || server <= 0) return std::nullopt;
  const auto first = stat_of(pane);
  if (!first || first->parent != server) return std::nullopt;
  const auto parent = stat_of(server);
  if (!parent || !parent->name.starts_with("tmux")) return std::nullopt;
  const auto words = first->foreground > 0 ? read_proc(first->foreground, "cmdline") : std::nullopt;
  // A group whose leader has ended has no command line: then the pane's first process stands for it.
  const auto own = words ? words : read_proc(pane, "cmdline");
  if (!own) return std::nullopt;
  return program_name(*own);
}

}  // namespace ccd::sessions
