// Prompts that come by the clock: schedules, and what goes on after a usage limit.
#include <boost/json.hpp>

#include "agents/prompts.hpp"
#include "base/log.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::agents {
namespace {

constexpr std::size_t kIdBytes = 10;
// The limit's end is given by the minute, and clocks differ.
constexpr WallMicros kAfterLimit = WallMicros{60} * 1'000'000;

}  // namespace

std::vector<ScheduleView> Prompts::schedules() const {
  std::vector<ScheduleView> out;
  for (const auto& [id, timed] : schedules_) out.push_back(view_of(timed, kMaxListedText));
  std::ranges::sort(out, {}, [](const ScheduleView& view) { return view.schedule.created_at; });
  return out;
}

std::optional<ScheduleView> Prompts::schedule(const std::string& id) const {
  const auto found = schedules_.find(id);
  return found == schedules_.end() ? std::nullopt : std::optional(view_of(found->second, kMaxPromptBytes));
}

// Lists are made on the loop: texts are not copied whole for them.
ScheduleView Prompts::view_of(const Timed& timed, std::size_t text_bytes) const {
  const Schedule& s = timed.schedule;
  Schedule shown{.id = s.id,
                 .name = s.name,
                 .cron = s.cron,
                 .session = s.session,
                 .text = claude::clipped(s.text, text_bytes),
                 .enabled = s.enabled,
                 .created_by = s.created_by,
                 .created_at = s.created_at,
                 .last_at = s.last_at,
                 .last_result = s.last_result};
  return {
      .schedule = std::move(shown), .bytes = s.text.size(), .next_at = switch_.stopped ? std::nullopt : timed.next_at};
}

Task<Result<ScheduleView>> Prompts::put_schedule(Schedule schedule, sessions::Actor actor) {
  schedule.text = CO_TRY(prompt_text(schedule.text));
  Cron cron = CO_TRY(Cron::parse(schedule.cron));
  if (schedule.name.empty() || schedule.name.size() > kMaxScheduleName) co_return fail_field("name", "1 to 100 bytes");
  if (!parts_.hub->find(schedule.session)) co_return fail_field("session", "there is no such session");
  const auto known = schedules_.find(schedule.id);
  const bool is_new = schedule.id.empty();
  if (!is_new && known == schedules_.end()) co_return fail(ErrorKind::not_found, "there is no such schedule");
  if (is_new) {
    schedule.id = parts_.random->hex(kIdBytes);
    schedule.created_by = actor.name;
    schedule.created_at = parts_.clock->wall();
  } else {
    // Who changes what is sent answers for it from then on.
    schedule.created_by = actor.name;
    schedule.created_at = known->second.schedule.created_at;
    schedule.last_at = known->second.schedule.last_at;
    schedule.last_result = known->second.schedule.last_result;
  }
  const boost::json::object detail{{"name", schedule.name},
                                   {"cron", schedule.cron},
                                   {"session", schedule.session},
                                   {"enabled", schedule.enabled},
                                   {"bytes", schedule.text.size()}};
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = is_new ? "schedule.add" : "schedule.change",
                       .target = schedule.id,
                       .outcome = audit::Outcome::ok,
                       .detail = boost::json::serialize(detail)};
  auto write = [schedule, is_new, record = std::move(record),
                trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(is_new ? insert_schedule(db, schedule) : update_schedule(db, schedule));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  if (const auto now = schedules_.find(schedule.id); now != schedules_.end()) {  // it may have fired meanwhile
    schedule.last_at = now->second.schedule.last_at;
    schedule.last_result = now->second.schedule.last_result;
  }
  Timed timed{.schedule = schedule, .cron = std::move(cron)};
  if (schedule.enabled) timed.next_at = timed.cron->next(parts_.clock->wall());
  ScheduleView view = view_of(timed, kMaxPromptBytes);
  schedules_.insert_or_assign(schedule.id, std::move(timed));
  wanted_.notify();
  co_return view;
}

Task<Result<>> Prompts::remove_schedule(std::string id, sessions::Actor actor) {
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = "schedule.remove",
                       .target = id,
                       .outcome = audit::Outcome::ok,
                       .detail = ""};
  auto write = [id, record = std::move(record), trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(erase_schedule(db, id));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return written;
  schedules_.erase(id);
  co_return Result<>{};
}

Task<void> Prompts::fire(std::string id) {
  const auto found = schedules_.find(id);
  if (found == schedules_.end()) co_return;
  const Schedule schedule = found->second.schedule;
  std::string result;
  const auto waits = [&] {
    const auto queue = queues_.find(schedule.session);
    return queue != queues_.end() &&
           std::ranges::any_of(queue->second, [&](const Prompt& prompt) { return prompt.batch == schedule.id; });
  };
  if (switch_.stopped) {
    result = "not sent: sending is stopped";
  } else if (const auto checked = check_session(schedule.session); !checked) {
    result = "not sent: " + checked.error().message;
  } else if (waits()) {
    result = "not sent: the one before still waits until the agent is idle";
  } else {
    const sessions::Actor actor{.name = schedule.created_by, .ip = ""};
    const auto stored = co_await store_new(schedule.session, schedule.text, PromptSource::schedule, schedule.id,
                                           PromptState::queued, actor);
    result = stored ? "queued" : "not sent: " + stored.error().message;
  }
  co_await note_fired(schedule, std::move(result));
}

Task<void> Prompts::note_fired(Schedule schedule, std::string result) {
  const auto found = schedules_.find(schedule.id);
  if (found == schedules_.end()) co_return;
  Schedule& now = found->second.schedule;
  now.last_at = parts_.clock->wall();
  now.last_result = std::move(result);
  // Nothing else of it: what it says may be just being changed.
  auto write = [copy = now](storage::Connection& db) { return note_schedule_fired(db, copy); };
  if (const auto written = co_await parts_.database->transact(std::move(write)); !written)
    log_error("agents", "a schedule's result could not be written",
              {{"schedule", schedule.id}, {"error", written.error().message}});
}

std::optional<LimitRule> Prompts::limit_rule(const std::string& session) const {
  const auto found = limit_rules_.find(session);
  return found == limit_rules_.end() ? std::nullopt : std::optional(found->second);
}

Task<Result<>> Prompts::set_limit_rule(std::string session, std::string text, sessions::Actor actor) {
  if (!parts_.hub->find(session)) co_return fail(ErrorKind::not_found, "there is no such session");
  LimitRule rule{.session = session, .created_by = actor.name};
  if (!text.empty()) rule.text = CO_TRY(prompt_text(text));
  audit::Record record{.actor = actor.name,
                       .ip = actor.ip,
                       .action = rule.text.empty() ? "limit_rule.remove" : "limit_rule.set",
                       .target = session,
                       .outcome = audit::Outcome::ok,
                       .detail = ""};
  auto write = [rule, record = std::move(record), trail = parts_.trail](storage::Connection& db) -> Result<> {
    TRY(rule.text.empty() ? erase_limit_rule(db, rule.session) : put_limit_rule(db, rule));
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return written;
  limits_.erase(session);
  if (rule.text.empty()) limit_rules_.erase(session);
  else limit_rules_.insert_or_assign(session, rule);
  note_limit(session);
  tell(session);
  co_return Result<>{};
}

// A limit that has a rule and an end is waited for.
void Prompts::note_limit(const std::string& session) {
  if (!limit_rules_.contains(session)) return;
  const auto view = parts_.agents->view(session);
  if (!view) return;
  // Somebody went on by hand: then nothing is to be sent.
  if (view->status.state == claude::AgentState::working) limits_.erase(session);
  if (view->status.state != claude::AgentState::limited || !view->status.limited_until) return;
  limits_[session] = *view->status.limited_until + kAfterLimit;
}

Task<void> Prompts::resume_after_limit(std::string session) {
  const auto rule = limit_rules_.find(session);
  if (rule == limit_rules_.end() || switch_.stopped || !check_session(session)) co_return;
  // Somebody went on by hand meanwhile.
  const auto view = parts_.agents->view(session);
  const bool waits =
      view && (view->status.state == claude::AgentState::limited || view->status.state == claude::AgentState::idle);
  if (!waits) co_return;
  const sessions::Actor actor{.name = rule->second.created_by, .ip = ""};
  const auto stored =
      co_await store_new(session, rule->second.text, PromptSource::limit, "", PromptState::queued, actor);
  if (!stored)
    log_warn("agents", "an agent could not be resumed after its limit",
             {{"session", session}, {"error", stored.error().message}});
}

}  // namespace ccd::agents
