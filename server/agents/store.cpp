#include "agents/store.hpp"

#include "agents/prompt_store.hpp"
#include "agents/usage_store.hpp"

#include <boost/json.hpp>

namespace ccd::agents {

namespace {

namespace json = boost::json;

constexpr std::string_view kCreate = R"sql(
CREATE TABLE agents (
  session         TEXT PRIMARY KEY,
  token_hash      TEXT NOT NULL,             -- SHA-256 of its hooks' token; '' without hooks
  hooks_reason    TEXT NOT NULL,
  config_dir      TEXT NOT NULL,
  conversation    TEXT NOT NULL,
  transcript      TEXT NOT NULL,
  state           TEXT NOT NULL,
  state_since     INTEGER NOT NULL,          -- microseconds since the epoch, as all times
  state_what      TEXT NOT NULL,
  state_at        INTEGER NOT NULL,
  tool            TEXT NOT NULL,
  reason          TEXT NOT NULL,
  model           TEXT NOT NULL,
  permission_mode TEXT NOT NULL,
  cost_usd        REAL NOT NULL,
  context_percent REAL,
  context_tokens  INTEGER NOT NULL,
  context_size    INTEGER NOT NULL,
  lines_added     INTEGER NOT NULL,
  lines_removed   INTEGER NOT NULL,
  last_message    TEXT NOT NULL,
  working_micros  INTEGER NOT NULL,
  waiting_micros  INTEGER NOT NULL
) STRICT;
CREATE TABLE attention (
  id           TEXT PRIMARY KEY,
  session      TEXT NOT NULL,
  session_name TEXT NOT NULL,
  project      TEXT NOT NULL,
  kind         TEXT NOT NULL,
  since        INTEGER NOT NULL,
  tool         TEXT NOT NULL,
  summary      TEXT NOT NULL,
  input        TEXT,                         -- JSON; NULL when it is too large or not known
  input_bytes  INTEGER NOT NULL,
  suggestions  TEXT NOT NULL,
  questions    TEXT NOT NULL,                -- JSON
  text         TEXT NOT NULL,
  agent_id     TEXT NOT NULL,
  expires_at   INTEGER,
  closed_at    INTEGER,
  closed_how   TEXT,
  closed_by    TEXT
) STRICT;
CREATE INDEX attention_open ON attention (since) WHERE closed_at IS NULL;
CREATE INDEX attention_closed ON attention (closed_at) WHERE closed_at IS NOT NULL;
CREATE TABLE events (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  session TEXT NOT NULL,
  at      INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  state   TEXT NOT NULL,
  source  TEXT NOT NULL,
  what    TEXT NOT NULL,
  actor   TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_session ON events (session, id);
)sql";

constexpr std::string_view kAgentColumns =
    "session, token_hash, hooks_reason, config_dir, conversation, transcript, state, state_since, state_what, "
    "state_at, tool, reason, "
    "model, permission_mode, cost_usd, context_percent, context_tokens, context_size, lines_added, lines_removed, "
    "last_message, "
    "working_micros, waiting_micros";
constexpr std::string_view kItemColumns =
    "id, session, session_name, project, kind, since, tool, summary, input, input_bytes, suggestions, questions, text, "
    "agent_id, "
    "expires_at, closed_at, closed_how, closed_by";

std::string questions_to_json(const std::vector<claude::Question>& questions) {
  json::array out;
  for (const claude::Question& question : questions) {
    json::array options;
    for (const auto& [label, description] : question.options) options.push_back(json::array{label, description});
    out.push_back({{"text", question.text},
                   {"header", question.header},
                   {"several", question.choice == claude::Question::Choice::several},
                   {"options", std::move(options)}});
  }
  return json::serialize(out);
}

std::string text_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::vector<claude::Question> questions_from_json(std::string_view text) {
  std::vector<claude::Question> out;
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec);
  if (ec || !value.is_array()) return out;
  for (const json::value& each : value.get_array()) {
    const json::object* object = each.if_object();
    if (object == nullptr) continue;
    claude::Question& question = out.emplace_back();
    question.text = text_in(*object, "text");
    question.header = text_in(*object, "header");
    const json::value* several = object->if_contains("several");
    if (several != nullptr && several->is_bool() && several->get_bool())
      question.choice = claude::Question::Choice::several;
    const json::value* options = object->if_contains("options");
    if (options == nullptr || !options->is_array()) continue;
    for (const json::value& option : options->get_array()) {
      const json::array* pair = option.if_array();
      if (pair != nullptr && pair->size() == 2 && pair->at(0).is_string() && pair->at(1).is_string())
        question.options.emplace_back(pair->at(0).get_string(), pair->at(1).get_string());
    }
  }
  return out;
}

AgentRow read_agent(const storage::Row& row) {
  AgentRow a;
  a.session = row.text(0);
  a.token_hash = row.text(1);
  a.hooks_reason = row.text(2);
  a.config_dir = row.text(3);
  a.conversation = row.text(4);
  a.transcript = row.text(5);
  a.state = row.text(6);
  a.state_since = row.i64(7);
  a.state_what = row.text(8);
  a.state_at = row.i64(9);
  a.tool = row.text(10);
  a.reason = row.text(11);
  a.model = row.text(12);
  a.permission_mode = row.text(13);
  a.cost_usd = row.real(14);
  if (!row.is_null(15)) a.context_percent = row.real(15);
  a.context_tokens = static_cast<std::uint64_t>(row.i64(16));
  a.context_size = static_cast<std::uint64_t>(row.i64(17));
  a.lines_added = static_cast<std::uint64_t>(row.i64(18));
  a.lines_removed = static_cast<std::uint64_t>(row.i64(19));
  a.last_message = row.text(20);
  a.working_micros = row.i64(21);
  a.waiting_micros = row.i64(22);
  return a;
}

StoredItem read_item(const storage::Row& row) {
  StoredItem stored;
  AttentionItem& item = stored.item;
  item.id = row.text(0);
  item.session = row.text(1);
  item.session_name = row.text(2);
  item.project = row.text(3);
  item.kind = attention_kind_from(row.text(4)).value_or(AttentionKind::permission);
  item.since = row.i64(5);
  item.tool = row.text(6);
  item.summary = row.text(7);
  if (!row.is_null(8)) item.input = std::make_shared<const std::string>(row.text(8));
  item.input_bytes = static_cast<std::uint64_t>(row.i64(9));
  item.suggestions = row.text(10);
  item.questions = questions_from_json(row.text(11));
  item.text = row.text(12);
  item.agent_id = row.text(13);
  item.expires_at = row.optional_i64(14);
  stored.closed_at = row.optional_i64(15);
  if (!row.is_null(16)) stored.how = closed_from(row.text(16));
  stored.by = row.text(17);
  return stored;
}

}  // namespace

std::vector<storage::Migration> migrations() {
  return {{"agents/001-agents", kCreate}, {"agents/010-prompts", kPromptTables}, {"agents/020-usage", kUsageTables}};
}

Result<std::vector<AgentRow>> load_agents(storage::Connection& db) {
  // Of sessions that are on the list: the others' rows stay as their history.
  return db.all("SELECT " + std::string(kAgentColumns) +
                    " FROM agents WHERE session IN (SELECT id FROM sessions WHERE status != 'archived')",
                read_agent);
}

Result<> store_agent(storage::Connection& db, const AgentRow& a) {
  TRY(db.run("INSERT OR REPLACE INTO agents (" + std::string(kAgentColumns) +
                 ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
             a.session, a.token_hash, a.hooks_reason, a.config_dir, a.conversation, a.transcript, a.state,
             a.state_since, a.state_what, a.state_at, a.tool, a.reason, a.model, a.permission_mode, a.cost_usd,
             a.context_percent, a.context_tokens, a.context_size, a.lines_added, a.lines_removed, a.last_message,
             a.working_micros, a.waiting_micros));
  return {};
}

Result<std::vector<AttentionItem>> load_open_items(storage::Connection& db) {
  const auto rows = TRY(db.all(
      "SELECT " + std::string(kItemColumns) + " FROM attention WHERE closed_at IS NULL ORDER BY since, id", read_item));
  std::vector<AttentionItem> out;
  for (const StoredItem& stored : rows) out.push_back(stored.item);
  return out;
}

Result<> store_item(storage::Connection& db, const StoredItem& stored) {
  const AttentionItem& item = stored.item;
  const auto input = item.input ? std::optional<std::string_view>(*item.input) : std::nullopt;
  const auto how = stored.how ? std::optional<std::string_view>(to_string(*stored.how)) : std::nullopt;
  // What is closed stays closed, whatever comes late.
  TRY(db.run("INSERT INTO attention (" + std::string(kItemColumns) +
                 ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE SET text = excluded.text, "
                 "expires_at = excluded.expires_at, closed_at = excluded.closed_at, closed_how = excluded.closed_how, "
                 "closed_by = excluded.closed_by WHERE attention.closed_at IS NULL OR excluded.closed_at IS NOT NULL",
             item.id, item.session, item.session_name, item.project, to_string(item.kind), item.since, item.tool,
             item.summary, input, item.input_bytes, item.suggestions, questions_to_json(item.questions), item.text,
             item.agent_id, item.expires_at, stored.closed_at, how, stored.by));
  return {};
}

Result<std::optional<StoredItem>> load_closed_item(storage::Connection& db, std::string_view id) {
  return db.one("SELECT " + std::string(kItemColumns) + " FROM attention WHERE id = ? AND closed_at IS NOT NULL",
                read_item, id);
}

Result<> trim_items(storage::Connection& db) {
  TRY(
      db.run("DELETE FROM attention WHERE closed_at IS NOT NULL AND closed_at < "
             "(SELECT closed_at FROM attention WHERE closed_at IS NOT NULL ORDER BY closed_at DESC LIMIT 1 OFFSET ?)",
             kKeptClosedItems));
  return {};
}

Result<> store_event(storage::Connection& db, const StoredEvent& event) {
  const EventRow& row = event.row;
  TRY(db.run("INSERT INTO events (session, at, kind, state, source, what, actor) VALUES (?,?,?,?,?,?,?)", event.session,
             row.at, row.kind, row.state, row.source, row.what, row.actor));
  return {};
}

Result<> trim_events(storage::Connection& db, std::string_view session) {
  TRY(
      db.run("DELETE FROM events WHERE session = ? AND id <= (SELECT id FROM events WHERE session = ? ORDER BY id DESC "
             "LIMIT 1 OFFSET ?)",
             session, session, kKeptEvents));
  return {};
}

Result<std::vector<EventRow>> load_events(storage::Connection& db, std::string_view session, std::int64_t before,
                                          int limit) {
  const auto read = [](const storage::Row& row) {
    return EventRow{.id = row.i64(0),
                    .at = row.i64(1),
                    .kind = row.text(2),
                    .state = row.text(3),
                    .source = row.text(4),
                    .what = row.text(5),
                    .actor = row.text(6)};
  };
  return db.all(
      "SELECT id, at, kind, state, source, what, actor FROM events WHERE session = ? AND (? = 0 OR id < ?) ORDER BY id "
      "DESC LIMIT ?",
      read, session, before, before, limit);
}

}  // namespace ccd::agents
