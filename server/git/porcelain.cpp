#include "git/porcelain.hpp"

#include <array>
#include <charconv>

#include "base/encoding.hpp"

namespace ccd::git {

namespace {

constexpr std::size_t kMaxComplaint = 300;

std::string_view take(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

tl::unexpected<Error> fail_format() {
  return fail(ErrorKind::internal, "git's answer is not in the form that was asked for");
}

// "# branch.ab +1 -2"
void read_header(std::string_view line, Status& status) {
  if (take_prefix(line, "branch.oid ")) status.head = line == "(initial)" ? "" : std::string(line);
  else if (take_prefix(line, "branch.head ")) status.branch = line == "(detached)" ? "" : std::string(line);
  else if (take_prefix(line, "branch.upstream ")) status.upstream = line;
  else if (take_prefix(line, "branch.ab +")) {
    const std::string_view ahead = take(line, ' ');
    std::uint64_t number = 0;
    if (std::from_chars(ahead.data(), ahead.data() + ahead.size(), number).ec == std::errc()) status.ahead = number;
    take_prefix(line, "-");
    if (std::from_chars(line.data(), line.data() + line.size(), number).ec == std::errc()) status.behind = number;
  }
}

// How many words stand between the letters and the path.
Result<Change> read_change(std::string_view entry, ChangeKind kind, int words_before_path) {
  Change change{.kind = kind};
  const std::string_view letters = take(entry, ' ');
  if (letters.size() != 2) return fail_format();
  change.index = letters[0];
  change.worktree = letters[1];
  change.submodule = take(entry, ' ').starts_with('S');
  for (int i = 0; i < words_before_path; ++i) (void)take(entry, ' ');
  if (entry.empty()) return fail_format();
  change.path = entry;
  return change;
}

Result<Change> read_entry(std::string_view entry, std::string_view& rest) {
  const std::string_view all = entry;
  const std::string_view type = take(entry, ' ');
  if (type == "1") return read_change(entry, ChangeKind::changed, 5);
  if (type == "u") return read_change(entry, ChangeKind::unmerged, 7);
  if (type == "2") {
    Change change = TRY(read_change(entry, ChangeKind::renamed, 6));
    if (rest.empty()) return fail_format();
    change.from = take(rest, '\0');
    return change;
  }
  if ((type != "?" && type != "!") || entry.empty()) return fail_format();
  const ChangeKind kind = type == "?" ? ChangeKind::untracked : ChangeKind::ignored;
  return Change{.kind = kind, .index = all[0], .worktree = all[0], .path = std::string(entry)};
}

}  // namespace

std::string_view to_string(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::changed: return "changed";
    case ChangeKind::renamed: return "renamed";
    case ChangeKind::unmerged: return "unmerged";
    case ChangeKind::untracked: return "untracked";
    case ChangeKind::ignored: return "ignored";
  }
  return "changed";
}

Result<Status> parse_status(std::string_view output) {
  Status status;
  while (!output.empty()) {
    std::string_view entry = take(output, '\0');
    if (take_prefix(entry, "# ")) {
      read_header(entry, status);
      continue;
    }
    Change change = TRY(read_entry(entry, output));
    if (status.changes.size() < kMaxChanges) status.changes.push_back(std::move(change));
    else ++status.left_out;
  }
  return status;
}

Result<std::vector<Worktree>> parse_worktrees(std::string_view output) {
  std::vector<Worktree> out;
  bool open = false;
  while (!output.empty()) {
    std::string_view line = take(output, '\0');
    if (line.empty()) {
      open = false;
    } else if (take_prefix(line, "worktree ")) {
      out.push_back({.path = std::string(line), .main = out.empty()});
      open = true;
    } else if (!open) {
      return fail_format();
    } else if (take_prefix(line, "HEAD ")) {
      out.back().head = line.find_first_not_of('0') == std::string_view::npos ? "" : std::string(line);
    } else if (take_prefix(line, "branch ")) {
      take_prefix(line, "refs/heads/");
      out.back().branch = line;
    } else if (line == "bare") {
      out.back().bare = true;
    } else if (take_prefix(line, "locked")) {
      take_prefix(line, " ");
      out.back().locked = printable(line);
    } else if (take_prefix(line, "prunable")) {
      take_prefix(line, " ");
      out.back().prunable = printable(line);
    }
  }
  return out;
}

std::string first_complaint(std::string_view error_stream) {
  std::string_view line = take(error_stream, '\n');
  for (const std::string_view word : {"fatal: ", "error: "}) take_prefix(line, word);
  return printable(line.substr(0, kMaxComplaint));
}

}  // namespace ccd::git
