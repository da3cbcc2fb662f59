// What this room's tests share: a real conversation in lines, the JSON test suite, and a folder that goes away.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ccd::claude::testing {

// The lines of tests/claude/fixtures/conversation.jsonl, which the real client wrote.
std::vector<std::string> real_lines();
std::string real_transcript();

// Name and text of each file of the JSON test suite; empty when the data is not there.
std::vector<std::pair<std::string, std::string>> json_suite();

class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

void append_to(const std::string& path, const std::string& text);

}  // namespace ccd::claude::testing
