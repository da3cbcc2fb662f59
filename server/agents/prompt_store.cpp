// Prompts, schedules and the switch in SQL.
#include "agents/prompt_store.hpp"

#include <array>

#include <fmt/format.h>

namespace ccd::agents {

const std::string_view kPromptTables = R"sql(
CREATE TABLE prompts (
  id         TEXT PRIMARY KEY,
  session    TEXT NOT NULL,
  text       TEXT NOT NULL,
  source     TEXT NOT NULL CHECK (source IN ('person', 'broadcast', 'schedule', 'limit')),
  batch      TEXT NOT NULL,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,       -- microseconds since the epoch
  state      TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'uncertain', 'cancelled')),
  detail     TEXT NOT NULL,
  done_at    INTEGER
) STRICT;
CREATE INDEX prompts_by_session ON prompts (session, created_at);
CREATE INDEX prompts_open ON prompts (state) WHERE state IN ('queued', 'sending');
CREATE TABLE schedules (
  id          TEXT PRIMARY KEY,
  name        TEXT NOT NULL,
  cron        TEXT NOT NULL,
  session     TEXT NOT NULL,
  text        TEXT NOT NULL,
  enabled     INTEGER NOT NULL CHECK (enabled IN (0, 1)),
  created_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  last_at     INTEGER,
  last_result TEXT NOT NULL
) STRICT;
CREATE TABLE limit_rules (
  session    TEXT PRIMARY KEY,
  text       TEXT NOT NULL,
  created_by TEXT NOT NULL
) STRICT;
CREATE TABLE send_switch (
  id      INTEGER PRIMARY KEY CHECK (id = 1),
  stopped INTEGER NOT NULL CHECK (stopped IN (0, 1)),
  by      TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
)sql";

namespace {

constexpr std::array kStates{PromptState::queued, PromptState::sending,   PromptState::sent,
                             PromptState::failed, PromptState::uncertain, PromptState::cancelled};
constexpr std::array kSources{PromptSource::person, PromptSource::broadcast, PromptSource::schedule,
                              PromptSource::limit};
constexpr std::string_view kPromptColumns =
    "id, session, text, source, batch, created_by, created_at, state, detail, done_at";
constexpr std::string_view kScheduleColumns =
    "id, name, cron, session, text, enabled, created_by, created_at, last_at, last_result";

template <class E, std::size_t N>
E from_word(std::string_view word, const std::array<E, N>& all) {
  for (const E value : all)
    if (word == to_string(value)) return value;
  return all.front();
}

Prompt read_prompt(const storage::Row& row) {
  return {.id = row.text(0),
          .session = row.text(1),
          .text = row.text(2),
          .source = from_word(row.text_view(3), kSources),
          .batch = row.text(4),
          .created_by = row.text(5),
          .created_at = row.i64(6),
          .state = from_word(row.text_view(7), kStates),
          .detail = row.text(8),
          .done_at = row.optional_i64(9)};
}

Result<> one_changed(std::int64_t changed, std::string_view what) {
  if (changed == 1) return {};
  return fail(ErrorKind::not_found, fmt::format("there is no such {}", what));
}

}  // namespace

std::string_view to_string(PromptState state) {
  switch (state) {
    case PromptState::queued: return "queued";
    case PromptState::sending: return "sending";
    case PromptState::sent: return "sent";
    case PromptState::failed: return "failed";
    case PromptState::uncertain: return "uncertain";
    case PromptState::cancelled: return "cancelled";
  }
  return "queued";
}

std::string_view to_string(PromptSource source) {
  switch (source) {
    case PromptSource::person: return "person";
    case PromptSource::broadcast: return "broadcast";
    case PromptSource::schedule: return "schedule";
    case PromptSource::limit: return "limit";
  }
  return "person";
}

Result<> insert_prompt(storage::Connection& db, const Prompt& p) {
  TRY(db.run(fmt::format("INSERT INTO prompts ({}) VALUES (?,?,?,?,?,?,?,?,?,?)", kPromptColumns), p.id, p.session,
             p.text, to_string(p.source), p.batch, p.created_by, p.created_at, to_string(p.state), p.detail,
             p.done_at));
  return {};
}

Result<> update_prompt(storage::Connection& db, const Prompt& p) {
  return one_changed(TRY(db.run("UPDATE prompts SET state = ?, detail = ?, done_at = ? WHERE id = ?",
                                to_string(p.state), p.detail, p.done_at, p.id)),
                     "prompt");
}

Result<bool> begin_sending(storage::Connection& db, std::string_view id) {
  return TRY(db.run("UPDATE prompts SET state = 'sending' WHERE id = ? AND state IN ('queued', 'sending')", id)) == 1;
}

Result<std::vector<Prompt>> load_open_prompts(storage::Connection& db, WallMicros now) {
  TRY(
      db.run("UPDATE prompts SET state = 'uncertain', done_at = ?, detail = 'the dashboard was stopped while it was "
             "typing this: look at the "
             "terminal before you send it again' WHERE state = 'sending'",
             now));
  return db.all(fmt::format("SELECT {} FROM prompts WHERE state = 'queued' ORDER BY created_at, id", kPromptColumns),
                read_prompt);
}

Result<std::vector<Prompt>> read_prompts(storage::Connection& db, std::string_view session, int limit) {
  return db.all(
      fmt::format("SELECT {} FROM prompts WHERE session = ? ORDER BY created_at DESC, id DESC LIMIT ?", kPromptColumns),
      read_prompt, session, limit);
}

Result<std::optional<Prompt>> find_prompt(storage::Connection& db, std::string_view id) {
  return db.one(fmt::format("SELECT {} FROM prompts WHERE id = ?", kPromptColumns), read_prompt, id);
}

Result<std::vector<PastText>> read_prompt_history(storage::Connection& db, std::string_view project, int limit) {
  return db.all(
      "SELECT p.id, substr(p.text, 1, ?3), length(CAST(p.text AS BLOB)) FROM prompts p JOIN sessions s ON s.id = "
      "p.session WHERE p.source IN "
      "('person', 'broadcast') AND p.state != 'cancelled' AND (?1 = '' OR s.project = ?1) GROUP BY p.text ORDER BY "
      "max(p.created_at) DESC LIMIT ?2",
      [](const storage::Row& row) {
        return PastText{.id = row.text(0), .beginning = row.text(1), .bytes = static_cast<std::uint64_t>(row.i64(2))};
      },
      project, limit, static_cast<std::int64_t>(kMaxListedText));
}

Result<> trim_prompts(storage::Connection& db, std::string_view session) {
  TRY(
      db.run("DELETE FROM prompts WHERE session = ?1 AND state NOT IN ('queued', 'sending') AND id NOT IN (SELECT id "
             "FROM prompts WHERE "
             "session = ?1 AND state NOT IN ('queued', 'sending') ORDER BY created_at DESC, id DESC LIMIT ?2)",
             session, static_cast<std::int64_t>(kKeptPrompts)));
  return {};
}

Result<> insert_schedule(storage::Connection& db, const Schedule& s) {
  const auto count = TRY(db.one("SELECT count(*) FROM schedules", [](const storage::Row& row) { return row.i64(0); }));
  if (count && *count >= static_cast<std::int64_t>(kMaxSchedules))
    return fail(ErrorKind::too_many, "there are 200 schedules: remove one first");
  TRY(db.run(fmt::format("INSERT INTO schedules ({}) VALUES (?,?,?,?,?,?,?,?,?,?)", kScheduleColumns), s.id, s.name,
             s.cron, s.session, s.text, std::int64_t{s.enabled}, s.created_by, s.created_at, s.last_at, s.last_result));
  return {};
}

Result<> update_schedule(storage::Connection& db, const Schedule& s) {
  return one_changed(
      TRY(db.run("UPDATE schedules SET name = ?, cron = ?, session = ?, text = ?, enabled = ? WHERE id = ?", s.name,
                 s.cron, s.session, s.text, std::int64_t{s.enabled}, s.id)),
      "schedule");
}

Result<> note_schedule_fired(storage::Connection& db, const Schedule& s) {
  return one_changed(
      TRY(db.run("UPDATE schedules SET last_at = ?, last_result = ? WHERE id = ?", s.last_at, s.last_result, s.id)),
      "schedule");
}

Result<> erase_schedule(storage::Connection& db, std::string_view id) {
  return one_changed(TRY(db.run("DELETE FROM schedules WHERE id = ?", id)), "schedule");
}

Result<std::vector<Schedule>> load_schedules(storage::Connection& db) {
  const auto read = [](const storage::Row& row) -> Schedule {
    return {.id = row.text(0),
            .name = row.text(1),
            .cron = row.text(2),
            .session = row.text(3),
            .text = row.text(4),
            .enabled = row.i64(5) != 0,
            .created_by = row.text(6),
            .created_at = row.i64(7),
            .last_at = row.optional_i64(8),
            .last_result = row.text(9)};
  };
  return db.all(fmt::format("SELECT {} FROM schedules ORDER BY created_at, id", kScheduleColumns), read);
}

Result<> put_limit_rule(storage::Connection& db, const LimitRule& rule) {
  TRY(
      db.run("INSERT INTO limit_rules (session, text, created_by) VALUES (?,?,?) ON CONFLICT (session) DO UPDATE SET "
             "text = excluded.text, "
             "created_by = excluded.created_by",
             rule.session, rule.text, rule.created_by));
  return {};
}

Result<> erase_limit_rule(storage::Connection& db, std::string_view session) {
  TRY(db.run("DELETE FROM limit_rules WHERE session = ?", session));
  return {};
}

Result<std::vector<LimitRule>> load_limit_rules(storage::Connection& db) {
  return db.all("SELECT session, text, created_by FROM limit_rules", [](const storage::Row& row) -> LimitRule {
    return {.session = row.text(0), .text = row.text(1), .created_by = row.text(2)};
  });
}

Result<> put_switch(storage::Connection& db, const SendSwitch& now) {
  TRY(
      db.run("INSERT INTO send_switch (id, stopped, by, at) VALUES (1,?,?,?) ON CONFLICT (id) DO UPDATE SET stopped = "
             "excluded.stopped, "
             "by = excluded.by, at = excluded.at",
             std::int64_t{now.stopped}, now.by, now.at));
  return {};
}

Result<SendSwitch> load_switch(storage::Connection& db) {
  const auto found =
      TRY(db.one("SELECT stopped, by, at FROM send_switch WHERE id = 1", [](const storage::Row& row) -> SendSwitch {
        return {.stopped = row.i64(0) != 0, .by = row.text(1), .at = row.i64(2)};
      }));
  return found.value_or(SendSwitch{});
}

}  // namespace ccd::agents
