// The screen model as a program: takes bytes and sizes on stdin and tells on stdout what the screen shows. See driver.mjs for the wire.
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "look.hpp"
#include "properties.hpp"
#include "terminal/screen.hpp"
#include "terminal/snapshot.hpp"

namespace ccd::model_tests {
namespace {

using terminal::Screen;

// Larger than any recording; a broken length must not take all memory.
constexpr std::uint32_t kPayloadMax = 256U << 20U;

[[noreturn]] void die(const char* why) {
  std::fprintf(stderr, "model-driver: %s\n", why);
  std::exit(2);
}

// The next of the blank-separated numbers in front of `text`.
long take_number(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  long value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (ec != std::errc()) die("a number is missing");
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

void append_code_point(std::string& out, std::uint32_t c) {
  const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c < 0x800) add(0xc0 | (c >> 6));
  else if (c < 0x10000) add(0xe0 | (c >> 12));
  else add(0xf0 | (c >> 18));
  if (c >= 0x10000) add(0x80 | ((c >> 12) & 0x3f));
  if (c >= 0x800) add(0x80 | ((c >> 6) & 0x3f));
  add(0x80 | (c & 0x3f));
}

// Where the cursor is after the prefix and each code point, one byte each.
std::string columns(std::string_view arguments) {
  const long from = take_number(arguments);
  const long count = take_number(arguments);
  arguments.remove_prefix(1);
  Screen screen({80, 4});
  std::string answer;
  std::string text;
  for (long point = from; point < from + count; ++point) {
    text = "\r";
    if (point < 0xd800 || point > 0xdfff) {
      text += arguments;
      append_code_point(text, static_cast<std::uint32_t>(point));
    }
    screen.feed(text);
    answer += static_cast<char>(screen.cursor().x);
    screen.feed("\xcc\x81");  // takes a joiner that the character before has left
  }
  return answer;
}

std::string properties(const Session& session, std::string_view arguments) {
  const long seed = take_number(arguments);
  const long cuts = take_number(arguments);
  const Verdict verdict = check_properties(session, static_cast<std::uint64_t>(seed), static_cast<int>(cuts));
  std::string out = "{\"comparisons\":" + std::to_string(verdict.comparisons) + ",\"findings\":[";
  for (std::size_t i = 0; i < verdict.findings.size(); ++i) {
    if (i > 0) out += ',';
    append_json_string(out, verdict.findings[i]);
  }
  return out + "]}";
}

class Driver {
 public:
  // The answer, or nothing when the command has none.
  std::optional<std::string> run(char command, std::string payload) {
    std::string_view rest = payload;
    switch (command) {
      case 'n': start(rest); return std::nullopt;
      case 'f':
        screen_.feed(payload);
        session_.events.push_back({std::move(payload), {}, false});
        return std::nullopt;
      case 'r': resize(rest); return std::nullopt;
      case 'd':
        return look(screen_,
                    payload == "history" ? History::rows
                    : payload == "pages" ? History::pages
                                         : History::none,
                    payload == "shown" ? Torn::blank : Torn::kept);
      case 's': return write_snapshot(screen_);
      case 'k': return write_snapshot(screen_, {terminal::kAllLines});
      case 't': return write_text(screen_);
      case 'j': return write_text(screen_, screen_.first_line(), terminal::kAllLines, terminal::Wraps::joined);
      case 'w': return columns(rest);
      case 'p': return properties(session_, rest);
      case 'm': return std::to_string(screen_.memory_bytes());
      default: die("no such command");
    }
  }

 private:
  static terminal::Size take_size(std::string_view& rest) {
    const long cols = take_number(rest);
    const long rows = take_number(rest);
    return {static_cast<int>(cols), static_cast<int>(rows)};
  }
  void start(std::string_view rest) {
    session_ = {};
    session_.size = take_size(rest);
    session_.limits.scrollback_lines = static_cast<std::size_t>(take_number(rest));
    screen_ = Screen(session_.size, session_.limits);
  }
  void resize(std::string_view rest) {
    const terminal::Size size = take_size(rest);
    screen_.resize(size);
    session_.events.push_back({"", size, true});
  }

  Session session_;
  Screen screen_{terminal::Size{}};
};

bool read_exactly(char* data, std::size_t size) { return std::fread(data, 1, size, stdin) == size; }

std::uint32_t read_length(const char* bytes) {
  std::uint32_t length = 0;
  for (unsigned i = 0; i < 4; ++i)
    length |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return length;
}

void answer(std::string_view text) {
  std::array<char, 4> head{};
  for (unsigned i = 0; i < 4; ++i) head[i] = static_cast<char>(text.size() >> (8 * i));
  std::fwrite(head.data(), 1, head.size(), stdout);
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void serve() {
  Driver driver;
  std::array<char, 5> head{};
  while (read_exactly(head.data(), head.size())) {
    const std::uint32_t length = read_length(head.data() + 1);
    if (length > kPayloadMax) die("a payload is too long");
    std::string payload(length, '\0');
    if (!read_exactly(payload.data(), length)) die("a payload is cut off");
    if (const auto text = driver.run(head[0], std::move(payload))) answer(*text);
  }
}

}  // namespace
}  // namespace ccd::model_tests

int main() { ccd::model_tests::serve(); }
