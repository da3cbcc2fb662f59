// Address space that is reserved at once and paid for page by page.
#include "recording/pane_tap/reserved_buffer.hpp"

#include <sys/mman.h>
#include <algorithm>
#include <cstring>

namespace ccd::recording::tap {

std::size_t ReservedBuffer::append(std::span<const std::byte> bytes) {
  if (data_ == nullptr) {
    void* const mapped =
        ::mmap(nullptr, capacity_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return 0;
    data_ = static_cast<std::byte*>(mapped);
  }
  const std::size_t taken = std::min(bytes.size(), room());
  if (taken > 0) std::memcpy(data_ + size_, bytes.data(), taken);
  size_ += taken;
  return taken;
}

void ReservedBuffer::release() {
  if (data_ != nullptr) ::munmap(data_, capacity_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace ccd::recording::tap
