// For tests/claude: writes a session's files and runs the state machine by JSON lines, so that a test drives both with the real client.
//
// One request a line on standard input, one answer a line: {"do":"settings"|"hook"|"hung_up"|"title"|"transcript"|"status", ...}.
#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <iostream>
#include <string>

#include "base/unique_fd.hpp"
#include "claude/agent_state.hpp"
#include "claude/hook_event.hpp"
#include "claude/session_settings.hpp"
#include "claude/transcript_file.hpp"
#include "claude/transcript_index.hpp"

namespace {

using namespace ccd;
using namespace ccd::claude;
namespace bj = boost::json;

std::string text(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

bool write_private(const std::string& path, const std::string& content) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  return file && ::write(file.get(), content.data(), content.size()) == static_cast<ssize_t>(content.size());
}

bj::object settings(const bj::object& request) {
  SettingsOptions options{.folder = text(request, "folder"),
                          .hook_url = text(request, "hook_url"),
                          .token = text(request, "token"),
                          .session_id = text(request, "session_id"),
                          .forked_from = text(request, "forked_from"),
                          .name = text(request, "name"),
                          .status_line_command = text(request, "status_line_command")};
  if (text(request, "start") == "resume") options.start = Start::resume;
  if (text(request, "start") == "fork") options.start = Start::fork;
  const auto files = session_files(options);
  if (!files) return {{"error", files.error().field + " " + files.error().message}};
  const bool written = write_private(options.folder + "/" + std::string(kSettingsFile), files->settings) &&
                       write_private(options.folder + "/" + std::string(kEventCurlFile), files->event_curl) &&
                       write_private(options.folder + "/" + std::string(kPermissionCurlFile), files->permission_curl);
  if (!written) return {{"error", "cannot write the files"}};
  return {{"arguments", bj::value_from(files->arguments)}};
}

class Agent {
 public:
  bj::object act(const bj::object& request) {
    const std::string what = text(request, "do");
    const WallMicros now = clock_.wall();
    if (what == "settings") return settings(request);
    bj::object answer;
    if (what == "hook") {
      const auto event = parse_hook_event(text(request, "body"));
      if (!event) return {{"error", event.error().field + " " + event.error().message}};
      machine_.on_hook(*event, now);
      answer["event"] = to_string(event->kind);
    }
    if (what == "hung_up") {
      const auto event = parse_hook_event(text(request, "body"));
      if (event) machine_.on_hung_up(event->tool, event->input, now);
    }
    if (what == "title") machine_.on_title(text(request, "title"), now);
    if (what == "transcript" && !read_transcript(text(request, "path")))
      return {{"error", "cannot read the transcript"}};
    const AgentStatus status = machine_.status(now);
    answer["state"] = to_string(status.state);
    answer["tool"] = status.tool;
    answer["source"] = to_string(status.evidence.source);
    answer["what"] = status.evidence.what;
    answer["reason"] = status.reason;
    answer["background"] = status.background;
    answer["disagreeing"] = status.disagreeing.size();
    answer["lines"] = index_.facts().lines;
    answer["raw_lines"] = index_.facts().raw_lines;
    answer["prompts"] = index_.facts().prompts;
    answer["output_tokens"] = total_of(index_.facts()).output;
    return answer;
  }

 private:
  bool read_transcript(const std::string& path) {
    const auto file = TranscriptFile::open(path);
    if (!file || !index_.catch_up(*file)) return false;
    machine_.on_transcript(index_.facts().standing);
    return true;
  }

  SystemClock clock_;
  AgentStateMachine machine_{clock_.wall(), std::chrono::seconds(0)};
  TranscriptIndex index_;
};

}  // namespace

int main() {
  Agent agent;
  for (std::string line; std::getline(std::cin, line);) {
    boost::system::error_code failed;
    const bj::value request = bj::parse(line, failed);
    const bool good = !failed && request.is_object();
    std::cout << bj::serialize(good ? agent.act(request.get_object()) : bj::object{{"error", "not an object"}})
              << std::endl;
  }
  return 0;
}
