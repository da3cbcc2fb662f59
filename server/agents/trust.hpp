// What a project brings for Claude Code, shown before the first session in it starts, and what people have accepted.
//
// A folder's settings can start programs and widen permissions. They are asked about once for each state of the files that can: a digest of
// every byte of them is what is accepted, for the folder and everything below it. Where a part could not be looked at, nothing is
// remembered: it is asked each time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/task.hpp"
#include "claude/project_settings.hpp"
#include "files/roots.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

inline constexpr std::size_t kMaxShownFile = std::size_t{64} * 1024;           // of a file's text
inline constexpr std::size_t kMaxSettingsFile = std::size_t{1} * 1024 * 1024;  // what a larger one sets is not listed
inline constexpr std::size_t kMaxSettingsFiles = 200;                          // shown, in all folders together
// Of everything that can start something, in all folders together: files and folders, and what is in them. A few tenths of a second.
inline constexpr std::size_t kMaxDigestedEntries = 4000;
inline constexpr std::uint64_t kMaxDigestedBytes = std::uint64_t{64} * 1024 * 1024;
inline constexpr std::size_t kMaxAccepted = 20;  // states kept for a folder, the newest

struct SettingsFile {
  std::string path{};  // absolute
  std::string name{};  // from its project folder on: ".claude/settings.json"
  bool words = false;  // for the model only: starts nothing, and is not in the digest
  std::uint64_t bytes = 0;
  std::string text{};  // its beginning
  bool cut = false;
  std::string trouble{};  // why it cannot be shown; the client may read it all the same
  std::string hash{};     // of its name and all that is in it; the digest is made of these
  bool fresh = false;     // it is not as it was when an earlier state was accepted
  std::vector<claude::Finding> findings{};
};

struct ProjectSettings {
  std::string folder{};  // canonical
  std::string digest{};  // of everything that can start something; the same for folders that bring the same
  std::vector<SettingsFile>
      files{};               // what can start something, then the words; each of the folder, then of those above it
  std::size_t left_out = 0;  // of the list, not of the digest
  bool complete = true;      // the digest is of everything
  std::vector<std::string> gaps{};  // what it is not of, apart from files in trouble; for people
};

// Of the folder and of each above it that is still under a root: the client looks there too. Blocks on the disk. Errors as
// files::open_project_folder().
Result<ProjectSettings> read_project_settings(const files::Roots& roots, const std::string& folder);

struct TrustState {
  ProjectSettings settings{};
  bool accepted = false;  // or there is nothing to accept
  bool known = false;     // an earlier state was accepted here: then `fresh` says what is new
  std::vector<claude::Finding> fresh{};
};

class Trust {
 public:
  struct Parts {  // all outlive this
    storage::Database* database;
    const audit::Trail* trail;
    const files::Roots* roots;
    const Clock* clock;
    asio::thread_pool* pool;
  };
  explicit Trust(Parts parts) : parts_(parts) {}

  Task<Result<TrustState>> look(std::string folder);
  // conflict when the files are not those of `digest` any more.
  Task<Result<TrustState>> accept(std::string folder, std::string digest, sessions::Actor actor);

 private:
  Parts parts_;
};

std::vector<storage::Migration> trust_migrations();

}  // namespace ccd::agents
