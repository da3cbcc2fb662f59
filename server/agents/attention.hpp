// What waits for a person: a permission, a plan, a question, something done, failed or limited. Values, and the pure rules about them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "claude/hook_event.hpp"

namespace ccd::agents {

enum class AttentionKind { permission, plan, question, done, failure, limit };
std::string_view to_string(AttentionKind kind);
std::optional<AttentionKind> attention_kind_from(std::string_view word);
// Of these the agent itself waits for the answer; of the others it is only told.
bool is_request(AttentionKind kind);

// Where a request can be answered. `terminal`: nobody holds its hook, so only the client's own dialog is left.
enum class Answerable { page, terminal };
std::string_view to_string(Answerable answerable);

// How an item ended.
enum class Closed {
  allowed,         // on the page, once
  allowed_always,  // on the page, with what the request suggests
  denied,          // on the page
  answered,        // a question, on the page
  seen,            // somebody has looked at it
  terminal,        // somebody answered in the terminal
  withdrawn,       // the agent went on without an answer: the turn ended, the limit is over, another prompt came
  ended,           // the agent has ended
};
std::string_view to_string(Closed how);
std::optional<Closed> closed_from(std::string_view word);

// More of an input is given by GET /api/attention/{id} alone: a list, and a socket's message, must stay small.
inline constexpr std::size_t kMaxListedInput = 64 * 1024;
// Of all open items' inputs together. One more is shown with its size, without its text.
inline constexpr std::size_t kMaxOpenInputs = std::size_t{64} * 1024 * 1024;
inline constexpr std::size_t kMaxSummary = 300;        // bytes of the one line that says what is asked
inline constexpr std::size_t kMaxItemText = 8 * 1024;  // of a message, an error, a plan's beginning
inline constexpr std::size_t kMaxDenyMessage = 4096;
inline constexpr std::size_t kMaxAnswerText = 8 * 1024;

struct AttentionItem {
  std::string id{};       // 20 hex digits
  std::string session{};  // the dashboard's id
  std::string session_name{};
  std::string project{};
  AttentionKind kind = AttentionKind::permission;
  WallMicros since = 0;
  std::string tool{};     // requests
  std::string summary{};  // one line: the command, the file, the question
  std::shared_ptr<const std::string>
      input{};  // JSON of the tool's input, whole; null when it is too large to keep, or not known
  std::uint64_t input_bytes = 0;
  std::string suggestions{};  // JSON array of what "allow always" would allow from then on; empty: nothing
  std::vector<claude::Question> questions{};
  std::string text{};      // last message, error, the limit's sentence
  std::string agent_id{};  // the subagent that asks; empty: the conversation itself
  Answerable answerable = Answerable::terminal;
  bool guessed = false;                    // seen by its title or transcript only: no hook told what is asked
  std::string why_terminal{};              // for people, of a request that only the terminal can answer
  std::optional<WallMicros> expires_at{};  // a held request falls back to the terminal then; a limit ends
};

struct Decision {
  enum class Kind { allow, allow_always, deny, answer, seen };
  Kind kind = Kind::allow;
  std::optional<std::vector<std::size_t>> suggestions{};       // allow_always: which of them; none: all
  std::string message{};                                       // deny: the reason, which the model reads
  std::vector<std::pair<std::string, std::string>> answers{};  // answer: question's text and what was chosen
};
std::string_view to_string(Decision::Kind kind);
std::optional<Decision::Kind> decision_from(std::string_view word);
Closed closed_by(Decision::Kind kind);

// The beginning of a text on one line, at most kMaxSummary bytes.
std::string one_line(std::string_view text);

AttentionKind kind_of_request(std::string_view tool);
// The one line that says what a tool would do: its command, file, address or first text; empty when its input has none. `input` is
// JSON from the agent.
std::string summary_of(std::string_view tool, std::string_view input);

// What to answer the held hook with. `conflict`: this decision does not fit this kind of item; `invalid` with the field's name
// for suggestions or answers that the request does not have.
Result<std::string> hook_answer(const AttentionItem& item, const Decision& decision);

}  // namespace ccd::agents
