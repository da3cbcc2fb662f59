// What git takes for the repository's common folder (GIT_COMMON_DIR): a configuration of our own beside links to the real objects and
// refs. So git finds everything of the repository but its configuration and its hooks.
//
// Blocks on the disk: make it on the pool. Whoever may write in the repository cannot change it: it lies in a folder of ours.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "git/repository.hpp"

namespace ccd::git {

class StandIn {
 public:
  // `scratch`: an existing folder that nobody else may write in. The folder goes with the object.
  static Result<StandIn> make(const std::string& scratch, const Repository& repository, std::string_view config);
  StandIn(StandIn&& other) noexcept : path_(std::move(other.path_)) { other.path_.clear(); }
  StandIn& operator=(StandIn&&) = delete;
  ~StandIn();

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit StandIn(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// Removes what a process that was killed has left in `scratch`.
void clear_stand_ins(const std::string& scratch);

}  // namespace ccd::git
