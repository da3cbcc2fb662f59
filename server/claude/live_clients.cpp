#include "claude/live_clients.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <ctime>
#include <memory>
#include <optional>
#include <string_view>
#include <thread>

#include "base/unique_fd.hpp"
#include "claude/json_read.hpp"
#include "claude/session_settings.hpp"

namespace ccd::claude {

namespace {

constexpr std::size_t kMaxFile = std::size_t{64} * 1024;

std::optional<std::string> read_file(int at, const char* name) {
  const UniqueFd file(::openat(at, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  if (!file) return std::nullopt;
  std::string text(kMaxFile, '\0');
  const ssize_t got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(got));
  return text;
}

// How far below a shell a client may be started: a script, a wrapper, a tool.
constexpr int kMaxDepth = 32;

// A field of /proc/PID/stat behind the program's name, which may hold anything, so it is counted from its last bracket.
std::string stat_field(pid_t pid, int behind_name) {
  const UniqueFd proc(::open(("/proc/" + std::to_string(pid)).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto text = proc ? read_file(proc.get(), "stat") : std::nullopt;
  if (!text) return "";
  std::string_view rest = *text;
  rest.remove_prefix(std::min(rest.rfind(')') + 1, rest.size()));
  for (int i = 0; i <= behind_name; ++i) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
  return std::string(rest.substr(0, rest.find(' ')));
}

std::string start_of(pid_t pid) { return stat_field(pid, 19); }

pid_t parent_of(pid_t pid) {
  const std::string text = stat_field(pid, 1);
  pid_t parent = 0;
  std::from_chars(text.data(), text.data() + text.size(), parent);
  return parent;
}

// How many parents up `top` is; none when it is not among them.
std::optional<int> depth_below(pid_t pid, pid_t top) {
  for (int depth = 0; pid > 1 && depth <= kMaxDepth; ++depth, pid = parent_of(pid))
    if (pid == top) return depth;
  return std::nullopt;
}

const std::string& own_namespace() {
  static const std::string name = [] {
    std::array<char, 64> text{};
    const ssize_t n = ::readlink("/proc/self/ns/pid", text.data(), text.size());
    return n > 0 ? std::string(text.data(), static_cast<std::size_t>(n)) : std::string();
  }();
  return name;
}

std::optional<LiveClient> read_client(const std::string& text) {
  simdjson::dom::parser parser;
  json::Element document;
  json::Object object;
  if (parser.parse(text).get(document) != simdjson::SUCCESS || document.get(object) != simdjson::SUCCESS)
    return std::nullopt;
  LiveClient client;
  client.pid = static_cast<pid_t>(json::number(object, "pid", INT32_MAX));
  client.conversation = json::text(object, "sessionId");
  client.folder = json::text(object, "cwd");
  if (client.pid <= 0 || !valid_uuid(client.conversation)) return std::nullopt;
  // "linux:<machine>:pid:[4026531836]"; before it was written, clients told no place.
  const std::string_view domain = json::text(object, "pidDomain");
  if (!domain.empty() && !domain.ends_with(":" + own_namespace())) {
    client.seen = Seen::elsewhere;
    return client;
  }
  const std::string started = start_of(client.pid);
  if (started.empty() || started != json::text(object, "procStart")) return std::nullopt;
  return client;
}

// A client writes its file anew, in place, whenever its state changes: who looks in that moment finds it empty or cut off. On a busy
// machine the moment can be long; what has been so for longer than kFresh is broken.
constexpr int kWaits = 50;  // for all files of one look
constexpr std::chrono::milliseconds kWait{2};
constexpr std::time_t kFresh = 2;  // seconds

bool is_fresh(int folder, const char* name) {
  struct stat found{};
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return ::fstatat(folder, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(found.st_mode) &&
         found.st_mtim.tv_sec + kFresh >= now.tv_sec;
}

bool is_whole(const std::string& text) {
  simdjson::dom::parser parser;
  return parser.parse(text).error() == simdjson::SUCCESS;
}

std::optional<LiveClient> registered(int folder, const char* name, int& waits) {
  auto text = read_file(folder, name);
  for (; waits > 0 && text && !is_whole(*text) && is_fresh(folder, name); --waits) {
    std::this_thread::sleep_for(kWait);
    text = read_file(folder, name);
  }
  return text ? read_client(*text) : std::nullopt;
}

}  // namespace

std::vector<LiveClient> live_clients(const std::string& folder) {
  std::vector<LiveClient> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> files(::opendir(folder.c_str()), &::closedir);
  std::size_t seen = 0;
  int waits = kWaits;
  while (const dirent* file = files ? ::readdir(files.get()) : nullptr) {  // NOLINT(concurrency-mt-unsafe): one thread
    if (!std::string_view(file->d_name).ends_with(".json")) continue;
    if (++seen > kMaxRegistered) break;
    if (auto client = registered(::dirfd(files.get()), file->d_name, waits)) out.push_back(std::move(*client));
  }
  return out;
}

std::optional<LiveClient> client_below(const std::string& folder, pid_t top) {
  std::optional<LiveClient> nearest;
  int depth = kMaxDepth + 1;
  for (LiveClient& client : live_clients(folder)) {
    const auto found = client.seen == Seen::running && top > 1 ? depth_below(client.pid, top) : std::nullopt;
    if (!found || *found >= depth) continue;
    depth = *found;
    nearest = std::move(client);
  }
  return nearest;
}

Result<> ask_to_end(const std::string& folder, const LiveClient& client) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, client.pid, 0)));
  if (!process) return fail(ErrorKind::not_found, "the client has ended already");
  // Held now: whoever has the number cannot change any more.
  const auto there = live_clients(folder);
  const bool same = std::ranges::any_of(
      there, [&](const LiveClient& one) { return one.pid == client.pid && one.seen == Seen::running; });
  if (!same) return fail(ErrorKind::not_found, "the client has ended already");
  if (::syscall(SYS_pidfd_send_signal, process.get(), SIGTERM, nullptr, 0) != 0) return fail_errno("end the client");
  return {};
}

}  // namespace ccd::claude
