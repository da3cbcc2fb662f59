// Fuzzes claude's hook bodies and the states that come of them: any body is an error or within its bounds; answers are JSON.
//
// Input: bodies, one a line; the first line also as a question's input and as a title.
#include "claude/hook_event.hpp"

#include "base/encoding.hpp"
#include "claude/agent_state.hpp"
#include "support.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::claude;
  std::string_view rest = ccd::fuzz::as_text(data, size);
  const std::string_view first = rest.substr(0, rest.find('\n'));
  AgentStateMachine machine(1, std::chrono::seconds(0));
  ccd::WallMicros now = 1;
  machine.on_title(first, now);
  while (!rest.empty()) {
    const std::string_view body = ccd::fuzz::take(rest);
    const auto event = parse_hook_event(body);
    now += 1'500'000;
    if (!event) {
      CHECK(event.error().kind == ccd::ErrorKind::invalid || event.error().kind == ccd::ErrorKind::too_large);
    } else {
      CHECK(!is_status_line(body) && event->session_id.size() == 36 && event->tool.size() <= kMaxHookName);
      CHECK(ccd::valid_utf8(event->text) && event->text.size() <= kMaxHookText &&
            event->questions.size() <= kMaxQuestions);
      machine.on_hook(*event, now);
      if (event->kind == HookKind::permission_request && (now & 1) == 0)
        machine.on_hung_up(event->tool, event->input, now);
      for (const Question& question : event->questions) {
        const auto answer = question_answer(event->input, {{question.text, "x"}});
        CHECK(!answer || ccd::valid_utf8(*answer));
      }
    }
    const AgentStatus status = machine.status(now);
    CHECK(!to_string(status.state).empty() && !status.evidence.what.empty() && status.disagreeing.size() <= 3);
    (void)parse_status_line(body);
  }
  const auto reset = limit_reset(first, now, std::chrono::hours(1));
  CHECK(!reset || *reset > now);
  return 0;
}
