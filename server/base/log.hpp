// Structured log lines, one event a line, for people (text) or machines (JSON).
//
// Text: `2026-11-23T14:20:00.123456Z ERROR storage: commit failed error="disk full" tries=3`. The level words are the ones the
// operators' runbook greps: DEBUG INFO WARN ERROR. Every value is escaped (base/encoding.hpp printable), so no input can make a
// second line or steer the reader's terminal. Thread-safe. Never pass a secret or what somebody typed.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

namespace ccd {

enum class LogLevel { debug, info, warn, error };
enum class LogFormat { text, json };

struct LogField {
  std::string_view key;  // [a-z_]+; outlives the call
  std::variant<std::string, std::int64_t, double, bool> value;

  LogField(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  LogField(std::string_view k, std::string_view v) : key(k), value(std::string(v)) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string(v)) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  LogField(std::string_view k, I v) : key(k), value(static_cast<std::int64_t>(v)) {}
};

// Lines go to standard error. Called once at start; before it, text at level info.
void log_setup(LogLevel level, LogFormat format);

void log_debug(std::string_view room, std::string_view message, std::initializer_list<LogField> fields = {});
void log_info(std::string_view room, std::string_view message, std::initializer_list<LogField> fields = {});
void log_warn(std::string_view room, std::string_view message, std::initializer_list<LogField> fields = {});
void log_error(std::string_view room, std::string_view message, std::initializer_list<LogField> fields = {});

// The line without its newline, as log_* would write it: for tests and for the access log.
std::string log_line(LogFormat format, std::int64_t wall_micros, LogLevel level, std::string_view room,
                     std::string_view message, std::initializer_list<LogField> fields);

}  // namespace ccd
