#include "agents/trust.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <optional>
#include <set>

#include "base/encoding.hpp"
#include "claude/transcript_line.hpp"
#include "files/listing.hpp"
#include "files/open.hpp"
#include "files/projects.hpp"
#include "files/read.hpp"

namespace ccd::agents {

namespace {

namespace json = boost::json;

constexpr std::string_view kCreate = R"sql(
CREATE TABLE accepted_settings (
  folder   TEXT NOT NULL,
  digest   TEXT NOT NULL,     -- of the files that can start something
  at       INTEGER NOT NULL,  -- microseconds since the epoch
  by       TEXT NOT NULL,
  findings TEXT NOT NULL,     -- JSON: what was shown then, [kind, where, text]
  PRIMARY KEY (folder, digest)
) STRICT;
)sql";

std::string sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> out{};
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_sha256(), nullptr);
  return hex_encode(std::as_bytes(std::span(out).first(size)));
}

constexpr int kDepth = 2;

// Reads one folder's files after another and keeps what the digest is made of.
class Reader {
 public:
  Reader(const files::Roots& roots, std::string folder) : roots_(roots) { out_.folder = std::move(folder); }

  ProjectSettings read() {
    std::string folder = out_.folder;
    while (roots_.locate(folder)) {
      read_folder(folder);
      const std::size_t slash = folder.rfind('/');
      if (slash == 0 || slash == std::string::npos) break;
      folder.resize(slash);
    }
    std::string all;
    for (const std::string& part : lasting_) all += part;
    out_.digest = sha256(all);
    return std::move(out_);
  }

 private:
  void read_folder(const std::string& folder) {
    for (const std::string_view name : claude::kProjectFiles) read_file(folder, std::string(name), false);
    read_below(folder, std::string(claude::kHookFolder), false);
    for (const std::string_view name : claude::kWordFiles) read_file(folder, std::string(name), true);
    for (const std::string_view name : claude::kWordFolders) read_below(folder, std::string(name), true);
  }

  // As deep as commands and skills are laid out.
  void read_below(const std::string& folder, const std::string& name, bool words, int depth = kDepth) {
    const auto place = roots_.locate(folder + "/" + name);
    if (!place || depth == 0) return;
    const auto listing = files::list_folder(*place, kMaxSettingsFiles);
    if (!listing) return;
    for (const files::Entry& entry : listing->entries) {
      const std::string below = name + "/" + entry.name;
      const bool is_folder = entry.kind == files::EntryKind::folder || entry.target == files::LinkTarget::folder;
      if (is_folder) read_below(folder, below, words, depth - 1);
      else if (!words) read_file(folder, below, false);
      else add({.path = folder + "/" + below, .name = below, .words = true, .bytes = entry.size});
    }
    if (listing->truncated) ++out_.left_out;
  }

  void read_file(const std::string& folder, const std::string& name, bool words) {
    SettingsFile file{.path = folder + "/" + name, .name = name, .words = words};
    std::string text;
    const auto opened = open(file.path);
    if (!opened && opened.error().kind == ErrorKind::not_found) return;
    if (!opened) {
      // What is behind it, the client may read; that it changes cannot be seen from here.
      file.trouble = opened.error().kind == ErrorKind::forbidden ? "it is a link that leads out of the allowed folders" : opened.error().message;
    } else {
      file.bytes = opened->size;
      const auto read = files::read_range(opened->fd.get(), 0, std::min<std::uint64_t>(opened->size, kMaxSettingsFile));
      if (read) text = *read;
      if (!read || opened->size > kMaxSettingsFile) file.trouble = read ? "it has more than 1 MiB" : read.error().message;
      file.text = claude::clipped(text, kMaxShownFile);
      file.cut = text.size() > kMaxShownFile;
      if (file.trouble.empty()) file.findings = claude::findings(name, text);
    }
    if (!words) {
      const std::string what = file.trouble.empty() ? claude::lasting_part(name, text) : file.trouble + std::to_string(file.bytes) + text;
      lasting_.insert(name + '\0' + sha256(what) + '\n');
    }
    add(std::move(file));
  }

  void add(SettingsFile file) {
    if (out_.files.size() == kMaxSettingsFiles) ++out_.left_out;
    else out_.files.push_back(std::move(file));
  }

  Result<files::OpenFile> open(const std::string& path) const {
    const files::ConfinedPath place = TRY(roots_.locate(path));
    return files::open_file(place, 0);
  }

  const files::Roots& roots_;
  ProjectSettings out_{};
  std::set<std::string> lasting_{};  // sorted, each once: copies in working trees make no difference
};

using Key = std::tuple<std::string, std::string, std::string>;
Key key_of(const claude::Finding& finding) { return {std::string(claude::to_string(finding.kind)), finding.where, finding.text}; }

std::vector<claude::Finding> all_findings(const ProjectSettings& settings) {
  std::vector<claude::Finding> out;
  for (const SettingsFile& file : settings.files) out.insert(out.end(), file.findings.begin(), file.findings.end());
  return out;
}

std::string findings_to_json(const ProjectSettings& settings) {
  json::array out;
  for (const claude::Finding& finding : all_findings(settings))
    out.push_back(json::array{claude::to_string(finding.kind), finding.where, finding.text});
  return json::serialize(out);
}

std::set<Key> findings_from_json(std::string_view text) {
  std::set<Key> out;
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec || !value.is_array()) return out;
  for (const json::value& each : value.get_array()) {
    const json::array* parts = each.if_array();
    if (parts == nullptr || parts->size() != 3) continue;
    if (!std::ranges::all_of(*parts, [](const json::value& part) { return part.is_string(); })) continue;
    out.emplace(std::string(parts->at(0).get_string()), std::string(parts->at(1).get_string()), std::string(parts->at(2).get_string()));
  }
  return out;
}

// Of most projects the words in CLAUDE.md are all there is: a question about each of them would be answered unread. Commands, agents
// and skills can name tools and hooks.
bool asks(const SettingsFile& file) {
  return !file.words || std::ranges::find(claude::kWordFiles, file.name) == std::end(claude::kWordFiles);
}

struct Stored {
  bool accepted = false;
  std::optional<std::string> last_findings{};  // of the folder itself, or else of the nearest above it
};

bool is_at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

Result<Stored> load(storage::Connection& db, const std::string& folder, const std::string& digest) {
  Stored out;
  std::string nearest;
  struct Found {
    std::string folder, digest, findings;
  };
  const auto read = [](const storage::Row& row) { return Found{row.text(0), row.text(1), row.text(2)}; };
  for (Found& found : TRY(db.all("SELECT folder, digest, findings FROM accepted_settings WHERE substr(?, 1, length(folder)) = folder ORDER BY at", read, folder))) {
    if (!is_at_or_below(folder, found.folder)) continue;
    if (found.digest == digest) out.accepted = true;
    if (found.folder.size() < nearest.size()) continue;
    nearest = found.folder;
    out.last_findings = std::move(found.findings);
  }
  return out;
}

}  // namespace

std::vector<storage::Migration> trust_migrations() { return {{"agents/030-accepted-settings", kCreate}}; }

Result<ProjectSettings> read_project_settings(const files::Roots& roots, const std::string& folder) {
  const auto opened = TRY(files::open_project_folder(roots, folder));
  return Reader(roots, opened.path).read();
}

Task<Result<TrustState>> Trust::look(std::string folder) {
  auto read = [roots = parts_.roots, folder] { return read_project_settings(*roots, folder); };
  auto settings = co_await run_on(*parts_.pool, std::move(read));
  if (!settings) co_return tl::unexpected(std::move(settings).error());
  TrustState state{.settings = std::move(*settings)};
  if (std::ranges::none_of(state.settings.files, asks)) {
    state.accepted = true;
    co_return state;
  }
  auto find = [path = state.settings.folder, digest = state.settings.digest](storage::Connection& db) { return load(db, path, digest); };
  const auto stored = co_await parts_.database->run(std::move(find));
  if (!stored) co_return tl::unexpected(stored.error());
  state.accepted = stored->accepted;
  if (!stored->last_findings) co_return state;
  state.known = true;
  const std::set<Key> before = findings_from_json(*stored->last_findings);
  for (claude::Finding& finding : all_findings(state.settings))
    if (!before.contains(key_of(finding))) state.fresh.push_back(std::move(finding));
  co_return state;
}

Task<Result<TrustState>> Trust::accept(std::string folder, std::string digest, sessions::Actor actor) {
  auto state = co_await look(std::move(folder));
  if (!state) co_return tl::unexpected(std::move(state).error());
  if (state->accepted) co_return state;
  if (digest != state->settings.digest)
    co_return fail(ErrorKind::conflict, "the project's settings are not those that were accepted: look at them again");
  const ProjectSettings& settings = state->settings;
  audit::Record record{.actor = actor.name, .ip = actor.ip, .action = "project.accept", .target = settings.folder};
  record.detail = json::serialize(json::object{{"digest", digest}, {"files", settings.files.size()}});
  auto write = [path = settings.folder, digest, at = parts_.clock->wall(), by = actor.name, findings = findings_to_json(settings), record,
                trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(db.run("INSERT OR REPLACE INTO accepted_settings (folder, digest, at, by, findings) VALUES (?,?,?,?,?)", path, digest, at, by, findings));
    TRY(db.run("DELETE FROM accepted_settings WHERE folder = ? AND at < (SELECT at FROM accepted_settings WHERE folder = ? ORDER BY at DESC LIMIT 1 OFFSET ?)",
               path, path, static_cast<std::int64_t>(kMaxAccepted - 1)));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  state->accepted = true;
  co_return state;
}

}  // namespace ccd::agents
