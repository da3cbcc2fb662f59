// Names of the kinds, as the API and the logs write them.
#include "claude/transcript.hpp"

namespace ccd::claude {

std::string_view to_string(EntryKind kind) {
  switch (kind) {
    case EntryKind::prompt: return "prompt";
    case EntryKind::reply: return "reply";
    case EntryKind::result: return "result";
    case EntryKind::summary: return "summary";
    case EntryKind::compaction: return "compaction";
    case EntryKind::interruption: return "interruption";
    case EntryKind::failure: return "failure";
    case EntryKind::system: return "system";
    case EntryKind::note: return "note";
    case EntryKind::attachment: return "attachment";
    case EntryKind::state: return "state";
    case EntryKind::raw: return "raw";
  }
  return "raw";
}

std::string_view to_string(BlockKind kind) {
  switch (kind) {
    case BlockKind::text: return "text";
    case BlockKind::thinking: return "thinking";
    case BlockKind::tool_use: return "tool_use";
    case BlockKind::tool_result: return "tool_result";
    case BlockKind::image: return "image";
    case BlockKind::document: return "document";
    case BlockKind::unknown: return "unknown";
  }
  return "unknown";
}

}  // namespace ccd::claude
