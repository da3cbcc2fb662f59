// The access log: one line a request, buffered, written on the pool so that a slow disk never holds the loop.
//
//   2026-11-23T14:20:00.123456Z 127.0.0.1 anna GET "/api/files?path=/srv/x" 200 1234 0.8ms 4f2a-1k
//
// Time, client, principal or "-", method, target, status, bytes of the body, duration, request id. Every field is
// escaped (base/encoding.hpp printable, and '"' as \x22), so one request is one line; what a search looks for (the
// query's q) is "*". A crash loses at most kFlushInterval of lines.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/task.hpp"
#include "base/unique_fd.hpp"

namespace ccd::http {

struct AccessEntry {
  WallMicros at = 0;
  std::string_view remote_ip;
  std::string_view principal;
  std::string_view method;
  std::string_view target;
  int status = 0;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds took{0};
  std::string_view id;
};

// The line with its newline.
std::string access_line(const AccessEntry& entry);

class AccessLog {
 public:
  static constexpr std::chrono::milliseconds kFlushInterval{200};  // an operator's `tail -f` feels live
  static constexpr std::size_t kFlushBytes = 64 * 1024;            // written earlier when this much waits
  static constexpr std::size_t kMaxBuffered = 1024 * 1024;         // beyond it lines are dropped, counted and reported
  static constexpr std::size_t kMaxTarget = 2048;                  // bytes of a target that are logged

  // Empty path: nothing is kept. `pool` outlives the log.
  AccessLog(asio::any_io_executor executor, asio::thread_pool* pool, std::string path);

  // Opens (or opens anew, after rotation) with O_APPEND, 0600, no symbolic link, a regular file of our own. A failure
  // is a WARN and the log is off until the next open(). Lines added before a reopen go to the old file.
  void open();
  void add(const AccessEntry& entry);
  // Writes what is buffered, now and on the calling thread: at the end, and in tests.
  void flush_now();
  // Writes in the background until cancelled.
  Task<void> run();

 private:
  Task<void> flush();

  asio::thread_pool* pool_;
  std::string path_;
  std::shared_ptr<UniqueFd> file_;  // shared with a write that is under way on the pool
  std::string buffer_;
  Notifier wake_;
  std::size_t dropped_ = 0;
};

}  // namespace ccd::http
