// What of a repository's configuration is taken over when git runs on it. Pure: text in, text out.
//
// A repository's configuration names programs that git would start: filters, diff drivers, helpers, hooks. It is whoever made the
// repository who wrote it. So git is never shown it: it gets one that is written here, with those settings that decide how files are
// compared and which branch follows which, and with nothing that can name a program.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccd::git {

struct SafeConfig {
  std::string text{};  // a configuration file
  bool bare = false;   // the repository has no working tree of its own
};

// `listed`: what `git config --null --list` printed of the repository's own file. unavailable: the repository uses an extension of
// the format that is not known here, so that what git would say of it could be wrong.
[[nodiscard]] Result<SafeConfig> safe_config(std::string_view listed);

}  // namespace ccd::git
