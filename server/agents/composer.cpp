// Looks for the rules and the mark, from the bottom up.
#include "agents/composer.hpp"

#include <algorithm>

namespace ccd::agents {
namespace {

constexpr std::string_view kMark = "\u276f";       // ❯
constexpr std::string_view kRuleCell = "\u2500";   // ─
constexpr std::string_view kNoBreak = "\u00a0";
constexpr std::size_t kLeastRule = 10;             // cells; a table in an answer has shorter ones
constexpr std::uint16_t kDim = 2;                  // hints are dim, what was typed is not

bool is_rule(const terminal::Row& row) {
  std::size_t cells = 0;
  for (const terminal::Run& run : row.runs) {
    for (std::string_view rest = run.text; !rest.empty(); rest.remove_prefix(kRuleCell.size())) {
      if (!rest.starts_with(kRuleCell)) return false;
      ++cells;
    }
  }
  return cells >= kLeastRule;
}

// What a person has put there: blanks at the ends left out, the no-break space behind the mark too.
std::string typed_text(const terminal::Row& row, bool first) {
  std::string out;
  for (const terminal::Run& run : row.runs)
    if (!(run.attributes & kDim)) out += run.text;
  if (first) out.erase(0, std::min(out.find(kMark), out.size() - kMark.size()) + kMark.size());
  for (std::size_t at = out.find(kNoBreak); at != std::string::npos; at = out.find(kNoBreak, at)) out.replace(at, kNoBreak.size(), " ");
  const std::size_t begin = out.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return out.substr(begin, out.find_last_not_of(' ') + 1 - begin);
}

bool begins_with_mark(const terminal::Row& row) { return !row.runs.empty() && row.runs.front().text.starts_with(kMark); }

}  // namespace

Composer find_composer(const std::vector<terminal::Row>& rows) {
  for (std::size_t end = rows.size(); end-- > 2;) {
    if (!is_rule(rows[end])) continue;
    std::size_t begin = end;
    while (begin > 0 && !is_rule(rows[begin - 1])) --begin;
    // Between two rules, and the mark is the first thing below the upper one.
    if (begin == 0 || begin == end || rows[begin].y != rows[begin - 1].y + 1 || !begins_with_mark(rows[begin])) continue;
    Composer out{.shown = true};
    for (std::size_t at = begin; at < end; ++at) {
      const std::string line = typed_text(rows[at], at == begin);
      if (!line.empty() && !out.text.empty()) out.text += '\n';
      out.text += line;
    }
    return out;
  }
  return {};
}

}  // namespace ccd::agents
