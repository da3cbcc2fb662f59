// The index: cuts the file's bytes into lines, and keeps of each what the whole needs.
#include "claude/transcript_index.hpp"

#include <algorithm>
#include <ctime>
#include <functional>

namespace ccd::claude {
namespace {

constexpr std::size_t kReadBytes = 1024 * 1024;
constexpr std::size_t kMaxFailureText = 512;
constexpr std::size_t kMaxNameBytes = 128;
// A rest_ that grew for one long line is given back above this.
constexpr std::size_t kKeptRestBytes = 1024 * 1024;

std::uint64_t hash_of(std::string_view id) {
  const std::uint64_t hash = std::hash<std::string_view>{}(id);
  return hash == 0 ? 1 : hash;
}

void add(Usage& to, const Usage& more) {
  to.input += more.input;
  to.output += more.output;
  to.cache_read += more.cache_read;
  to.cache_write_5m += more.cache_write_5m;
  to.cache_write_1h += more.cache_write_1h;
}

void take_away(Usage& from, const Usage& less) {
  from.input -= less.input;
  from.output -= less.output;
  from.cache_read -= less.cache_read;
  from.cache_write_5m -= less.cache_write_5m;
  from.cache_write_1h -= less.cache_write_1h;
}

bool is_of_conversation(EntryKind kind) {
  return kind == EntryKind::prompt || kind == EntryKind::reply || kind == EntryKind::result ||
         kind == EntryKind::interruption || kind == EntryKind::failure;
}

}  // namespace

Usage total_of(const TranscriptFacts& facts) {
  Usage total;
  for (const auto& [model, usage] : facts.usage) add(total, usage.usage);
  return total;
}

std::int32_t utc_day(WallMicros at) {
  constexpr WallMicros kDay = WallMicros{86'400} * 1'000'000;
  return static_cast<std::int32_t>((at >= 0 ? at : at - kDay + 1) / kDay);
}

std::int32_t local_day(WallMicros at) {
  const std::time_t seconds = at / 1'000'000;
  std::tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return utc_day(at);
  return utc_day(at + WallMicros{local.tm_gmtoff} * 1'000'000);
}

TranscriptIndex::TranscriptIndex(DayOf day_of) : day_of_(day_of) { marks_.push_back({}); }

Result<bool> TranscriptIndex::catch_up(const TranscriptFile& file, std::uint64_t budget) {
  if (TRY(file.bytes()) < taken_) *this = TranscriptIndex(day_of_);
  std::string piece;
  while (budget > 0) {
    piece.resize(std::min<std::uint64_t>(kReadBytes, budget));
    const std::size_t got = TRY(file.read(taken_, piece.data(), piece.size()));
    if (got == 0) return true;
    feed(std::string_view(piece).substr(0, got));
    budget -= got;
  }
  return TRY(file.bytes()) <= taken_;
}

void TranscriptIndex::feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view piece = bytes.substr(0, end);
    taken_ += piece.size();
    if (overlong_ || rest_.size() + piece.size() > kMaxLineBytes) {
      overlong_ = true;
      rest_ = std::string();
    } else if (end == std::string_view::npos || !rest_.empty()) {
      rest_ += piece;
    }
    if (end == std::string_view::npos) return;
    ++taken_;
    if (overlong_) {
      ++facts_.raw_lines;
    } else {
      take_line(rest_.empty() ? piece : std::string_view(rest_));
    }
    end_line();
    bytes.remove_prefix(end + 1);
  }
}

void TranscriptIndex::end_line() {
  rest_.clear();
  if (rest_.capacity() > kKeptRestBytes) rest_ = std::string();
  overlong_ = false;
  ++facts_.lines;
  facts_.end = taken_;
  if (taken_ - marks_.back().offset < mark_bytes_) return;
  if (marks_.size() == kMaxMarks) {
    for (std::size_t i = 0; i < kMaxMarks / 2; ++i) marks_[i] = marks_[2 * i];
    marks_.resize(kMaxMarks / 2);
    mark_bytes_ *= 2;
    if (taken_ - marks_.back().offset < mark_bytes_) return;
  }
  marks_.push_back({.line = facts_.lines, .offset = taken_});
}

void TranscriptIndex::take_line(std::string_view text) {
  if (text.empty()) return;
  const LineFacts line = parser_.facts(text);
  switch (line.kind) {
    case EntryKind::raw: ++facts_.raw_lines; break;
    case EntryKind::prompt: facts_.prompts += line.chain == Chain::main ? 1 : 0; break;
    case EntryKind::compaction: ++facts_.compactions; break;
    default: break;
  }
  if (line.at) {
    if (!facts_.first_at) facts_.first_at = line.at;
    facts_.last_at = line.at;
    day_ = day_of_(*line.at);
  }
  if (line.cost_usd) facts_.cost_usd = line.cost_usd;
  if (line.usage) count(line);
  if (line.chain == Chain::main && is_of_conversation(line.kind)) stand(line);
}

ModelUsage& TranscriptIndex::usage_of(std::string_view model) {
  const auto found = facts_.usage.find(model);
  const std::string_view name =
      found != facts_.usage.end() || facts_.usage.size() < kMaxModels ? model : std::string_view();
  return facts_.usage[std::string(name)];
}

ModelUsage& TranscriptIndex::day_of(std::int32_t day, const std::string& model) {
  const auto found = facts_.days.find({day, model});
  if (found != facts_.days.end()) return found->second;
  if (facts_.days.size() >= kMaxUsageDays) return std::prev(facts_.days.end())->second;
  return facts_.days[{day, model}];
}

// Each line of a message repeats its usage, and the last one's is the message's: what was counted before is taken back.
void TranscriptIndex::count(const LineFacts& line) {
  Counted now{.id = 0, .model = clipped(line.model, kMaxNameBytes), .day = day_, .usage = *line.usage};
  if (!line.message_id.empty()) {
    now.id = hash_of(line.message_id);
    const auto known = std::find_if(recent_.begin(), recent_.end(), [&](const Counted& c) { return c.id == now.id; });
    if (known != recent_.end()) {
      for (ModelUsage* total : {&usage_of(known->model), &day_of(known->day, known->model)}) {
        take_away(total->usage, known->usage);
        add(total->usage, *line.usage);
      }
      known->usage = *line.usage;
      return;
    }
    recent_[next_recent_] = now;
    next_recent_ = (next_recent_ + 1) % recent_.size();
  }
  for (ModelUsage* total : {&usage_of(now.model), &day_of(now.day, now.model)}) {
    ++total->messages;
    add(total->usage, now.usage);
  }
}

void TranscriptIndex::stand(const LineFacts& line) {
  Standing& now = facts_.standing;
  now.last = line.kind;
  now.at = line.at;
  now.failure =
      line.kind == EntryKind::failure ? clipped(line.detail.empty() ? "unknown" : line.detail, kMaxNameBytes) : "";
  now.failure_text = clipped(line.text, kMaxFailureText);
  if (line.kind == EntryKind::reply) now.stop_reason = clipped(line.stop_reason, kMaxNameBytes);
  // These end the turn before: what it called will not answer any more.
  const bool ends =
      line.kind == EntryKind::prompt || line.kind == EntryKind::failure || line.kind == EntryKind::interruption;
  if (ends) now.open_tools.clear();
  for (const LineFacts::Tool& tool : line.tools) {
    std::erase_if(now.open_tools, [&](const OpenTool& open) { return open.id == tool.id; });
    if (tool.name.empty()) continue;
    if (now.open_tools.size() == kMaxOpenTools) now.open_tools.erase(now.open_tools.begin());
    now.open_tools.push_back({clipped(tool.id, kMaxNameBytes), clipped(tool.name, kMaxNameBytes), line.at});
  }
}

TranscriptIndex::Mark TranscriptIndex::mark_before_line(std::uint64_t line) const {
  const auto after = std::upper_bound(marks_.begin(), marks_.end(), line,
                                      [](std::uint64_t wanted, const Mark& mark) { return wanted < mark.line; });
  return *std::prev(after);
}

TranscriptIndex::Mark TranscriptIndex::mark_before_offset(std::uint64_t offset) const {
  const auto after = std::upper_bound(marks_.begin(), marks_.end(), offset,
                                      [](std::uint64_t wanted, const Mark& mark) { return wanted < mark.offset; });
  return *std::prev(after);
}

}  // namespace ccd::claude
