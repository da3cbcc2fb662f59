// Fuzzes config/env_file: what is read fits the grammar and can be written back, and no message gives a value away.
#include "config/env_file.hpp"

#include <string>

#include "base/encoding.hpp"
#include "support.hpp"

namespace ccd::config {
namespace {

constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kNameBytes = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";

void check_entry(const std::string& name, const std::string& value) {
  CHECK(!name.empty() && name.find_first_not_of(kNameBytes) == std::string::npos &&
        kDigits.find(name[0]) == std::string_view::npos);
  CHECK(valid_utf8(value));
  for (const char c : value) CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) || c == '\n' || c == '\t');
}

std::string in_double_quotes(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '\n') out += "\\n";
    else if (c == '\t') out += "\\t";
    else if (c == '\\' || c == '"' || c == '$') (out += '\\') += c;
    else out += c;
  }
  return out + '"';
}

// Every value is found again however it is written.
void check_written_back(const EnvEntries& entries) {
  std::string quoted;
  std::string mixed;
  for (const auto& [name, value] : entries) {
    quoted += name + '=' + in_double_quotes(value) + '\n';
    const bool plain = value.find_first_of("'\n") == std::string::npos;
    mixed += "export " + name + '=' + (plain ? '\'' + value + '\'' : in_double_quotes(value)) + " # a comment\r\n\n";
  }
  CHECK(parse_env(quoted) == entries);
  CHECK(parse_env(mixed) == entries);
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) out += '\r';
    out += text[i];
  }
  return out;
}

// A value that has no business in a message: nothing else in any input or message has these bytes.
constexpr std::string_view kSecret = "~~7d0f~~";

void check_message(const Error& error, std::string_view text) {
  CHECK(error.kind == ErrorKind::invalid);
  CHECK(valid_utf8(error.message) && error.message.find('\n') == std::string::npos);
  CHECK(error.message.find(kSecret) == std::string::npos);
  const auto lines = 1 + static_cast<unsigned long>(std::count(text.begin(), text.end(), '\n'));
  CHECK(error.message.starts_with("line "));
  const unsigned long number = std::stoul(error.message.substr(5));
  CHECK(number >= 1 && number <= lines);
}

// No message repeats what stands behind a '=', wherever the input breaks off.
void check_values_hidden(std::string_view text) {
  std::string marked;
  for (const char c : text) {
    marked += c;
    if (c == '=') marked += kSecret;
  }
  if (const auto entries = parse_env(marked); !entries) check_message(entries.error(), marked);
}

// Nor a line without '=': it may be the rest of a secret that was broken in two when it was pasted.
void check_rests_hidden(std::string_view text) {
  constexpr std::string_view kRest = "Zq9w7d0fKx3";
  if (text.find(kRest) != std::string_view::npos) return;
  std::string marked;
  while (!text.empty()) {
    const std::string_view line = fuzz::take(text);
    marked += line;
    if (line.find('=') == std::string_view::npos) marked += kRest;
    marked += '\n';
  }
  if (const auto entries = parse_env(marked); !entries) CHECK(entries.error().message.find(kRest) == std::string::npos);
}

}  // namespace
}  // namespace ccd::config

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::config;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  const auto entries = parse_env(text);
  if (!entries) {
    check_message(entries.error(), text);
    CHECK(!parse_env("\n# a comment\n" + std::string(text)) || text.starts_with("\xEF\xBB\xBF"));
  } else {
    CHECK(entries->size() <= kMaxEnvEntries);
    for (const auto& [name, value] : *entries) check_entry(name, value);
    check_written_back(*entries);
    CHECK(parse_env(with_crlf(text)) == *entries);
    CHECK(parse_env(std::string(text) + "\n# a comment\n\n") == *entries);
  }
  check_values_hidden(text);
  check_rests_hidden(text);
  return 0;
}
