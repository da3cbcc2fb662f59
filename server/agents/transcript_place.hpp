// Where the files of one conversation lie: the only way from what a hook has told to an open transcript.
//
// A hook's words are the agent's, so what they name is held against the folder where the session's client keeps transcripts, and opened by
// names below it without following any link. Values; opening and listing block on the disk: on the pool.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "claude/subagents.hpp"
#include "claude/transcript_file.hpp"

namespace ccd::agents {

class TranscriptPlace {
 public:
  // When `told` is CONFIG_DIR/projects/FOLDER/CONVERSATION.jsonl, of exactly this folder of the client and this conversation.
  static std::optional<TranscriptPlace> of(std::string_view told, std::string_view config_dir,
                                           std::string_view conversation);

  // Errors as TranscriptFile::open_below(): `invalid` where a link or anything but a plain file stands. `agent`: of a subagent; empty: its own.
  [[nodiscard]] Result<claude::TranscriptFile> open(const std::string& agent = {}) const;
  // not_found: it has started none.
  [[nodiscard]] Result<std::vector<claude::SubagentFile>> subagents(std::size_t limit) const;
  // The names alone.
  [[nodiscard]] Result<std::vector<std::string>> subagent_ids(std::size_t limit) const;

  // To be watched: the folder of that file, and its name.
  [[nodiscard]] std::string folder_of(const std::string& agent) const;
  [[nodiscard]] std::string name_of(const std::string& agent) const;
  [[nodiscard]] const std::string& conversation() const { return conversation_; }
  // Tells it from every other.
  [[nodiscard]] std::string path() const { return folder_of({}) + "/" + name_of({}); }

 private:
  TranscriptPlace(std::string projects, std::string folder, std::string conversation)
      : projects_(std::move(projects)), folder_(std::move(folder)), conversation_(std::move(conversation)) {}
  [[nodiscard]] std::vector<std::string> names(const std::string& agent) const;

  std::string projects_;  // the client's folder of transcripts
  std::string folder_;
  std::string conversation_;
};

}  // namespace ccd::agents
