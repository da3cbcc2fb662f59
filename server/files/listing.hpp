// What is in a folder: names, kinds, sizes, times, and where links lead.
//
// list_folder blocks on the disk: call it on the pool, through run_on (base/task.hpp), never on the loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "files/open.hpp"
#include "files/roots.hpp"

namespace ccd::files {

// About 3 MB of JSON; a page shows no more in one tree anyway. The rest of the folder is not read.
inline constexpr std::size_t kMaxEntries = 10'000;

// Where a link leads. `outside` says nothing about what is there.
enum class LinkTarget { file, folder, other, missing, outside };
[[nodiscard]] std::string_view to_string(LinkTarget target);

struct Entry {
  std::string name;  // the bytes on the disk
  bool name_is_utf8 = true;
  EntryKind kind = EntryKind::other;
  std::uint64_t size = 0;  // bytes; of files only, else 0
  WallMicros modified = 0;
  bool readable = false;               // by this server's user; of a link: what it leads to, inside the root
  std::optional<LinkTarget> target{};  // of links
};

struct Listing {
  std::vector<Entry> entries;  // folders (and links to folders) first, each group in natural order
  bool truncated = false;      // there are more than kMaxEntries; which ones are here is the file system's choice
};

// Errors: forbidden, not_found, conflict (not a folder), io.
[[nodiscard]] Result<Listing> list_folder(const ConfinedPath& folder, std::size_t max_entries = kMaxEntries);

// "file2" before "File10": digits by their value, ASCII letters without case, ties by bytes. A strict weak order.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b);

}  // namespace ccd::files
