#include "base/unique_fd.hpp"

#include <unistd.h>

namespace ccd {

void UniqueFd::reset(int fd) {
  // close() is never tried again after EINTR: on Linux the descriptor is gone either way.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace ccd
