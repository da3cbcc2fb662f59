// Transcripts: where each lies, and what is read of it on the pool.
#include "agents/transcripts.hpp"

#include <algorithm>

#include "agents/launch.hpp"
#include "base/log.hpp"
#include "claude/conversation_list.hpp"
#include "claude/subagents.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;

// Searches and counts at once: half of the pool, so that pages are never behind them all.
constexpr int kMaxTurns = 2;
// A person reads no faster.
constexpr auto kTellPause = 250ms;
// Looks for a transcript that is not there yet; and, as a net under lost events, at one that is.
constexpr auto kAbsentPause = 1s;
constexpr auto kNetPause = 30s;
// Between two looks through all of the client's folders.
constexpr auto kSeekPause = 3s;
constexpr auto kStopLimit = 3s;

NoTranscript lies_outside(const std::string& config_dir) {
  return {"Its transcript lies outside of the folder where this dashboard looks for them (" +
          (config_dir.empty() ? "HOME is not set" : config_dir) +
          "), so it is not shown. Start the dashboard with CLAUDE_CONFIG_DIR set to the folder that the agent uses."};
}

Error as_forbidden(Error error) {
  // Says nothing of what lies where the transcript should be.
  if (error.kind == ErrorKind::invalid)
    return Error{.kind = ErrorKind::forbidden,
                 .message = "what lies in the transcript's place is not a plain file of this session"};
  return error;
}

}  // namespace

bool valid_agent_id(std::string_view id) {
  return id.size() <= 64 && std::ranges::all_of(id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

struct Transcripts::Followed {
  Followed(TranscriptName n, const asio::any_io_executor& executor) : name(std::move(n)), wake(executor) {}
  TranscriptName name;
  std::map<std::uint64_t, std::function<void(const TranscriptExtent&)>> callbacks{};
  std::set<std::uint64_t> fresh{};  // have not been told anything yet
  std::optional<claude::TranscriptWatcher::Watch> watch{};
  std::string watched{};  // the folder
  TranscriptExtent told{};
  bool due = true;
  Notifier wake;

  void look_soon() {
    due = true;
    wake.notify();
  }
};

Transcripts::Transcripts(const asio::any_io_executor& executor, Parts parts)
    : executor_(executor), parts_(parts), watcher_(executor), turns_(executor), tasks_(executor) {
  Listener listener;
  // Another conversation may have begun in it.
  listener.changed = [this](const std::string& session) {
    for (const auto& [name, followed] : followed_)
      if (name.session == session) followed->look_soon();
  };
  subscription_ = parts_.agents->subscribe(std::move(listener));
}

Transcripts::~Transcripts() = default;

Task<void> Transcripts::stop() {
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
}

Task<Transcripts::Turns::Turn> Transcripts::Turns::take() {
  while (taken_ >= kMaxTurns) co_await freed_.wait();
  co_return Turn(this);
}

Task<Result<std::variant<NoTranscript, TranscriptPlace>>> Transcripts::place_of(std::string session) {
  using Answer = Result<std::variant<NoTranscript, TranscriptPlace>>;
  if (!parts_.hub->find(session)) co_return fail(ErrorKind::not_found, "there is no such session");
  const auto view = parts_.agents->view(session);
  if (!view) co_return Answer(NoTranscript{"No Claude Code runs in this session, so there is no conversation."});
  const std::string conversation = view->conversation;
  if (conversation.empty())
    co_return Answer(NoTranscript{"Which conversation this is will be known once the agent reports something."});
  // As the session was started, or as this dashboard was: no hook can widen it.
  const std::string others = config_dir_of({});
  auto place = TranscriptPlace::of(view->transcript, view->config_dir, conversation);
  if (!place) place = TranscriptPlace::of(view->transcript, others, conversation);
  if (!place && !view->transcript.empty()) co_return Answer(lies_outside(others));
  if (!place) {
    std::string config_dir = view->config_dir;
    if (config_dir.empty()) config_dir = others;
    if (config_dir.empty()) co_return Answer(NoTranscript{"Where this agent keeps its transcripts is not known."});
    const auto path = co_await seek(session, config_dir, conversation);
    if (!path && path.error().kind != ErrorKind::not_found) co_return tl::unexpected(path.error());
    if (path) place = TranscriptPlace::of(*path, config_dir, conversation);
    if (!place) co_return Answer(NoTranscript{"Nothing has been said in this conversation yet."});
  }
  co_return Answer(std::move(*place));
}

// No hook has said where: its name is enough, whatever folder the client has put it in.
Task<Result<std::string>> Transcripts::seek(std::string session, std::string config_dir, std::string conversation) {
  const auto now = std::chrono::steady_clock::now();
  const auto known = sought_.find(session);
  if (known != sought_.end() && known->second.conversation == conversation) {
    if (!known->second.path.empty()) co_return known->second.path;
    if (now - known->second.at < kSeekPause) co_return fail(ErrorKind::not_found, "not there");
  }
  auto find = [projects = config_dir + "/projects", conversation] {
    return claude::ConversationList(projects).find(conversation);
  };
  const auto found = co_await run_on(*parts_.pool, std::move(find));
  if (!parts_.hub->find(session)) co_return fail(ErrorKind::not_found, "there is no such session");
  Sought& sought = sought_[session];
  sought.conversation = conversation;
  sought.path.clear();
  if (found) sought.path = found->path;
  sought.at = now;
  std::erase_if(sought_, [this](const auto& entry) { return !parts_.hub->find(entry.first); });
  if (!found) co_return tl::unexpected(found.error());
  co_return found->path;
}

Task<Result<std::variant<NoTranscript, claude::TranscriptFile>>> Transcripts::open(TranscriptName name) {
  using Answer = Result<std::variant<NoTranscript, claude::TranscriptFile>>;
  if (!valid_agent_id(name.agent)) co_return fail_field("agent", "agent must be letters, digits, - and _");
  auto place = co_await place_of(std::move(name.session));
  if (!place) co_return tl::unexpected(std::move(place).error());
  if (auto* none = std::get_if<NoTranscript>(&*place)) co_return Answer(std::move(*none));
  auto work = [place = std::move(std::get<TranscriptPlace>(*place)), agent = name.agent] { return place.open(agent); };
  auto file = co_await run_on(*parts_.pool, std::move(work));
  if (file) co_return Answer(std::move(*file));
  if (file.error().kind != ErrorKind::not_found) co_return tl::unexpected(as_forbidden(std::move(file).error()));
  if (!name.agent.empty()) co_return Answer(NoTranscript{"This subagent has no conversation of its own (yet)."});
  co_return Answer(NoTranscript{"Nothing has been said in this conversation yet."});
}

Task<Result<std::variant<NoTranscript, claude::SearchPage>>> Transcripts::search(TranscriptName name,
                                                                                 claude::TranscriptSearch search,
                                                                                 std::uint64_t from) {
  const Turns::Turn turn = co_await turns_.take();
  auto work = [search = std::make_shared<claude::TranscriptSearch>(std::move(search)),
               from](const claude::TranscriptFile& file) { return search->step(file, from); };
  co_return co_await with_file(std::move(name), std::move(work));
}

Task<Result<std::variant<NoTranscript, FactsAnswer>>> Transcripts::facts(TranscriptName name) {
  const Turns::Turn turn = co_await turns_.take();
  const auto known = std::ranges::find(indexes_, name, [](const auto& entry) { return entry.first; });
  std::shared_ptr<Indexed> indexed =
      known == indexes_.end() || known->second->busy ? std::make_shared<Indexed>() : known->second;
  if (known != indexes_.end()) indexes_.erase(known);
  indexes_.emplace_front(name, indexed);
  if (indexes_.size() > kMaxKeptIndexes) indexes_.pop_back();
  // Only this work has it until it is done: another request of the same moment begins its own.
  indexed->busy = true;
  struct Done {
    Indexed* indexed;
    ~Done() { indexed->busy = false; }
  } const done{indexed.get()};
  auto work = [indexed](const claude::TranscriptFile& file) -> Result<FactsAnswer> {
    FactsAnswer answer;
    answer.extent.file = TRY(file.identity());
    if (indexed->file != answer.extent.file) indexed->index = claude::TranscriptIndex();
    indexed->file = answer.extent.file;
    TRY(indexed->index.catch_up(file, kMaxFactsBytes));
    answer.extent.bytes = TRY(file.bytes());
    answer.facts = indexed->index.facts();
    return answer;
  };
  co_return co_await with_file(std::move(name), std::move(work));
}

Task<Result<std::vector<Subagent>>> Transcripts::subagents(std::string session) {
  auto place = co_await place_of(std::move(session));
  if (!place) co_return tl::unexpected(std::move(place).error());
  std::vector<Subagent> out;
  if (std::holds_alternative<NoTranscript>(*place)) co_return out;
  auto work = [place = std::move(std::get<TranscriptPlace>(*place))] { return place.subagents(kMaxSubagents); };
  auto found = co_await run_on(*parts_.pool, std::move(work));
  if (!found && found.error().kind == ErrorKind::not_found) co_return out;
  if (!found) co_return tl::unexpected(as_forbidden(std::move(found).error()));
  for (claude::SubagentFile& file : *found)
    out.push_back({.id = std::move(file.id),
                   .tool_id = std::move(file.tool_id),
                   .type = std::move(file.type),
                   .description = std::move(file.description),
                   .bytes = file.bytes});
  co_return out;
}

// --- following ---------------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Transcripts::Follow>> Transcripts::follow(TranscriptName name,
                                                                 std::function<void(const TranscriptExtent&)> grown) {
  auto found = followed_.find(name);
  const bool first = found == followed_.end();
  if (first && followed_.size() >= kMaxFollowed)
    return fail(ErrorKind::too_many, "too many transcripts are followed at once");
  if (first) found = followed_.emplace(name, std::make_shared<Followed>(name, executor_)).first;
  const std::uint64_t id = ++last_follow_;
  found->second->callbacks.emplace(id, std::move(grown));
  found->second->fresh.insert(id);
  // Its loop lives as long as there are callbacks.
  if (first) tasks_.spawn("agents.transcript", follow_loop(found->second));
  else found->second->look_soon();
  return std::make_unique<Follow>(this, std::move(name), id);
}

void Transcripts::unfollow(const TranscriptName& name, std::uint64_t id) {
  const auto found = followed_.find(name);
  if (found == followed_.end()) return;
  const std::shared_ptr<Followed> followed = found->second;
  followed->callbacks.erase(id);
  followed->fresh.erase(id);
  if (!followed->callbacks.empty()) return;
  followed->watch.reset();
  followed_.erase(found);
  followed->look_soon();  // its loop ends
}

Task<void> Transcripts::follow_loop(std::shared_ptr<Followed> followed) {
  while (!followed->callbacks.empty()) {
    followed->due = false;
    const bool there = co_await look(followed);
    if (followed->callbacks.empty()) co_return;
    co_await sleep_for(kTellPause);
    const std::chrono::steady_clock::duration pause =
        there ? std::chrono::steady_clock::duration(kNetPause) : kAbsentPause;
    if (!followed->due) (void)co_await followed->wake.wait_for(pause);
  }
}

// Watches before it looks: what is written in between is told.
Task<bool> Transcripts::look(std::shared_ptr<Followed> followed) {
  if (!valid_agent_id(followed->name.agent)) co_return false;
  const auto place = co_await place_of(followed->name.session);
  if (!place || std::holds_alternative<NoTranscript>(*place)) co_return false;
  const auto& where = std::get<TranscriptPlace>(*place);
  const std::string folder = where.folder_of(followed->name.agent);
  const std::string name = where.name_of(followed->name.agent);
  if (!followed->watch || followed->watched != folder + "/" + name) {
    followed->watch.reset();
    const std::weak_ptr<Followed> weak = followed;
    auto changed = [weak](claude::TranscriptWatcher::Change change) {
      const auto one = weak.lock();
      if (!one) return;
      if (change == claude::TranscriptWatcher::Change::lost) one->watched.clear();
      one->look_soon();
    };
    auto watch = watcher_.watch(folder, name, std::move(changed));
    if (watch) {
      followed->watch = std::move(*watch);
      followed->watched = folder + "/" + name;
    } else if (watch.error().kind != ErrorKind::not_found) {
      log_warn("agents", "a transcript cannot be watched; it is looked at every second",
               {{"session", followed->name.session}, {"error", watch.error().message}});
    }
  }
  auto read = [](const claude::TranscriptFile& file) -> Result<TranscriptExtent> {
    TranscriptExtent extent{.file = TRY(file.identity())};
    extent.bytes = TRY(file.bytes());
    return extent;
  };
  const auto found = co_await with_file(followed->name, std::move(read));
  const bool watched = followed->watch.has_value() && !followed->watched.empty();
  // It may not be there yet: its folder tells when it comes.
  if (!found || std::holds_alternative<NoTranscript>(*found)) co_return found&& watched;
  const auto& extent = std::get<TranscriptExtent>(*found);
  const bool changed = extent != followed->told;
  followed->told = extent;
  const std::set<std::uint64_t> fresh = std::exchange(followed->fresh, {});
  // A callback may end any following, its own too.
  std::vector<std::uint64_t> ids;
  for (const auto& [id, callback] : followed->callbacks)
    if (changed || fresh.contains(id)) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    const auto one = followed->callbacks.find(id);
    if (one == followed->callbacks.end()) continue;
    const std::function<void(const TranscriptExtent&)> call = one->second;
    call(extent);
  }
  co_return followed->watch.has_value() && !followed->watched.empty();  // a callback may have ended it
}

}  // namespace ccd::agents
