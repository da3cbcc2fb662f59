// The lease on a database: which one process may write it. A lock on a file beside it, which ends with its holder, however that ends.
//
// The lock is an OFD lock (fcntl): it works between containers that share the folder, belongs to the open file and not to the
// process, and can be asked about without touching it. What the file says about its holder is for people and messages only. Should the
// file be deleted under a holder, two could have a lease: then the epoch in the database fences the older one (see Database).
// Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/unique_fd.hpp"

namespace ccd::storage {

struct LeaseHolder {
  std::int64_t pid = 0;  // in its own pid namespace
  std::string host;      // its host name: a container's id
  int port = 0;
  std::string version;
  WallMicros since = 0;
};

// "pid 12 on web-1, port 3000, version 1.0.0, since 2026-11-23T14:20:00Z".
std::string describe(const LeaseHolder& holder);

class Lease {
 public:
  // The file is `database_path` + ".lease"; it stays when the lease ends.
  explicit Lease(const std::string& database_path);
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  // True: it is ours now, until release() or our end. False: another process has it. Makes the file (mode 0600).
  Result<bool> try_take(const LeaseHolder& self);
  // Says anew who holds it; only while it is held.
  void introduce(const LeaseHolder& self);
  void release() { held_.reset(); }
  [[nodiscard]] bool held() const { return static_cast<bool>(held_); }

  // Who has it now, by its own words; none when nobody has it.
  [[nodiscard]] Result<std::optional<LeaseHolder>> holder() const;
  // Who had it last, whether that one still has it or not.
  [[nodiscard]] Result<std::optional<LeaseHolder>> last_holder() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  enum class Whose { present, last };
  [[nodiscard]] Result<std::optional<LeaseHolder>> read(Whose whose) const;

  const std::string path_;
  UniqueFd held_;  // the locked file
};

}  // namespace ccd::storage
