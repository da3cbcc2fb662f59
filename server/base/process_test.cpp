// Children: output, exit codes, limits, no leaked descriptors.
#include "base/process.hpp"

#include <gtest/gtest.h>
#include <unistd.h>
#include <array>
#include <optional>

namespace ccd {
namespace {
using namespace std::chrono_literals;

Task<void> run_into(ProcessSpec spec, std::optional<Result<ProcessOutput>>* out) {
  *out = co_await run_process(std::move(spec));
}

Result<ProcessOutput> run(ProcessSpec spec) {
  asio::io_context loop;
  TaskGroup group(loop.get_executor());
  std::optional<Result<ProcessOutput>> out;
  group.spawn("run", run_into(std::move(spec), &out));
  loop.run_for(20s);
  if (!out) return fail(ErrorKind::internal, "did not end");
  return *out;
}

TEST(Process, CollectsBothStreamsAndTheExitCode) {
  const auto r = run({.argv = {"sh", "-c", "cat; echo oops >&2; exit 3"}, .input = "hello"});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->out, "hello");
  EXPECT_EQ(r->err, "oops\n");
  EXPECT_EQ(r->exit_code, 3);
}

TEST(Process, ArgumentsAreNotInterpreted) {
  const auto r = run({.argv = {"printf", "%s", "$(id);`id`\n'\""}});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "$(id);`id`\n'\"");
}

TEST(Process, TimeLimitKills) {
  const auto r = run({.argv = {"sleep", "60"}, .time_limit = 100ms});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, ErrorKind::timeout);
}

TEST(Process, OutputLimitKills) {
  const auto r = run({.argv = {"yes"}, .output_limit = 100'000});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, ErrorKind::too_large);
}

TEST(Process, OutputIsSeenWhileTheProgramRuns) {
  // It ends only because its first line was seen.
  std::string seen;
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const std::string gate = "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(ends[0]);
  const auto r = run(
      {.argv = {"sh", "-c", "echo ready; read x < " + gate + "; echo $x"}, .on_output = [&](std::string_view piece) {
         if (seen.empty()) {
           EXPECT_EQ(::write(ends[1], "go\n", 3), 3);
         }
         seen += piece;
       }});
  ::close(ends[0]);
  ::close(ends[1]);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->out, "ready\ngo\n");
  EXPECT_EQ(seen, r->out);
}

TEST(Process, MissingProgramIsNotFound) {
  const auto r = run({.argv = {"no-such-program-here"}});
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().kind, ErrorKind::not_found);
}

TEST(Process, OnlyTheThreeStreamsAreOpenInTheChild) {
  const auto r = run({.argv = {"ls", "/proc/self/fd"}});
  ASSERT_TRUE(r);
  EXPECT_EQ(r->out, "0\n1\n2\n3\n");  // 3 is ls's own view of the folder
}

}  // namespace
}  // namespace ccd
