// Reads a folder through its descriptor; sorts as people do.
#include "files/listing.hpp"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "base/encoding.hpp"

namespace ccd::files {
namespace {

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using Dir = std::unique_ptr<DIR, CloseDir>;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
unsigned char folded(char c) { return static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c); }

// Takes the digits at the front of `text`, without leading zeros.
std::string_view take_number(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of("0123456789"), text.size());
  auto number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

// Below, at or above zero.
int compare_naturally(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const auto x = take_number(a);
      const auto y = take_number(b);
      if (x.size() != y.size()) return x.size() < y.size() ? -1 : 1;
      if (const int order = x.compare(y); order != 0) return order;
      continue;
    }
    if (folded(a.front()) != folded(b.front())) return folded(a.front()) < folded(b.front()) ? -1 : 1;
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return static_cast<int>(!a.empty()) - static_cast<int>(!b.empty());
}

LinkTarget target_of(const Error& error) {
  return error.kind == ErrorKind::not_found ? LinkTarget::missing : LinkTarget::outside;
}

void follow(const ConfinedPath& folder, Entry& entry) {
  const auto path = folder.child(entry.name);
  const auto found = path ? open_confined(*path, Kind::any) : tl::unexpected(path.error());
  if (!found) {
    entry.target = target_of(found.error());
    return;
  }
  switch (entry_kind(found->status.st_mode)) {
    case EntryKind::file: entry.target = LinkTarget::file; break;
    case EntryKind::folder: entry.target = LinkTarget::folder; break;
    default: entry.target = LinkTarget::other; break;
  }
  const int wanted = entry.target == LinkTarget::folder ? R_OK | X_OK : R_OK;
  entry.readable = ::faccessat(found->fd.get(), "", wanted, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

// None when the name is gone by now.
std::optional<Entry> describe(const ConfinedPath& folder, int fd, const char* name) {
  struct stat status{};
  if (::fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return std::nullopt;
  Entry entry{.name = name, .name_is_utf8 = valid_utf8(name), .kind = entry_kind(status.st_mode)};
  entry.modified = static_cast<WallMicros>(status.st_mtim.tv_sec) * 1'000'000 + status.st_mtim.tv_nsec / 1000;
  if (entry.kind == EntryKind::link) {
    follow(folder, entry);
    return entry;
  }
  if (entry.kind == EntryKind::file) entry.size = static_cast<std::uint64_t>(status.st_size);
  const int wanted = entry.kind == EntryKind::folder ? R_OK | X_OK : R_OK;
  entry.readable = ::faccessat(fd, name, wanted, AT_EACCESS | AT_SYMLINK_NOFOLLOW) == 0;
  return entry;
}

bool folder_like(const Entry& entry) { return entry.kind == EntryKind::folder || entry.target == LinkTarget::folder; }

}  // namespace

std::string_view to_string(LinkTarget target) {
  switch (target) {
    case LinkTarget::file: return "file";
    case LinkTarget::folder: return "folder";
    case LinkTarget::other: return "other";
    case LinkTarget::missing: return "missing";
    case LinkTarget::outside: return "outside";
  }
  return "outside";
}

bool natural_less(std::string_view a, std::string_view b) {
  const int order = compare_naturally(a, b);
  return order != 0 ? order < 0 : a < b;
}

Result<Listing> list_folder(const ConfinedPath& folder, std::size_t max_entries) {
  auto opened = TRY(open_confined(folder, Kind::folder));
  const Dir dir(::fdopendir(opened.fd.get()));
  if (!dir) return fail_errno("list folder");
  const int fd = opened.fd.release();  // dir's now
  Listing listing;
  for (;;) {
    errno = 0;
    const auto* found = ::readdir(dir.get());
    if (found == nullptr) {
      if (errno != 0) return fail_errno("list folder");
      break;
    }
    const std::string_view name(found->d_name);
    if (name == "." || name == "..") continue;
    if (listing.entries.size() == max_entries) {
      listing.truncated = true;
      break;
    }
    if (auto entry = describe(folder, fd, found->d_name)) listing.entries.push_back(*std::move(entry));
  }
  std::ranges::sort(listing.entries, [](const Entry& a, const Entry& b) {
    return folder_like(a) != folder_like(b) ? folder_like(a) : natural_less(a.name, b.name);
  });
  return listing;
}

}  // namespace ccd::files
