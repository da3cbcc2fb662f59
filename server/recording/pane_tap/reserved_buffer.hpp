// A byte buffer of fixed bound that costs memory only for what is in it.
#pragma once

#include <cstddef>
#include <span>

namespace ccd::recording::tap {

class ReservedBuffer {
 public:
  explicit ReservedBuffer(std::size_t capacity) : capacity_(capacity) {}
  ReservedBuffer(const ReservedBuffer&) = delete;
  ReservedBuffer& operator=(const ReservedBuffer&) = delete;
  ~ReservedBuffer() { release(); }

  // Takes as much as fits and returns how much that was.
  std::size_t append(std::span<const std::byte> bytes);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t room() const { return capacity_ - size_; }
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, size_}; }
  // Empties it and gives its memory back.
  void release();

 private:
  std::size_t capacity_;
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace ccd::recording::tap
