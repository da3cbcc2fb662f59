// A backup file: one gzip stream that any gunzip reads, and in which no byte can change unseen.
//
//     file    = member trailer
//     member  = a gzip member with the database; its header carries the comment kMark
//     trailer = an empty gzip member of 92 bytes; its header carries the comment "sha256=" and the SHA-256 of `member` in hex
//
// gzip's own CRC covers the content only: the header and the last bits before it may change and gunzip says nothing. Here every
// byte is under the hash or, in the trailer, compared with the one byte that may stand there. A file that was made elsewhere has neither
// mark nor trailer: it is taken for what its CRC says, and called foreign.
//
// Blocking; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "storage/inspect.hpp"

namespace ccd::backup {

inline constexpr std::string_view kMark = "claude-code-dashboard backup 1, checksum at the end";
// A database is far smaller; a file that unpacks to more is no backup of one.
inline constexpr std::uint64_t kMaxUnpacked = 64ULL * 1024 * 1024 * 1024;

struct Packed {
  std::uint64_t bytes = 0;  // of the whole file
  std::string sha256;       // of the whole file, as sha256sum prints it
};
// Packs `from` into the new file `to` (mode 0600) and syncs it.
Result<Packed> pack(const std::string& from, const std::string& to, const storage::KeepGoing& keep_going);

enum class Origin { ours, foreign };
struct Unpacked {
  Origin origin = Origin::ours;
  std::uint64_t bytes = 0;  // of the database
  std::string sha256;       // of the packed file
};
// Unpacks `from` into the new file `to` (mode 0600, not synced). `corrupt` for anything but a whole, unchanged file: `to` may then be
// there in part.
Result<Unpacked> unpack(const std::string& from, const std::string& to, const storage::KeepGoing& keep_going);

}  // namespace ccd::backup
