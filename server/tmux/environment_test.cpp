// What sessions inherit.
#include "tmux/environment.hpp"

#include <gmock/gmock.h>

namespace ccd::tmux {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

TEST(SessionEnvironment, IsAnAllowlist) {
  for (const char* name :
       {"HOME", "PATH", "LANG", "LC_ALL", "TERM", "CLAUDE_CONFIG_DIR", "ANTHROPIC_API_KEY", "HTTPS_PROXY"})
    EXPECT_TRUE(inherited_by_sessions(name)) << name;
  for (const char* name :
       {"JWT_SECRET", "DATABASE_PATH", "METRICS_TOKEN", "NGROK_AUTHTOKEN", "TMUX", "TMUX_PANE", "LD_PRELOAD",
        "CLAUDE_COMMAND", "CLAUDECODE", "CLAUDE_CODE_ENTRYPOINT", "SSH_AUTH_SOCK", "", "lc_all", "HOMEX"})
    EXPECT_FALSE(inherited_by_sessions(name)) << name;
}

TEST(SessionEnvironment, AddsWhatTmuxNeeds) {
  EXPECT_THAT(session_environment({"JWT_SECRET=x", "TMUX_TMPDIR=/theirs"}, {}, "/ours"),
              ElementsAre("PATH=/usr/local/bin:/usr/bin:/bin", "TERM=dumb", "TMUX_TMPDIR=/ours"));
  EXPECT_THAT(session_environment({"PATH=/p", "TERM=t", "A=b=c", "NOVALUE"}, {"A"}, ""),
              ElementsAre("PATH=/p", "TERM=t", "A=b=c"));
  EXPECT_THAT(own_environment(), Not(Contains("")));
}

}  // namespace
}  // namespace ccd::tmux
