// Finds the fixtures from the environment that CTest sets, or from the repository's root.
#include "claude/test_support.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace ccd::claude::testing {
namespace {

namespace fs = std::filesystem;

std::string read_whole(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

fs::path from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

}  // namespace

std::string real_transcript() {
  return read_whole(from_environment("DASHBOARD_SOURCE", ".") / "tests/claude/fixtures/conversation.jsonl");
}

std::vector<std::string> real_lines() {
  std::vector<std::string> lines;
  std::istringstream text(real_transcript());
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::vector<std::pair<std::string, std::string>> json_suite() {
  std::vector<std::pair<std::string, std::string>> files;
  std::error_code failed;
  const fs::path folder = from_environment("TEST_DATA", "../shared/data") / "json-test-suite";
  for (const auto& file : fs::directory_iterator(folder, failed)) {
    if (file.path().extension() == ".json") files.emplace_back(file.path().filename(), read_whole(file.path()));
  }
  return files;
}

TempFolder::TempFolder() {
  std::string pattern = (fs::temp_directory_path() / "transcript-XXXXXX").string();
  path_ = mkdtemp(pattern.data());
}

TempFolder::~TempFolder() {
  std::error_code failed;
  fs::remove_all(path_, failed);
}

void append_to(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::app | std::ios::binary) << text;
}

}  // namespace ccd::claude::testing
