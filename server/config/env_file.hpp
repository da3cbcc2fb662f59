// The .env file: KEY=VALUE lines, strictly.
//
// One entry a line: [export ]KEY=VALUE with KEY of letters, digits and _, no digit first, nothing around '='. VALUE is
//   unquoted: to the end of the line or to white space and '#'; without quotes or backslashes;
//   'single': taken as it is;      "double": with the escapes \\ \" \n \t \$ and no others.
// Behind a quoted value only a comment may follow. Blank lines and lines that begin with '#' are skipped. Lines end in
// LF or CRLF. '$' is an ordinary character: nothing is expanded. Anything else is refused with the line's number;
// values are never quoted in messages, since they are secrets.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace ccd::config {

// A configuration of some fifty names is far below both.
inline constexpr std::size_t kMaxEnvFileBytes = 64 * 1024;
inline constexpr std::size_t kMaxEnvEntries = 512;

using EnvEntries = std::map<std::string, std::string, std::less<>>;

// The entries of the text; `invalid` with "line N: ..." for what is not in the grammar, and for a name that comes
// twice.
Result<EnvEntries> parse_env(std::string_view text);

// Reads and parses the file. `not_found` when there is none; `forbidden` when its group or others have any right on it,
// with the `chmod 600 FILE` that mends it; `invalid` when it is not a regular file of at most kMaxEnvFileBytes.
Result<EnvEntries> read_env_file(const std::string& path);

// The mode check alone, on an open descriptor; `path` is for the message.
Result<> check_private(int fd, const std::string& path);

}  // namespace ccd::config
