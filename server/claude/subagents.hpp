// The subagents that a conversation has started, by the files that the client keeps of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccd::claude {

struct SubagentFile {
  std::string id{};       // of "agent-ID.jsonl": letters, digits, - and _
  std::string tool_id{};  // what its meta file says, cut; empty without one
  std::string type{};
  std::string description{};
  std::uint64_t bytes = 0;  // of its transcript
};

// Those in FOLDER/NAME/NAME/..., of which no part below `folder` is a link, by their names; at most `limit`. not_found: there is no such folder.
// Blocks on the disk.
Result<std::vector<SubagentFile>> list_subagents(const std::string& folder, const std::vector<std::string>& names,
                                                 std::size_t limit);

// Their ids alone, with the same bounds; no meta file is read.
Result<std::vector<std::string>> list_subagent_ids(const std::string& folder, const std::vector<std::string>& names,
                                                   std::size_t limit);

}  // namespace ccd::claude
