// The tables of prompts that the dashboard sends, of schedules, and of the switch that stops them. On the database's thread, inside the caller's
// transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "storage/connection.hpp"

namespace ccd::agents {

extern const std::string_view kPromptTables;  // the migration agents/010-prompts

inline constexpr std::size_t kMaxPromptBytes = 100'000;  // of one prompt; the client takes more, nobody writes more
inline constexpr std::size_t kMaxQueuedPrompts = 100;    // that wait in one session
inline constexpr std::size_t kKeptPrompts = 200;         // of one session that are done; older ones are deleted
inline constexpr std::size_t kMaxSchedules = 200;
inline constexpr std::size_t kMaxListedText = 4096;  // bytes of each text in a list; a whole one is had by its id

enum class PromptState {
  queued,     // waits until the agent is idle
  sending,    // is being typed at this moment
  sent,       // the agent has it
  failed,     // the agent does not have it: `detail` says why
  uncertain,  // nobody knows: the dashboard was stopped while it typed, or the agent did not confirm it
  cancelled,  // taken back before it was sent
};
std::string_view to_string(PromptState state);

enum class PromptSource { person, broadcast, schedule, limit };
std::string_view to_string(PromptSource source);

struct Prompt {
  std::string id{};  // 20 hex digits
  std::string session{};
  std::string text{};
  PromptSource source = PromptSource::person;
  std::string batch{};  // of a broadcast: the same for all of it; of a schedule its id
  std::string created_by{};
  WallMicros created_at = 0;
  PromptState state = PromptState::queued;
  std::string detail{};  // for people: what confirmed it, or what went wrong
  std::optional<WallMicros> done_at{};
};

Result<> insert_prompt(storage::Connection& db, const Prompt& prompt);
Result<> update_prompt(storage::Connection& db, const Prompt& prompt);
// From here on it is `sending`. False: it does not wait any more, and stays what it is.
Result<bool> begin_sending(storage::Connection& db, std::string_view id);
// What waits, oldest first; and what was `sending` when the dashboard ended, which becomes `uncertain`.
Result<std::vector<Prompt>> load_open_prompts(storage::Connection& db, WallMicros now);
// Of one session, newest first.
Result<std::vector<Prompt>> read_prompts(storage::Connection& db, std::string_view session, int limit);
Result<std::optional<Prompt>> find_prompt(storage::Connection& db, std::string_view id);
// A text that was sent before, under one of the prompts that had it.
struct PastText {
  std::string id{};
  std::string beginning{};  // at least kMaxListedText bytes of it, where it has them
  std::uint64_t bytes = 0;  // of the whole
};
// Of all sessions, distinct texts that people wrote, newest first: what a composer offers again.
Result<std::vector<PastText>> read_prompt_history(storage::Connection& db, std::string_view project, int limit);
// Deletes what is done beyond kKeptPrompts.
Result<> trim_prompts(storage::Connection& db, std::string_view session);

struct Schedule {
  std::string id{};
  std::string name{};
  std::string cron{};
  std::string session{};
  std::string text{};
  bool enabled = true;
  std::string created_by{};
  WallMicros created_at = 0;
  std::optional<WallMicros> last_at{};
  std::string last_result{};  // for people
};
Result<> insert_schedule(storage::Connection& db, const Schedule& schedule);
// `not_found` for an unknown id, as erase_schedule().
// What it says; what became of it is note_schedule_fired()'s.
Result<> update_schedule(storage::Connection& db, const Schedule& schedule);
Result<> note_schedule_fired(storage::Connection& db, const Schedule& schedule);
Result<> erase_schedule(storage::Connection& db, std::string_view id);
Result<std::vector<Schedule>> load_schedules(storage::Connection& db);

// What is sent by itself once a usage limit is over; one row a session, none: nothing is.
struct LimitRule {
  std::string session{};
  std::string text{};
  std::string created_by{};
};
Result<> put_limit_rule(storage::Connection& db, const LimitRule& rule);
Result<> erase_limit_rule(storage::Connection& db, std::string_view session);
Result<std::vector<LimitRule>> load_limit_rules(storage::Connection& db);

// The one switch over everything that is sent without a person at that moment.
struct SendSwitch {
  bool stopped = false;
  std::string by{};
  WallMicros at = 0;
};
Result<> put_switch(storage::Connection& db, const SendSwitch& now);
Result<SendSwitch> load_switch(storage::Connection& db);

}  // namespace ccd::agents
