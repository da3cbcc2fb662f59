#include "agents/standings.hpp"

#include "base/log.hpp"
#include "claude/transcript_tail.hpp"

namespace ccd::agents {

namespace {

using namespace std::chrono_literals;

constexpr auto kStopLimit = 3s;

// Without hooks nobody has said where the transcript is; its conversation's name may be enough.
bool is_followable(const AgentView& view) {
  const bool ended = view.status.state == claude::AgentState::exited || view.status.state == claude::AgentState::lost;
  const bool known = !view.transcript.empty() || (view.hooks == Hooks::none && !view.conversation.empty());
  return !ended && known;
}

}  // namespace

struct Standings::Followed {
  explicit Followed(std::string id) : session(std::move(id)) {}
  std::string session;
  std::unique_ptr<Transcripts::Follow> follow{};
  claude::TranscriptTail tail{};  // of the read that runs alone
  bool reading = false;
  bool grown = false;
};

Standings::Standings(const asio::any_io_executor& executor, Parts parts) : parts_(parts), tasks_(executor) {}
Standings::~Standings() = default;

void Standings::start() {
  Listener listener;
  listener.changed = [this](const std::string& session) { on_changed(session); };
  subscription_ = parts_.agents->subscribe(std::move(listener));
  for (const sessions::Session& session : parts_.hub->list()) on_changed(session.id);
}

Task<void> Standings::stop() {
  subscription_.reset();
  followed_.clear();
  tasks_.cancel();
  co_await tasks_.join(kStopLimit);
}

void Standings::on_changed(const std::string& session) {
  const auto view = parts_.agents->view(session);
  const auto known = followed_.find(session);
  if (!view || !is_followable(*view)) {
    if (known != followed_.end()) followed_.erase(known);
    return;
  }
  if (known != followed_.end()) return;
  auto followed = std::make_shared<Followed>(session);
  auto follow = parts_.transcripts->follow({.session = session, .agent = ""},
                                           [this, session](const TranscriptExtent&) { on_growth(session); });
  if (!follow) {
    log_warn("agents", "a transcript is not followed: the agent's state comes from its hooks alone",
             {{"session", session}, {"error", follow.error().message}});
    return;
  }
  followed->follow = std::move(*follow);
  followed_[session] = std::move(followed);
}

void Standings::on_growth(const std::string& session) {
  const auto found = followed_.find(session);
  if (found == followed_.end()) return;
  found->second->grown = true;
  if (found->second->reading) return;
  found->second->reading = true;
  tasks_.spawn("agents.standing", read(found->second));
}

Task<void> Standings::read(std::shared_ptr<Followed> followed) {
  while (std::exchange(followed->grown, false)) {
    auto work = [followed](const claude::TranscriptFile& file) { return followed->tail.catch_up(file); };
    TranscriptName name;
    name.session = followed->session;
    const auto answer = co_await parts_.transcripts->with_file(std::move(name), std::move(work));
    if (!answer)
      log_debug("agents", "a transcript could not be read",
                {{"session", followed->session}, {"error", answer.error().message}});
    const auto* standing = answer ? std::get_if<claude::Standing>(&*answer) : nullptr;
    if (standing != nullptr && followed_.contains(followed->session))
      parts_.agents->note_standing(followed->session, *standing);
  }
  followed->reading = false;
}

}  // namespace ccd::agents
