// Prints how quickly a transcript is indexed and searched, and how soon its last page is there. A file of its own is made from real lines:
//   transcript_bench LINES_FILE MEGABYTES FOLDER
#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "claude/transcript_file.hpp"
#include "claude/transcript_index.hpp"
#include "claude/transcript_search.hpp"

namespace {

using namespace ccd::claude;

// What this thread has computed: on a machine with other work, the figure that can be compared.
double cpu_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

double since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Real lines over and over, each 20th with a tool's long output, as long sessions have them.
std::uint64_t write_transcript(const std::string& from, const std::string& to, std::uint64_t bytes) {
  std::vector<std::string> lines;
  std::ifstream source(from);
  for (std::string line; std::getline(source, line);) lines.push_back(line);
  const std::string output(30'000, 'o');
  lines.push_back(R"({"type":"user","message":{"content":[{"type":"tool_result","tool_use_id":"t","content":")" +
                  output + "\"}]}}");
  std::ofstream file(to, std::ios::binary);
  std::uint64_t written = 0;
  for (std::size_t i = 0; written < bytes; ++i) {
    const std::string& line = i % 20 == 19 ? lines.back() : lines[i % lines.size()];
    file << line << '\n';
    written += line.size() + 1;
  }
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string path = std::string(argv[3]) + "/transcript-bench.jsonl";
  const std::uint64_t bytes = write_transcript(argv[1], path, std::strtoull(argv[2], nullptr, 10) * 1'000'000);
  for (int round = 0; round < 3; ++round) {
    auto start = std::chrono::steady_clock::now();
    auto file = TranscriptFile::open(path);
    const auto page = file->page_before(UINT64_MAX, 100);
    fmt::print("open and last page of 100 lines: {:.2f} ms ({} entries)\n", since(start), page->entries.size());
    start = std::chrono::steady_clock::now();
    const double cpu_start = cpu_ms();
    TranscriptIndex index;
    (void)*index.catch_up(*file);
    const double took = since(start);
    const double cpu = cpu_ms() - cpu_start;
    fmt::print(
        "index of {} lines, {:.0f} MB: {:.0f} ms ({:.0f} MB/s), of them computing {:.0f} ms ({:.0f} MB/s), {} marks\n",
        index.facts().lines, static_cast<double>(bytes) / 1e6, took, static_cast<double>(bytes) / 1e3 / took, cpu,
        static_cast<double>(bytes) / 1e3 / cpu, index.marks());
    start = std::chrono::steady_clock::now();
    const auto mark = index.mark_before_line(index.facts().lines / 2);
    const auto middle = file->page_from(mark.offset, 100);
    fmt::print("page of 100 lines in the middle: {:.2f} ms\n", since(start));
    start = std::chrono::steady_clock::now();
    (void)*file->offset_of_time(ccd::WallMicros{1'795'461'000'000'000});
    fmt::print("the place of a time: {:.2f} ms\n", since(start));
    for (const char* const words : {"not in the file", "subtask seven", "agent", "日本"}) {
      start = std::chrono::steady_clock::now();
      const double search_cpu = cpu_ms();
      auto search = TranscriptSearch::make(words);
      std::size_t hits = 0;
      std::size_t steps = 0;
      double longest = 0;
      SearchPage found;
      for (bool done = false; !done; done = found.done, hits += found.hits.size(), ++steps) {
        const auto step_start = std::chrono::steady_clock::now();
        found = *search->step(*file, found.next);
        longest = std::max(longest, since(step_start));
      }
      const double computed = cpu_ms() - search_cpu;
      fmt::print(
          "search for \"{}\": {} hits in {} steps, {:.0f} ms, the longest step {:.0f} ms, computing {:.0f} ms ({:.0f} "
          "MB/s)\n",
          words, hits, steps, since(start), longest, computed, static_cast<double>(bytes) / 1e3 / computed);
    }
  }
  ::unlink(path.c_str());
  return 0;
}
