// Usage in SQL, and as CSV.
#include "agents/usage_store.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include <fmt/format.h>

namespace ccd::agents {

const std::string_view kUsageTables = R"sql(
CREATE TABLE usage (
  conversation   TEXT NOT NULL,
  day            INTEGER NOT NULL,   -- days since 1970-01-01, in the machine's time zone
  model          TEXT NOT NULL,
  session        TEXT NOT NULL,
  input          INTEGER NOT NULL,   -- tokens
  output         INTEGER NOT NULL,
  cache_read     INTEGER NOT NULL,
  cache_write_5m INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL,
  messages       INTEGER NOT NULL,
  PRIMARY KEY (conversation, day, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_day ON usage (day);
CREATE TABLE usage_work (
  session        TEXT NOT NULL,
  day            INTEGER NOT NULL,
  model          TEXT NOT NULL,
  cost_micros    INTEGER NOT NULL,   -- millionths of a US dollar
  lines_added    INTEGER NOT NULL,
  lines_removed  INTEGER NOT NULL,
  working_micros INTEGER NOT NULL,
  waiting_micros INTEGER NOT NULL,
  PRIMARY KEY (session, day, model)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_work_by_day ON usage_work (day);
-- The last totals that were told: of a conversation its cost and lines, of a session its times.
CREATE TABLE usage_told (
  subject TEXT PRIMARY KEY,
  first   INTEGER NOT NULL,
  second  INTEGER NOT NULL,
  third   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE budgets (
  id         TEXT PRIMARY KEY,
  scope      TEXT NOT NULL CHECK (scope IN ('all', 'project', 'session')),
  target     TEXT NOT NULL,          -- a project's path, a session's id; empty for all
  period     TEXT NOT NULL CHECK (period IN ('day', 'week', 'month', 'ever')),
  unit       TEXT NOT NULL CHECK (unit IN ('usd', 'tokens')),
  bound      INTEGER NOT NULL CHECK (bound > 0),  -- millionths of a US dollar, or tokens
  action     TEXT NOT NULL CHECK (action IN ('warn', 'pause')),
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL        -- microseconds since the epoch
) STRICT;
)sql";

namespace {

using Three = std::array<std::int64_t, 3>;

// What `now` grew by since it was last told; remembers it.
Result<Three> growth(storage::Connection& db, const std::string& subject, const Three& now) {
  Three before{};
  {
    storage::Statement row = TRY(db.prepare("SELECT first, second, third FROM usage_told WHERE subject = ?"));
    row.bind(1, subject);
    if (TRY(row.step())) before = {row.i64(0), row.i64(1), row.i64(2)};
  }
  if (before == now) return Three{};
  TRY(db.run(
      "INSERT INTO usage_told (subject, first, second, third) VALUES (?,?,?,?) ON CONFLICT (subject) DO UPDATE SET "
      "first = excluded.first, second = excluded.second, third = excluded.third",
      subject, now[0], now[1], now[2]));
  Three grown{};
  for (std::size_t i = 0; i < grown.size(); ++i) grown[i] = now[i] >= before[i] ? now[i] - before[i] : now[i];
  return grown;
}

// One key of a grouping, by the row's day, session, project or model.
std::string_view column_of(GroupBy by) {
  switch (by) {
    case GroupBy::day: return "u.day";
    case GroupBy::session: return "u.session";
    case GroupBy::project: return "coalesce(s.project, '')";
    case GroupBy::model: return "u.model";
  }
  return "u.day";
}

std::string key_text(const storage::Row& row, int column, std::optional<GroupBy> by) {
  if (by == GroupBy::day) return day_text(static_cast<std::int32_t>(row.i64(column)));
  return row.text(column);
}

std::string select(const UsageQuery& query, std::string_view sums, std::string_view table) {
  const std::string_view first = column_of(query.by);
  const std::string_view then = query.then_by ? column_of(*query.then_by) : "''";
  return fmt::format(
      "SELECT {}, {}, coalesce(max(s.name), ''), {} FROM {} u LEFT JOIN sessions s ON s.id = u.session "
      "WHERE u.day BETWEEN ?1 AND ?2 AND (?3 = '' OR u.session = ?3) AND (?4 = '' OR s.project = ?4) GROUP BY 1, 2 "
      "ORDER BY 1, 2",
      first, then, sums, table);
}

using Rows = std::map<std::pair<std::string, std::string>, UsageRow>;

template <class Take>
Result<> collect(storage::Connection& db, const UsageQuery& query, const std::string& sql, Rows& rows, Take take) {
  storage::Statement row = TRY(db.prepare(sql));
  row.bind_all(query.from_day, query.to_day, query.session, query.project);
  while (TRY(row.step())) {
    const std::string key = key_text(row, 0, query.by);
    const std::string then = query.then_by ? key_text(row, 1, query.then_by) : std::string();
    if (rows.size() >= storage::kMaxRows && !rows.contains({key, then}))
      return fail(ErrorKind::too_large, "that is more than 100,000 rows: ask for fewer days, or group by day");
    UsageRow& out = rows[{key, then}];
    out.key = key;
    out.then = then;
    if (query.by == GroupBy::session) out.name = row.text(2);
    take(row, out.amounts);
  }
  return {};
}

// RFC 4180, and nothing that a spreadsheet would run.
std::string csv_cell(std::string_view text) {
  std::string out = "\"";
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string dollars(std::int64_t micros) { return fmt::format("{}.{:06d}", micros / 1'000'000, micros % 1'000'000); }

}  // namespace

Amounts& Amounts::operator+=(const Amounts& more) {
  tokens.input += more.tokens.input;
  tokens.output += more.tokens.output;
  tokens.cache_read += more.tokens.cache_read;
  tokens.cache_write_5m += more.tokens.cache_write_5m;
  tokens.cache_write_1h += more.tokens.cache_write_1h;
  messages += more.messages;
  cost_micros += more.cost_micros;
  lines_added += more.lines_added;
  lines_removed += more.lines_removed;
  working_micros += more.working_micros;
  waiting_micros += more.waiting_micros;
  return *this;
}

std::uint64_t all_tokens(const claude::Usage& usage) {
  return usage.input + usage.output + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h;
}

Result<> put_tokens(storage::Connection& db, const ConversationUsage& usage) {
  TRY(db.run("DELETE FROM usage WHERE conversation = ?", usage.conversation));
  for (const auto& [day, sum] : usage.days) {
    const claude::Usage& t = sum.usage;
    TRY(
        db.run("INSERT INTO usage (conversation, day, model, session, input, output, cache_read, cache_write_5m, "
               "cache_write_1h, messages) "
               "VALUES (?,?,?,?,?,?,?,?,?,?)",
               usage.conversation, std::int64_t{day.first}, day.second, usage.session,
               static_cast<std::int64_t>(t.input), static_cast<std::int64_t>(t.output),
               static_cast<std::int64_t>(t.cache_read), static_cast<std::int64_t>(t.cache_write_5m),
               static_cast<std::int64_t>(t.cache_write_1h), static_cast<std::int64_t>(sum.messages)));
  }
  return {};
}

Result<> add_work(storage::Connection& db, const Work& work) {
  const Totals& now = work.totals;
  Three money{};
  if (!work.conversation.empty())
    money = TRY(growth(db, "conversation " + work.conversation, {now.cost_micros, now.lines_added, now.lines_removed}));
  const Three time = TRY(growth(db, "session " + work.session, {now.working_micros, now.waiting_micros, 0}));
  if (money == Three{} && time == Three{}) return {};
  TRY(db.run(
      "INSERT INTO usage_work (session, day, model, cost_micros, lines_added, lines_removed, working_micros, "
      "waiting_micros) "
      "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (session, day, model) DO UPDATE SET cost_micros = cost_micros + "
      "excluded.cost_micros, "
      "lines_added = lines_added + excluded.lines_added, lines_removed = lines_removed + excluded.lines_removed, "
      "working_micros = working_micros + excluded.working_micros, waiting_micros = waiting_micros + "
      "excluded.waiting_micros",
      work.session, std::int64_t{work.day}, work.model, money[0], money[1], money[2], time[0], time[1]));
  return {};
}

std::optional<GroupBy> group_by_from(std::string_view word) {
  for (const GroupBy by : {GroupBy::day, GroupBy::session, GroupBy::project, GroupBy::model})
    if (word == to_string(by)) return by;
  return std::nullopt;
}

std::string_view to_string(GroupBy by) {
  switch (by) {
    case GroupBy::day: return "day";
    case GroupBy::session: return "session";
    case GroupBy::project: return "project";
    case GroupBy::model: return "model";
  }
  return "day";
}

Result<std::vector<UsageRow>> read_usage(storage::Connection& db, const UsageQuery& query) {
  Rows rows;
  const std::string tokens =
      select(query, "sum(input), sum(output), sum(cache_read), sum(cache_write_5m), sum(cache_write_1h), sum(messages)",
             "usage");
  TRY(collect(db, query, tokens, rows, [](const storage::Row& row, Amounts& to) {
    const auto count = [&row](int column) { return static_cast<std::uint64_t>(row.i64(column)); };
    to.tokens = {.input = count(3),
                 .output = count(4),
                 .cache_read = count(5),
                 .cache_write_5m = count(6),
                 .cache_write_1h = count(7)};
    to.messages = count(8);
  }));
  const std::string work =
      select(query, "sum(cost_micros), sum(lines_added), sum(lines_removed), sum(working_micros), sum(waiting_micros)",
             "usage_work");
  TRY(collect(db, query, work, rows, [](const storage::Row& row, Amounts& to) {
    to.cost_micros = row.i64(3);
    to.lines_added = row.i64(4);
    to.lines_removed = row.i64(5);
    to.working_micros = row.i64(6);
    to.waiting_micros = row.i64(7);
  }));
  std::vector<UsageRow> out;
  out.reserve(rows.size());
  for (auto& [key, row] : rows) out.push_back(std::move(row));
  return out;
}

std::string day_text(std::int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{day}}};
  return fmt::format("{:04d}-{:02d}-{:02d}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::optional<std::int32_t> day_from(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto number = [&text](std::size_t at, std::size_t digits) -> std::optional<int> {
    int value = 0;
    const char* end = text.data() + at + digits;
    const auto [stop, error] = std::from_chars(text.data() + at, end, value);
    return error == std::errc() && stop == end && value >= 0 ? std::optional(value) : std::nullopt;
  };
  const auto year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return static_cast<std::int32_t>(std::chrono::sys_days{date}.time_since_epoch().count());
}

std::string usage_csv(const std::vector<UsageRow>& rows, const UsageQuery& query) {
  std::string out(to_string(query.by));
  if (query.by == GroupBy::session) out += ",name";
  if (query.then_by) out += "," + std::string(to_string(*query.then_by));
  out +=
      ",input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,messages,cost_usd,lines_added,lines_removed,"
      "working_seconds,"
      "waiting_seconds\r\n";
  for (const UsageRow& row : rows) {
    const Amounts& a = row.amounts;
    out += csv_cell(row.key);
    if (query.by == GroupBy::session) out += "," + csv_cell(row.name);
    if (query.then_by) out += "," + csv_cell(row.then);
    out += fmt::format(",{},{},{},{},{},{},{},{},{},{}\r\n", a.tokens.input, a.tokens.output, a.tokens.cache_read,
                       a.tokens.cache_write_5m + a.tokens.cache_write_1h, a.messages, dollars(a.cost_micros),
                       a.lines_added, a.lines_removed, a.working_micros / 1'000'000, a.waiting_micros / 1'000'000);
  }
  return out;
}

}  // namespace ccd::agents
