#include "sessions/session.hpp"

#include <algorithm>
#include <array>

namespace ccd::sessions {

namespace {
// A program that printed within this time is taken to work: longer than the pause between two lines of a build,
// shorter than a person's patience with a wrong word.
constexpr WallMicros kWorkingAfterOutput = 3'000'000;
constexpr std::size_t kNameLimit = 64;

std::string_view base_name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}
}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::active: return "active";
    case Status::exited: return "exited";
    case Status::lost: return "lost";
    case Status::archived: return "archived";
  }
  return "lost";
}

std::string_view to_string(Activity activity) {
  switch (activity) {
    case Activity::working: return "working";
    case Activity::idle: return "idle";
    case Activity::unknown: return "unknown";
    case Activity::exited: return "exited";
    case Activity::lost: return "lost";
  }
  return "unknown";
}

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::claude: return "claude";
    case Kind::shell: return "shell";
    case Kind::other: return "other";
  }
  return "other";
}

std::optional<Status> status_from(std::string_view word) {
  for (const Status status : {Status::active, Status::exited, Status::lost, Status::archived})
    if (to_string(status) == word) return status;
  return std::nullopt;
}

bool valid_session_name(std::string_view name) {
  if (name.empty() || name.size() > kNameLimit || name.front() == '-') return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Kind kind_of(const std::vector<std::string>& command) {
  if (command.empty()) return Kind::other;
  const std::string_view program = base_name(command.front());
  if (program == "claude") return Kind::claude;
  static constexpr std::array<std::string_view, 6> kShells{"bash", "sh", "zsh", "fish", "dash", "ksh"};
  return std::ranges::find(kShells, program) != kShells.end() ? Kind::shell : Kind::other;
}

Activity activity_of(const Session& session, WallMicros now) {
  switch (session.status) {
    case Status::exited:
    case Status::archived: return Activity::exited;
    case Status::lost: return Activity::lost;
    case Status::active: break;
  }
  if (session.kind == Kind::claude && session.title.size() >= 3) {
    // The spinner of Claude Code: U+25D0 and U+25D1 (half circles, E2 97 90 and 91 in UTF-8) in 2.1.330, braille patterns
    // (U+2800..U+28FF, E2 A0 80 .. E2 A3 BF) in versions before.
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(session.title[i]); };
    if (byte(0) == 0xE2 && byte(1) == 0x97 && (byte(2) == 0x90 || byte(2) == 0x91)) return Activity::working;
    if (byte(0) == 0xE2 && byte(1) >= 0xA0 && byte(1) <= 0xA3) return Activity::working;
    if (byte(0) == 0xE2 && byte(1) >= 0x9C && byte(1) <= 0x9D) return Activity::idle;  // dingbat stars such as U+2733
  }
  if (!session.last_output_at) return Activity::unknown;
  return now - *session.last_output_at < kWorkingAfterOutput ? Activity::working : Activity::idle;
}

}  // namespace ccd::sessions
