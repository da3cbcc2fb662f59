#include "sessions/store.hpp"

#include <boost/json.hpp>

namespace ccd::sessions {

namespace {

constexpr std::string_view kCreate = R"sql(
CREATE TABLE sessions (
  id                TEXT PRIMARY KEY,
  name              TEXT NOT NULL,
  status            TEXT NOT NULL CHECK (status IN ('active', 'exited', 'lost', 'archived')),
  host              TEXT NOT NULL,
  project           TEXT NOT NULL,
  command           TEXT NOT NULL,               -- JSON array of words
  adopted           INTEGER NOT NULL CHECK (adopted IN (0, 1)),
  claude_session_id TEXT NOT NULL,
  tmux_pid          INTEGER NOT NULL,
  tmux_started      INTEGER NOT NULL,            -- seconds since the epoch
  pane_id           TEXT NOT NULL,
  created_at        INTEGER NOT NULL,            -- microseconds since the epoch
  ended_at          INTEGER,
  exit_status       INTEGER
) STRICT;
CREATE INDEX sessions_by_status ON sessions (status, created_at);
)sql";

constexpr std::string_view kColumns =
    "id, name, status, host, project, command, adopted, claude_session_id, tmux_pid, tmux_started, pane_id, "
    "created_at, "
    "ended_at, exit_status";

std::string words_to_json(const std::vector<std::string>& words) {
  boost::json::array out;
  for (const std::string& word : words) out.emplace_back(word);
  return boost::json::serialize(out);
}

std::vector<std::string> words_from_json(std::string_view text) {
  std::vector<std::string> out;
  boost::system::error_code ec;
  const boost::json::value value = boost::json::parse(text, ec);
  if (ec || !value.is_array()) return out;
  for (const boost::json::value& word : value.get_array())
    if (word.is_string()) out.emplace_back(word.get_string());
  return out;
}

}  // namespace

std::vector<storage::Migration> migrations() { return {{"sessions/001-sessions", kCreate}}; }

Result<std::vector<Session>> load_sessions(storage::Connection& db) {
  storage::Statement rows = TRY(db.prepare("SELECT " + std::string(kColumns) +
                                           " FROM sessions WHERE status != 'archived' ORDER BY created_at, id"));
  std::vector<Session> out;
  while (TRY(rows.step())) {
    Session s;
    s.id = rows.text(0);
    s.name = rows.text(1);
    s.status = status_from(rows.text(2)).value_or(Status::lost);
    s.host = rows.text(3);
    s.project = rows.text(4);
    s.command = words_from_json(rows.text(5));
    s.kind = kind_of(s.command);
    s.adopted = rows.i64(6) != 0;
    s.claude_session_id = rows.text(7);
    s.tmux_pid = rows.i64(8);
    s.tmux_started = rows.i64(9);
    s.pane_id = rows.text(10);
    s.created_at = rows.i64(11);
    if (!rows.is_null(12)) s.ended_at = rows.i64(12);
    if (!rows.is_null(13)) s.exit_status = static_cast<int>(rows.i64(13));
    out.push_back(std::move(s));
  }
  return out;
}

Result<> insert_session(storage::Connection& db, const Session& s) {
  TRY(db.run("INSERT INTO sessions (" + std::string(kColumns) + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)", s.id, s.name,
             to_string(s.status), s.host, s.project, words_to_json(s.command), std::int64_t{s.adopted},
             s.claude_session_id, s.tmux_pid, s.tmux_started, s.pane_id, s.created_at, s.ended_at,
             s.exit_status ? std::optional<std::int64_t>(*s.exit_status) : std::nullopt));
  return {};
}

Result<> update_session(storage::Connection& db, const Session& s) {
  const std::int64_t changed = TRY(db.run(
      "UPDATE sessions SET name=?, status=?, host=?, project=?, command=?, adopted=?, claude_session_id=?, tmux_pid=?, "
      "tmux_started=?, pane_id=?, created_at=?, ended_at=?, exit_status=? WHERE id=?",
      s.name, to_string(s.status), s.host, s.project, words_to_json(s.command), std::int64_t{s.adopted},
      s.claude_session_id, s.tmux_pid, s.tmux_started, s.pane_id, s.created_at, s.ended_at,
      s.exit_status ? std::optional<std::int64_t>(*s.exit_status) : std::nullopt, s.id));
  if (changed != 1) return fail(ErrorKind::not_found, "no session with the id " + s.id);
  return {};
}

Result<> erase_unstarted(storage::Connection& db, std::string_view id) {
  TRY(db.run("DELETE FROM sessions WHERE id=? AND pane_id='' AND status='active'", id));
  return {};
}

}  // namespace ccd::sessions
