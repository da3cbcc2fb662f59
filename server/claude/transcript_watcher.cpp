// inotify on folders: which names an event belongs to, and callbacks that may change the set of watches.
#include "claude/transcript_watcher.hpp"

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
#include <set>
#include <utility>
#include <vector>

#include "base/log.hpp"

namespace ccd::claude {
namespace {

// The folder is watched, not the file: so it is told when a file is made, and when another one takes its place.
constexpr std::uint32_t kChanges =
    IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t kFolderGone = IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT;
// Some hundred events with the names of transcripts.
constexpr std::size_t kReadBytes = 16 * 1024;

}  // namespace

struct TranscriptWatcher::State : std::enable_shared_from_this<State> {
  struct Entry {
    int watch;  // inotify's; the kernel gives the same one for the same folder
    std::string name;
    std::function<void(Change)> changed;
  };

  explicit State(const asio::any_io_executor& executor) : inotify(executor) {}

  void open();
  void read_on();
  void on_read(std::size_t size);
  void tell(const std::vector<std::uint64_t>& ids, Change change);
  void remove(std::uint64_t id);

  asio::posix::stream_descriptor inotify;
  std::optional<Error> broken;
  std::map<std::uint64_t, Entry> entries;
  std::uint64_t last_id = 0;
  alignas(inotify_event) std::array<char, kReadBytes> buffer{};
};

void TranscriptWatcher::State::open() {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  boost::system::error_code ec;
  if (fd < 0) broken = fail_errno("inotify_init1").value();
  else inotify.assign(fd, ec);
  if (ec) broken = fail_errno("watch inotify", ec.value()).value();
}

void TranscriptWatcher::State::read_on() {
  inotify.async_read_some(asio::buffer(buffer),
                          [self = shared_from_this()](const boost::system::error_code& ec, std::size_t size) {
                            if (ec == asio::error::operation_aborted || !self->inotify.is_open()) return;
                            if (ec) {
                              self->broken = fail_errno("read inotify", ec.value()).value();
                              log_error("claude", "transcripts are not watched any more", {{"error", ec.message()}});
                              return;
                            }
                            self->on_read(size);
                            if (self->inotify.is_open()) self->read_on();
                          });
}

// Ids first, callbacks afterwards: a callback may add and remove entries.
void TranscriptWatcher::State::on_read(std::size_t size) {
  std::set<std::pair<int, std::string_view>> files;
  std::set<int> gone;
  bool all = false;
  for (std::size_t at = 0; at + sizeof(inotify_event) <= size;) {
    const auto* const event = reinterpret_cast<const inotify_event*>(&buffer[at]);
    at += sizeof(inotify_event) + event->len;
    if ((event->mask & IN_Q_OVERFLOW) != 0) all = true;
    else if ((event->mask & kFolderGone) != 0) gone.insert(event->wd);
    else if (event->len > 0) files.emplace(event->wd, event->name);
  }
  std::vector<std::uint64_t> changed;
  std::vector<std::uint64_t> lost;
  for (const auto& [id, entry] : entries) {
    if (gone.contains(entry.watch)) lost.push_back(id);
    else if (all || files.contains({entry.watch, entry.name})) changed.push_back(id);
  }
  tell(changed, Change::file);
  tell(lost, Change::lost);
}

void TranscriptWatcher::State::tell(const std::vector<std::uint64_t>& ids, Change change) {
  for (const std::uint64_t id : ids) {
    const auto found = entries.find(id);
    if (found == entries.end()) continue;
    const std::function<void(Change)> call = found->second.changed;  // its entry may go while it runs
    call(change);
  }
}

void TranscriptWatcher::State::remove(std::uint64_t id) {
  const auto found = entries.find(id);
  if (found == entries.end()) return;
  const int watch = found->second.watch;
  entries.erase(found);
  const bool shared =
      std::any_of(entries.begin(), entries.end(), [&](const auto& e) { return e.second.watch == watch; });
  if (!shared && inotify.is_open()) ::inotify_rm_watch(inotify.native_handle(), watch);
}

TranscriptWatcher::TranscriptWatcher(const asio::any_io_executor& executor)
    : state_(std::make_shared<State>(executor)) {
  state_->open();
  if (!state_->broken) state_->read_on();
}

TranscriptWatcher::~TranscriptWatcher() {
  boost::system::error_code ignored;
  state_->inotify.close(ignored);
  state_->entries.clear();
}

Result<TranscriptWatcher::Watch> TranscriptWatcher::watch(const std::string& folder, std::string name,
                                                          std::function<void(Change)> changed) {
  if (state_->broken) return tl::unexpected(*state_->broken);
  const int watch = ::inotify_add_watch(state_->inotify.native_handle(), folder.c_str(), kChanges);
  if (watch < 0) return fail_errno("watch transcripts");
  const std::uint64_t id = ++state_->last_id;
  state_->entries.emplace(id, State::Entry{.watch = watch, .name = std::move(name), .changed = std::move(changed)});
  return Watch(state_, id);
}

TranscriptWatcher::Watch::Watch(Watch&& other) noexcept
    : state_(std::move(other.state_)), id_(std::exchange(other.id_, 0)) {}

TranscriptWatcher::Watch& TranscriptWatcher::Watch::operator=(Watch&& other) noexcept {
  if (this == &other) return *this;
  release();
  state_ = std::move(other.state_);
  id_ = std::exchange(other.id_, 0);
  return *this;
}

TranscriptWatcher::Watch::~Watch() { release(); }

void TranscriptWatcher::Watch::release() {
  const std::shared_ptr<State> state = state_.lock();
  if (state && id_ != 0) state->remove(id_);
  id_ = 0;
}

}  // namespace ccd::claude
