// For tests of the rooms that store: a folder that goes away, and a loop that runs until a task is done.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/task.hpp"
#include "storage/database.hpp"

namespace ccd::storage {

class TempFolder {
 public:
  // In memory where the machine offers it, for tests whose disk is simulated anyway.
  enum class On { disk, memory };
  explicit TempFolder(On on = On::disk) {
    const std::filesystem::path memory("/dev/shm");
    const bool use_memory = on == On::memory && ::access(memory.c_str(), W_OK) == 0;
    std::string name =
        ((use_memory ? memory : std::filesystem::temp_directory_path()) / "dashboard-test-XXXXXX").string();
    const char* made = ::mkdtemp(name.data());
    if (made == nullptr) std::abort();
    path_ = made;
  }
  ~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string operator/(const std::string& name) const { return (path_ / name).string(); }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Runs the loop until the task has ended; its value.
template <class T>
T finish(asio::io_context& loop, Task<T> task) {
  std::optional<T> value;
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, T result) {
    failure = thrown;
    value.emplace(std::move(result));
  });
  loop.restart();
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}

// An opened database, or the test fails.
inline std::unique_ptr<Database> open_or_fail(const std::string& path, asio::io_context& loop) {
  auto database = Database::open({.path = path}, loop.get_executor());
  if (!database) {
    ADD_FAILURE() << database.error().message;
    std::abort();
  }
  return std::move(*database);
}

inline const auto kFirstNumber = [](const Row& row) { return row.i64(0); };
inline const auto kFirstText = [](const Row& row) { return row.text(0); };

// The first column of the first row; ends the test program when there is none.
template <class... Values>
std::int64_t number_of(Connection& connection, std::string_view sql, const Values&... values) {
  return connection.one(sql, kFirstNumber, values...).value().value();
}
template <class... Values>
std::string text_of(Connection& connection, std::string_view sql, const Values&... values) {
  return connection.one(sql, kFirstText, values...).value().value();
}

}  // namespace ccd::storage
