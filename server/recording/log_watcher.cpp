// inotify on the log folders: which watch an event belongs to, and callbacks that may change the set of watches.
#include "recording/log_watcher.hpp"

#include <sys/inotify.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "recording/format.hpp"

namespace ccd::recording {
namespace {

// The folder is watched, not the segment: so the watch survives rotation.
constexpr std::uint32_t kGrowth = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR;
// A hundred events: a flood in many sessions takes a few reads, a keystroke one.
constexpr std::size_t kReadBytes = 4096;

}  // namespace

struct LogWatcher::State : std::enable_shared_from_this<State> {
  struct Entry {
    int watch;  // inotify's; the kernel gives the same one for the same folder
    std::function<void()> grown;
  };

  explicit State(const asio::any_io_executor& executor) : inotify(executor) {}

  void open();
  void read_on();
  void on_read(std::size_t size);
  void dispatch(const std::vector<int>& grown, bool all);
  void remove(std::uint64_t id);

  asio::posix::stream_descriptor inotify;
  std::optional<Error> broken;
  std::map<std::uint64_t, Entry> entries;
  std::uint64_t last_id = 0;
  alignas(inotify_event) std::array<char, kReadBytes> buffer{};
};

void LogWatcher::State::open() {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  boost::system::error_code ec;
  if (fd < 0) broken = fail_errno("inotify_init1").value();
  else inotify.assign(fd, ec);
  if (ec) broken = fail_errno("watch inotify", ec.value()).value();
}

void LogWatcher::State::read_on() {
  inotify.async_read_some(
      asio::buffer(buffer), [self = shared_from_this()](const boost::system::error_code& ec, std::size_t size) {
        if (ec == asio::error::operation_aborted || !self->inotify.is_open()) return;
        if (ec) {
          self->broken = fail_errno("read inotify", ec.value()).value();
          log_error("recording", "session logs are not watched any more", {{"error", ec.message()}});
          return;
        }
        self->on_read(size);
        if (self->inotify.is_open()) self->read_on();
      });
}

void LogWatcher::State::on_read(std::size_t size) {
  std::vector<int> grown;
  bool all = false;
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    const auto* const event = reinterpret_cast<const inotify_event*>(&buffer[at]);
    at += sizeof(inotify_event) + event->len;
    if ((event->mask & IN_Q_OVERFLOW) != 0) all = true;
    else if (std::find(grown.begin(), grown.end(), event->wd) == grown.end()) grown.push_back(event->wd);
  }
  dispatch(grown, all);
}

// A callback may add and remove entries: ids are collected first, and each is looked up again.
void LogWatcher::State::dispatch(const std::vector<int>& grown, bool all) {
  std::vector<std::uint64_t> ids;
  for (const auto& [id, entry] : entries)
    if (all || std::find(grown.begin(), grown.end(), entry.watch) != grown.end()) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    const auto found = entries.find(id);
    if (found == entries.end()) continue;
    const std::function<void()> call = found->second.grown;  // its entry may go while it runs
    call();
  }
}

void LogWatcher::State::remove(std::uint64_t id) {
  const auto found = entries.find(id);
  if (found == entries.end()) return;
  const int watch = found->second.watch;
  entries.erase(found);
  const bool shared =
      std::any_of(entries.begin(), entries.end(), [&](const auto& e) { return e.second.watch == watch; });
  if (!shared && inotify.is_open()) ::inotify_rm_watch(inotify.native_handle(), watch);
}

LogWatcher::LogWatcher(const asio::any_io_executor& executor) : state_(std::make_shared<State>(executor)) {
  state_->open();
  if (!state_->broken) state_->read_on();
}

LogWatcher::~LogWatcher() {
  boost::system::error_code ignored;
  state_->inotify.close(ignored);
  state_->entries.clear();
}

Result<LogWatcher::Watch> LogWatcher::watch(const std::string& session_dir, std::function<void()> grown) {
  if (state_->broken) return tl::unexpected(*state_->broken);
  const std::string path = session_dir + "/" + kLogFolder;
  const int watch = ::inotify_add_watch(state_->inotify.native_handle(), path.c_str(), kGrowth);
  if (watch < 0) return fail_errno("watch " + path);
  const std::uint64_t id = ++state_->last_id;
  state_->entries.emplace(id, State::Entry{.watch = watch, .grown = std::move(grown)});
  return Watch(state_, id);
}

LogWatcher::Watch::Watch(Watch&& other) noexcept : state_(std::move(other.state_)), id_(std::exchange(other.id_, 0)) {}

LogWatcher::Watch& LogWatcher::Watch::operator=(Watch&& other) noexcept {
  if (this == &other) return *this;
  release();
  state_ = std::move(other.state_);
  id_ = std::exchange(other.id_, 0);
  return *this;
}

LogWatcher::Watch::~Watch() { release(); }

void LogWatcher::Watch::release() {
  const std::shared_ptr<State> state = state_.lock();
  if (state && id_ != 0) state->remove(id_);
  id_ = 0;
}

}  // namespace ccd::recording
