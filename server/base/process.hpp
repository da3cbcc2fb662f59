// Child processes from argv arrays. There is no shell anywhere.
#pragma once

#include <sys/types.h>
#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "base/unique_fd.hpp"

namespace ccd {

using OutputSeen = std::function<void(std::string_view)>;

struct ProcessSpec {
  std::vector<std::string> argv;                          // argv[0] is looked up in PATH unless it has a '/'
  std::optional<std::vector<std::string>> environment{};  // "K=V"; none: the parent's
  std::string working_directory{};                        // empty: the parent's
  std::string input{};                                    // written to standard input, which is then closed
  std::chrono::milliseconds time_limit{10'000};           // then SIGKILL and ErrorKind::timeout
  std::size_t output_limit = 8 * 1024 * 1024;             // bytes of each stream; then SIGKILL and ErrorKind::too_large
  OutputSeen on_output{};  // run_process: called with each piece of standard output as it comes
};

struct ProcessOutput {
  int exit_code = 0;  // 128 + signal when it was ended by a signal
  std::string out;
  std::string err;
};

// Runs to the end and collects both streams. A non-zero exit code is a value, not an error. Every descriptor but 0, 1 and 2 is
// closed in the child; its signals are reset.
Task<Result<ProcessOutput>> run_process(ProcessSpec spec);

// A child whose streams the caller drives (tmux's control connection). The pidfd becomes readable at its end.
struct ChildProcess {
  pid_t pid = -1;
  UniqueFd pidfd;
  UniqueFd input;   // to its standard input
  UniqueFd output;  // from its standard output
};
Result<ChildProcess> start_process(const ProcessSpec& spec);
// Reaps a child whose pidfd is readable; its exit code as above.
int reap_process(const ChildProcess& child);

}  // namespace ccd
