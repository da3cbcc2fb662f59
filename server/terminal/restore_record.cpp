// Writing and reading records: see restore_record.hpp.
#include "terminal/restore_record.hpp"

#include <algorithm>
#include <charconv>

namespace ccd::terminal {

void record(std::string& out, std::string_view name, std::initializer_list<std::int64_t> numbers) {
  out += kRecordBegin;
  out += name;
  for (const std::int64_t number : numbers) {
    out += ';';
    out += std::to_string(number);
  }
  out += kRecordEnd;
}

namespace {

void record_bytes(std::string& out, std::string_view name, int number, std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += kRecordBegin;
  out += name;
  out += ';';
  out += std::to_string(number);
  out += ';';
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4U];
    out += kDigits[static_cast<unsigned char>(c) & 0xfU];
  }
  out += kRecordEnd;
}

}  // namespace

void record_cell(std::string& out, int x, std::string_view text) { record_bytes(out, "cell", x, text); }
void record_behind(std::string& out, int cells, std::string_view snapshot) {
  record_bytes(out, "behind", cells, snapshot);
}

std::int64_t Record::number(std::size_t index, std::int64_t standard) const {
  if (index >= fields.size()) return standard;
  const std::string_view field = fields[index];
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  return error == std::errc() && end == field.data() + field.size() ? value : standard;
}

std::string Record::bytes(std::size_t index) const {
  if (index >= fields.size() || fields[index].size() % 2 != 0) return {};
  std::string out;
  for (std::size_t i = 0; i < fields[index].size(); i += 2) {
    unsigned value = 0;
    const char* const begin = fields[index].data() + i;
    if (std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2) return {};
    out += static_cast<char>(value);
  }
  return out;
}

Record parse_record(std::string_view text) {
  Record record;
  std::size_t semicolon = std::min(text.find(';'), text.size());
  record.name = text.substr(0, semicolon);
  while (semicolon < text.size()) {
    text.remove_prefix(semicolon + 1);
    semicolon = std::min(text.find(';'), text.size());
    record.fields.push_back(text.substr(0, semicolon));
  }
  return record;
}

}  // namespace ccd::terminal
