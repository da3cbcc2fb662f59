// Asking the holder of a lease to hand over: a socket beside the database on which it listens.
//
// One line each way: "hand-over\n", then "yes\n" or "no REASON\n". Both sides must belong to the same user. A mark says that somebody waits in
// standby: without it a hand-over would only be a pause.
#pragma once

#include <boost/asio/local/stream_protocol.hpp>
#include <functional>
#include <string>

#include "base/error.hpp"
#include "base/task.hpp"
#include "base/unique_fd.hpp"

namespace ccd::storage {

// Held, on a file beside the lease, by who waits in standby.
class StandbyMark {
 public:
  explicit StandbyMark(const std::string& database_path) : path_(database_path + ".lease.standby") {}
  // Several may hold it.
  Result<> set();
  void clear() { held_.reset(); }
  // Whether another open file holds it.
  [[nodiscard]] bool somebody_waits() const;

 private:
  const std::string path_;
  UniqueFd held_;
};

// The holder's side. Lives on the loop.
class LeaseDoor {
 public:
  // `asked` is called once at most, when a hand-over has been promised.
  LeaseDoor(asio::any_io_executor executor, const std::string& database_path, std::function<void()> asked);
  // Only for the holder of the lease: what stands at the socket's place is a dead one's.
  Result<> open();
  // Answers until cancelled.
  Task<void> run();
  void close();

 private:
  Task<void> answer(asio::local::stream_protocol::socket peer);

  const std::string database_path_;
  const std::string path_;
  std::function<void()> asked_;
  asio::local::stream_protocol::acceptor acceptor_;
  bool promised_ = false;
};

// Asks whoever holds the lease; returns when it has promised. unavailable: nobody holds it; conflict: it says no, and why. Blocks, at
// most for kDoorLimit: for a pool thread or a command.
inline constexpr std::chrono::seconds kDoorLimit{2};
Result<> ask_to_hand_over(const std::string& database_path);

}  // namespace ccd::storage
