#include "tmux/pane_end.hpp"

#include <sys/syscall.h>
#include <unistd.h>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>

namespace ccd::tmux {

struct PaneEnd::Shared {
  Shared(const asio::any_io_executor& executor, int pidfd, std::function<void()> call)
      : fd(executor, pidfd), on_end(std::move(call)) {}
  asio::posix::stream_descriptor fd;
  std::function<void()> on_end;
  bool ended = false;
};

Result<PaneEnd> PaneEnd::watch(const asio::any_io_executor& executor, pid_t pid, std::function<void()> ended) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return fail_errno("watch the pane's process");
  auto shared = std::make_shared<Shared>(executor, fd, std::move(ended));
  auto handler = [weak = std::weak_ptr<Shared>(shared)](const boost::system::error_code& ec) {
    const auto held = weak.lock();
    if (ec || !held) return;
    held->ended = true;
    held->on_end();
  };
  shared->fd.async_wait(asio::posix::stream_descriptor::wait_read, std::move(handler));
  return PaneEnd(std::move(shared));
}

PaneEnd::PaneEnd(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
PaneEnd::PaneEnd(PaneEnd&&) noexcept = default;
PaneEnd& PaneEnd::operator=(PaneEnd&&) noexcept = default;
PaneEnd::~PaneEnd() = default;
bool PaneEnd::ended() const { return shared_->ended; }

}  // namespace ccd::tmux
