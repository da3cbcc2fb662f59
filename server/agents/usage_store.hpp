// The tables of usage: what each conversation took of each model by day, what it cost and how long it worked. On the database's thread,
// inside the caller's transaction.
//
// Tokens are absolute: a transcript says what it holds, so writing it again changes nothing and a dashboard that was away misses nothing.
// Cost, lines and times are told by a running client as totals so far; what they grew by is added, and the last total kept beside it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "claude/transcript_index.hpp"
#include "storage/connection.hpp"

namespace ccd::agents {

extern const std::string_view kUsageTables;  // the migration agents/020-usage

struct Amounts {
  claude::Usage tokens{};
  std::uint64_t messages = 0;
  std::int64_t cost_micros = 0;  // millionths of a US dollar, the client's own figure
  std::int64_t lines_added = 0;
  std::int64_t lines_removed = 0;
  std::int64_t working_micros = 0;
  std::int64_t waiting_micros = 0;  // for a person
  bool operator==(const Amounts&) const = default;
  Amounts& operator+=(const Amounts& more);
};
// All kinds together, cached ones too.
std::uint64_t all_tokens(const claude::Usage& usage);

struct ConversationUsage {
  std::string conversation{};  // UUID
  std::string session{};       // the dashboard's id
  std::map<claude::UsageDay, claude::ModelUsage> days{};
};
// Takes the place of what was there of this conversation.
Result<> put_tokens(storage::Connection& db, const ConversationUsage& usage);

// Totals so far, as a client tells them.
struct Totals {
  std::int64_t cost_micros = 0;
  std::int64_t lines_added = 0;
  std::int64_t lines_removed = 0;
  std::int64_t working_micros = 0;
  std::int64_t waiting_micros = 0;
  bool operator==(const Totals&) const = default;
};
struct Work {
  std::string session{};
  std::string conversation{};  // whose cost and lines these are; empty: not known yet, they are left out
  std::string model{};         // as the client names it now
  std::int32_t day = 0;
  Totals totals{};
};
// Adds what grew since the last call for this session (times) and this conversation (cost and lines) to the day and the model. A total
// that is smaller than before belongs to a client that began again at 0.
Result<> add_work(storage::Connection& db, const Work& work);

enum class GroupBy { day, session, project, model };
std::optional<GroupBy> group_by_from(std::string_view word);
std::string_view to_string(GroupBy by);

struct UsageQuery {
  std::int32_t from_day = 0;  // both included
  std::int32_t to_day = 0;
  GroupBy by = GroupBy::day;
  std::optional<GroupBy> then_by{};  // a second key, as "by day and model" for a plot
  std::string session{};             // only this one
  std::string project{};
};
struct UsageRow {
  std::string key{};   // "2026-11-28", a session's id, a project's path, a model's name
  std::string name{};  // of a session: its name
  std::string then{};  // the second key
  Amounts amounts{};
};
// Rows in the order of their keys. `too_large` over storage::kMaxRows.
Result<std::vector<UsageRow>> read_usage(storage::Connection& db, const UsageQuery& query);

// "2026-11-28" and back; nothing for what is no such day.
std::string day_text(std::int32_t day);
std::optional<std::int32_t> day_from(std::string_view text);

// As a spreadsheet takes it: a header, then a line a row. Texts that a spreadsheet would take for a formula get a ' in front.
std::string usage_csv(const std::vector<UsageRow>& rows, const UsageQuery& query);

}  // namespace ccd::agents
