#include "agents/trust.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <set>

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

using Key = std::tuple<std::string, std::string, std::string>;
Key key_of(const claude::Finding& finding) {
  return {std::string(claude::to_string(finding.kind)), finding.where, finding.text};
}

std::vector<claude::Finding> all_findings(const ProjectSettings& settings) {
  std::vector<claude::Finding> out;
  for (const SettingsFile& file : settings.files) out.insert(out.end(), file.findings.begin(), file.findings.end());
  return out;
}

// A file as it was, among the findings of the same state.
constexpr std::string_view kFile = "file";
Key key_of(const SettingsFile& file) { return {std::string(kFile), "", file.hash}; }

std::string findings_to_json(const ProjectSettings& settings) {
  json::array out;
  for (const SettingsFile& file : settings.files)
    if (!file.words) out.push_back(json::array{kFile, "", file.hash});
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
    out.emplace(std::string(parts->at(0).get_string()), std::string(parts->at(1).get_string()),
                std::string(parts->at(2).get_string()));
  }
  return out;
}

// Of most projects the words in CLAUDE.md are all there is: a question about each of them would be answered unread.
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
  for (Found& found : TRY(db.all("SELECT folder, digest, findings FROM accepted_settings WHERE substr(?, 1, "
                                 "length(folder)) = folder ORDER BY at",
                                 read, folder))) {
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

Task<Result<TrustState>> Trust::look(std::string folder) {
  auto read = [roots = parts_.roots, folder] { return read_project_settings(*roots, folder); };
  auto settings = co_await run_on(*parts_.pool, std::move(read));
  if (!settings) co_return tl::unexpected(std::move(settings).error());
  TrustState state{.settings = std::move(*settings)};
  if (state.settings.complete && std::ranges::none_of(state.settings.files, asks)) {
    state.accepted = true;
    co_return state;
  }
  auto find = [path = state.settings.folder, digest = state.settings.digest](storage::Connection& db) {
    return load(db, path, digest);
  };
  const auto stored = co_await parts_.database->run(std::move(find));
  if (!stored) co_return tl::unexpected(stored.error());
  // What could not be looked at may be another thing than last time.
  state.accepted = stored->accepted && state.settings.complete;
  if (!stored->last_findings) co_return state;
  state.known = true;
  const std::set<Key> before = findings_from_json(*stored->last_findings);
  for (claude::Finding& finding : all_findings(state.settings))
    if (!before.contains(key_of(finding))) state.fresh.push_back(std::move(finding));
  // States of an older version say nothing of files.
  if (std::ranges::none_of(before, [](const Key& key) { return std::get<0>(key) == kFile; })) co_return state;
  for (SettingsFile& file : state.settings.files) file.fresh = !file.words && !before.contains(key_of(file));
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
  record.detail =
      json::serialize(json::object{{"digest", digest}, {"files", settings.files.size()}, {"once", !settings.complete}});
  auto write = [once = !settings.complete, path = settings.folder, digest, at = parts_.clock->wall(), by = actor.name,
                findings = findings_to_json(settings), record,
                trail = parts_.trail](storage::Connection& db) -> Result<> {
    if (once) return trail->append(db, record);
    TRY(db.run("INSERT OR REPLACE INTO accepted_settings (folder, digest, at, by, findings) VALUES (?,?,?,?,?)", path,
               digest, at, by, findings));
    TRY(
        db.run("DELETE FROM accepted_settings WHERE folder = ? AND at < (SELECT at FROM accepted_settings WHERE folder "
               "= ? ORDER BY at DESC LIMIT 1 OFFSET ?)",
               path, path, static_cast<std::int64_t>(kMaxAccepted - 1)));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  state->accepted = true;
  co_return state;
}

}  // namespace ccd::agents
