// Gives one prompt to one agent as a person would, and makes sure that it arrived: pasted into the empty input line, seen there, sent by an Enter
// of its own, confirmed by the agent.
//
// What is typed goes through the tap like every key, so it reaches the pane once, whatever crashes. It is pasted once and never again:
// when nobody can say whether the agent has it, that is what is said.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agents/agents.hpp"
#include "agents/prompt_store.hpp"
#include "agents/transcripts.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "sessions/hub.hpp"

namespace ccd::agents {

struct Delivery {
  // `blocked`: nothing was typed, and another time it may go; the others as PromptState.
  enum class End { sent, blocked, failed, uncertain };
  End end = End::failed;
  std::string detail{};  // for people
};

// The text as it can be pasted: line ends as \n; `invalid` (field "text") for none, too much, or what a terminal would act on.
Result<std::string> prompt_text(std::string_view text);
// What types a prompt so that the client takes it for text, and the Enter behind it for the end: bracketed pastes, each too small to be folded;
// together they are `prompt`, UTF-8, with a space behind a backslash at its end.
std::string as_pastes(std::string_view prompt);
// Whether what an agent says it was given is what was sent, apart from what the client changes: blanks, line ends, invisible characters, the tags of
// a paste. `given` may be cut.
bool same_prompt(std::string_view sent, std::string_view given);

inline constexpr std::size_t kMaxTypistClients = 512;  // sessions

// As whom the dashboard types into one session: one client whose inputs are numbered on, since a session knows few clients.
struct TypistClient {
  recording::ClientId id{};
  std::uint64_t last = 0;  // the number of the last input; 0: the id is not chosen yet
};

class Typist {
 public:
  struct Parts {  // all outlive this
    sessions::Hub* hub;
    Agents* agents;
    Transcripts* transcripts;
    const Clock* clock;
    Random* random;
  };
  Typist(asio::any_io_executor executor, Parts parts) : executor_(executor), parts_(parts) {}

  // One at a time for each session. `text` is prompt_text()'s; `name` is shown as who types. `why_not`, where there is one, is asked until the
  // first key: words end it as `blocked`. The Typist, and what `why_not` holds, must outlive the task.
  Task<Delivery> deliver(std::string session, std::string text, std::string name, std::function<std::string()> why_not);

 private:
  asio::any_io_executor executor_;
  Parts parts_;
  std::map<std::string, std::shared_ptr<TypistClient>> clients_;  // by session; at most kMaxTypistClients
};

}  // namespace ccd::agents
