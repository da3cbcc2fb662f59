// Looks for the rules and the mark, from the bottom up.
#include "agents/composer.hpp"

#include <algorithm>

namespace ccd::agents {
namespace {

constexpr std::string_view kMark = "\u276f";         // ❯
constexpr std::string_view kRuleCell = "\u2500";     // ─
constexpr std::string_view kMoreAbove = " \u2191 ";  // ↑
constexpr std::string_view kMoreBelow = " \u2193 ";  // ↓
constexpr std::string_view kOutOfSight = "\u2026";   // …
constexpr std::string_view kNoBreak = "\u00a0";
constexpr std::size_t kLeastRule = 10;  // cells; a table in an answer has shorter ones
constexpr std::uint16_t kDim = 2;       // hints are dim, what was typed is not

// A line of rule cells; one above or below text that is scrolled out says how much in its left part: "─── ↑ 7 more ────".
enum class Rule { none, whole, more };
Rule rule_of(const terminal::Row& row) {
  std::string line;
  for (const terminal::Run& run : row.runs) line += run.text;
  std::string_view rest = line;
  const auto cells = [&rest] {
    std::size_t count = 0;
    for (; rest.starts_with(kRuleCell); rest.remove_prefix(kRuleCell.size())) ++count;
    return count;
  };
  std::size_t count = cells();
  if (rest.empty()) return count >= kLeastRule ? Rule::whole : Rule::none;
  if (count == 0 || !(rest.starts_with(kMoreAbove) || rest.starts_with(kMoreBelow))) return Rule::none;
  rest.remove_prefix(std::min(rest.find(kRuleCell), rest.size()));
  count += cells();
  return rest.empty() && count >= kLeastRule ? Rule::more : Rule::none;
}

// What a person has put there: blanks at the ends left out, the no-break space behind the mark too.
std::string typed_text(const terminal::Row& row, bool first) {
  std::string out;
  for (const terminal::Run& run : row.runs)
    if (!(run.attributes & kDim)) out += run.text;
  if (first) out.erase(0, std::min(out.find(kMark), out.size() - kMark.size()) + kMark.size());
  for (std::size_t at = out.find(kNoBreak); at != std::string::npos; at = out.find(kNoBreak, at))
    out.replace(at, kNoBreak.size(), " ");
  const std::size_t begin = out.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return out.substr(begin, out.find_last_not_of(' ') + 1 - begin);
}

bool begins_with_mark(const terminal::Row& row) {
  return !row.runs.empty() && row.runs.front().text.starts_with(kMark);
}

}  // namespace

Composer find_composer(const std::vector<terminal::Row>& rows) {
  for (std::size_t end = rows.size(); end-- > 1;) {
    const Rule below = rule_of(rows[end]);
    if (below == Rule::none) continue;
    std::size_t begin = end;
    while (begin > 0 && rule_of(rows[begin - 1]) == Rule::none) --begin;
    if (begin == 0) continue;
    const Rule above = rule_of(rows[begin - 1]);
    // Between two rules, and the mark is the first thing below the upper one, unless it is scrolled out.
    const bool marked = begin < end && rows[begin].y == rows[begin - 1].y + 1 && begins_with_mark(rows[begin]);
    if (!marked && above != Rule::more) continue;
    Composer out{.shown = true};
    if (above == Rule::more) out.text = kOutOfSight;
    for (std::size_t at = begin; at < end; ++at) {
      const std::string line = typed_text(rows[at], marked && at == begin);
      if (!line.empty() && !out.text.empty()) out.text += '\n';
      out.text += line;
    }
    if (below == Rule::more) out.text += kOutOfSight;
    return out;
  }
  return {};
}

}  // namespace ccd::agents
