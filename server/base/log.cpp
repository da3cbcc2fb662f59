#include "base/log.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <atomic>
#include <iterator>
#include <memory>

#include "base/clock.hpp"
#include "base/encoding.hpp"

namespace ccd {
namespace {

std::atomic<LogFormat> g_format{LogFormat::text};

spdlog::logger& logger() {
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto made = std::make_shared<spdlog::logger>("dashboard", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

std::string_view word(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return "DEBUG";
    case LogLevel::info: return "INFO";
    case LogLevel::warn: return "WARN";
    case LogLevel::error: return "ERROR";
  }
  return "ERROR";
}

spdlog::level::level_enum native(LogLevel level) {
  switch (level) {
    case LogLevel::debug: return spdlog::level::debug;
    case LogLevel::info: return spdlog::level::info;
    case LogLevel::warn: return spdlog::level::warn;
    case LogLevel::error: return spdlog::level::err;
  }
  return spdlog::level::err;
}

// `printable` leaves only backslash escapes of its own; in JSON each backslash is doubled and quotes are escaped.
void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_value(std::string& out, LogFormat format, const LogField& field) {
  if (const auto* text = std::get_if<std::string>(&field.value)) {
    if (format == LogFormat::json) return append_json_string(out, *text);
    const bool plain =
        !text->empty() && text->find_first_of(" \"=\\") == std::string::npos && printable(*text) == *text;
    if (plain) out += *text;
    else {
      out += '"';
      for (const char c : printable(*text)) {
        if (c == '"') out += '\\';
        out += c;
      }
      out += '"';
    }
  } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
    fmt::format_to(std::back_inserter(out), "{}", *number);
  } else if (const auto* real = std::get_if<double>(&field.value)) {
    fmt::format_to(std::back_inserter(out), "{:.6g}", *real);
  } else {
    out += std::get<bool>(field.value) ? "true" : "false";
  }
}

void write(LogLevel level, std::string_view room, std::string_view message, std::initializer_list<LogField> fields) {
  spdlog::logger& out = logger();
  if (!out.should_log(native(level))) return;
  const std::string line =
      log_line(g_format.load(std::memory_order_relaxed), SystemClock().wall(), level, room, message, fields);
  out.log(native(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

std::string log_line(LogFormat format, std::int64_t wall_micros, LogLevel level, std::string_view room,
                     std::string_view message, std::initializer_list<LogField> fields) {
  std::string out;
  out.reserve(128);
  if (format == LogFormat::json) {
    out += R"({"time":")" + iso_micros(wall_micros) + R"(","level":")";
    out += word(level);
    out += R"(","room":)";
    append_json_string(out, room);
    out += R"(,"message":)";
    append_json_string(out, message);
    for (const LogField& field : fields) {
      out += ',';
      append_json_string(out, field.key);
      out += ':';
      append_value(out, format, field);
    }
    out += '}';
    return out;
  }
  out += iso_micros(wall_micros);
  out += ' ';
  out += word(level);
  out += ' ';
  out += room;
  out += ": ";
  out += printable(message);
  for (const LogField& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    append_value(out, format, field);
  }
  return out;
}

void log_setup(LogLevel level, LogFormat format) {
  g_format = format;
  logger().set_level(native(level));
}

void log_debug(std::string_view room, std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::debug, room, message, fields);
}
void log_info(std::string_view room, std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::info, room, message, fields);
}
void log_warn(std::string_view room, std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::warn, room, message, fields);
}
void log_error(std::string_view room, std::string_view message, std::initializer_list<LogField> fields) {
  write(LogLevel::error, room, message, fields);
}

}  // namespace ccd
