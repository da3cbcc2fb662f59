// For tests: a file layer for SQLite that fails on demand, and that remembers what a power cut would have left.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace ccd::storage {

// One call that changes a file, in the order they were made.
struct FileChange {
  enum class What { write, truncate, sync, failed_sync, remove, sync_folder };
  What what = What::write;
  std::string file;  // its name without the folder
  std::int64_t offset = 0;
  std::string data{};
};

// Between construction and destruction, databases opened in this process go through it. One at a time.
class FaultVfs {
 public:
  FaultVfs();
  ~FaultVfs();
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;

  // From the `nth` changing call on (1: the next), `times` of them fail. A disk that is full fails writes so; a sync
  // and a truncation always fail as an I/O error.
  enum class As { io_error, disk_full };
  void fail_from(std::int64_t nth, std::int64_t times, As as);
  void fail_no_more() { fail_from(1, 0, As::io_error); }
  [[nodiscard]] std::int64_t failed() const;

  void record();
  void forget();
  [[nodiscard]] const std::vector<FileChange>& changes() const;
};

// What is on the platter while the changes are made. A failed sync is the worst that Linux does: the pages count as
// clean and are not written by a later sync.
class Platter {
 public:
  void apply(const FileChange& change);
  // The files' contents when the power fails now: all that was synced, and of the rest a random part, whole sectors or
  // none.
  [[nodiscard]] std::map<std::string, std::string> after_power_cut(std::mt19937& random) const;

 private:
  void settle_removal(const std::string& file, std::vector<FileChange>& waiting);

  std::map<std::string, std::string> durable_;
  std::map<std::string, std::vector<FileChange>> waiting_;
  std::mt19937 random_{1};
};

}  // namespace ccd::storage
