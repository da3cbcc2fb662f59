// Types prompts.
#include "agents/typist.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <span>

#include "agents/composer.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "claude/transcript_file.hpp"

namespace ccd::agents {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr std::string_view kEnter = "\r";
// Of one paste. The client (2.1.330) folds one of over 800 characters or over 3 lines into "[Pasted text #1]" and sends it between tags that tell the
// model to obey it less than what a person types; what is below both stays text.
constexpr std::size_t kPasteBytes = 600;
constexpr int kPasteLineEnds = 2;
constexpr std::string_view kPasteTag = "pasted_content id=\"";
constexpr std::size_t kPasteTagLimit = 64;
// Of one input: below what a tap takes at once.
constexpr std::size_t kPieceBytes = 16 * 1024;
// A screen is looked at when output came, and at least this often.
constexpr auto kLookAgain = 50ms;
// The pane has to take what is typed; a program that is stopped does not.
constexpr auto kTakenLimit = 10s;
// A client that has just started, or ended a turn, draws its input line a moment after it has told of it.
constexpr auto kShownLimit = 10s;
// The prompt before this one stands there for a moment after its turn has begun, or even ended.
constexpr auto kClearedLimit = 1500ms;
// A large paste is drawn within half a second on an idle machine.
constexpr auto kDrawnLimit = 15s;
// The client drops keys for a moment after it has drawn something new: an Enter that did nothing is pressed again.
constexpr auto kEnterAgain = 1500ms;
constexpr int kEnters = 6;
constexpr auto kConfirmLimit = 20s;
// The hook's word is given so long; then the transcript is read, this often.
constexpr auto kTranscriptAfter = 1500ms;
// Its newest lines are enough: the prompt was written moments ago.
constexpr std::size_t kTranscriptLines = 100;
// Both clocks are this machine's, and the client notes the time of a prompt when it takes it.
constexpr WallMicros kClockSlack = 2'000'000;
// A command of the client's own ("/compact") has no event: the input line that stays empty this long has taken it.
constexpr auto kCommandTaken = 700ms;

// The dashboard's own hands on one session.
class Hand final : public sessions::Viewer {
 public:
  Hand(const asio::any_io_executor& executor, const Clock* clock, std::shared_ptr<TypistClient> client)
      : changed_(executor), clock_(clock), client_(std::move(client)), last_(client_->last) {}
  // What was not acknowledged may have arrived or not: who types next is another client.
  ~Hand() override { client_->last = kept_.empty() ? last_ : 0; }

  Result<> attach(sessions::Hub& hub, const std::string& session, const std::string& name, Random& random) {
    sessions::AttachRequest request{.name = name};
    if (last_ == 0) random.fill(std::as_writable_bytes(std::span(client_->id)));
    request.client = client_->id;
    request.from = TRY(hub.extent(session)).end;
    place_ = TRY(hub.attach(session, this, request));
    return {};
  }

  void type(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPieceBytes))) {
      kept_[++last_] = std::string(bytes.substr(0, kPieceBytes));
      pass_on(last_);
    }
  }
  // False: not within `limit`, or refused.
  Task<bool> taken(std::chrono::steady_clock::duration limit) {
    const Time deadline = clock_->steady() + limit;
    while (!kept_.empty() && refused_.empty() && clock_->steady() < deadline) co_await wait();
    co_return kept_.empty() && refused_.empty();
  }
  // Until something happened, or it is time to look again.
  Task<void> wait() {
    if (seen_ > acked_) {
      acked_ = seen_;
      place_->ack_output(acked_);
    }
    if (std::exchange(reset_, false))
      for (const auto& [number, bytes] : kept_) pass_on(number);
    co_await changed_.wait_for(kLookAgain);
  }
  [[nodiscard]] const std::string& refused() const { return refused_; }
  void wake() { changed_.notify(); }

  bool data(std::uint64_t offset, std::shared_ptr<const std::string> bytes) override {
    return note_seen(offset + bytes->size());
  }
  bool snapshot(std::uint64_t offset, const sessions::Mirror::Snapshot&) override { return note_seen(offset); }
  void input_taken(std::uint64_t number) override {
    kept_.erase(kept_.begin(), kept_.upper_bound(number));
    wake();
  }
  void input_reset() override {
    reset_ = true;
    wake();
  }
  void input_refused(std::string_view why) override {
    refused_ = why;
    wake();
  }
  void size(int, int, bool) override {}
  void people(const std::vector<sessions::Person>&) override {}

 private:
  void pass_on(std::uint64_t number) {
    const auto passed = place_->input(number, std::as_bytes(std::span(kept_.at(number))));
    if (!passed) refused_ = passed.error().message;
  }
  bool note_seen(std::uint64_t offset) {
    seen_ = std::max(seen_, offset);
    wake();
    return true;
  }

  Notifier changed_;
  const Clock* clock_;
  std::shared_ptr<TypistClient> client_;
  std::map<std::uint64_t, std::string> kept_;  // typed, and not acknowledged
  std::uint64_t last_ = 0;
  std::uint64_t seen_ = 0;
  std::uint64_t acked_ = 0;
  bool reset_ = false;
  std::string refused_;
  std::unique_ptr<sessions::Attachment> place_;  // leaves first
};

// Whether the newest lines of the transcript hold this prompt, written since. Blocks.
Result<bool> in_transcript(claude::TranscriptFile& file, std::string_view text, WallMicros since) {
  const claude::Page page = TRY(file.page_before(UINT64_MAX, kTranscriptLines, claude::kWholeLimits));
  return std::ranges::any_of(page.entries, [&](const claude::Entry& entry) {
    if (entry.kind != claude::EntryKind::prompt || entry.chain != claude::Chain::main || !entry.at || *entry.at < since)
      return false;
    return std::ranges::any_of(entry.blocks, [&](const claude::Block& block) { return same_prompt(text, block.text); });
  });
}

bool is_command(std::string_view text) { return text.starts_with('/') || text.starts_with('!'); }

Delivery blocked(std::string why) { return {.end = Delivery::End::blocked, .detail = std::move(why)}; }

// Why nothing can be sent now; empty when it can.
std::string why_not_now(const std::optional<AgentView>& view) {
  if (!view) return "no Claude Code runs in this session";
  switch (view->status.state) {
    case claude::AgentState::idle:
    case claude::AgentState::failed:
    case claude::AgentState::limited: return "";
    case claude::AgentState::starting: return "the agent is just starting";
    case claude::AgentState::working: return "the agent is working";
    case claude::AgentState::waiting_permission: return "the agent waits for a permission";
    case claude::AgentState::waiting_answer: return "the agent waits for an answer";
    case claude::AgentState::exited: return "the agent has ended";
    case claude::AgentState::lost: return "the terminal server that held the agent is gone";
  }
  return "";
}

// One delivery: what the agent said since it began, and the steps.
class Attempt {
 public:
  Attempt(const asio::any_io_executor& executor, const Typist::Parts& parts, std::shared_ptr<TypistClient> client,
          std::string session, std::string text, std::function<std::string()> why_not)
      : parts_(parts),
        session_(std::move(session)),
        text_(std::move(text)),
        why_not_(std::move(why_not)),
        hand_(executor, parts.clock, std::move(client)) {
    Listener listener;
    listener.hook = [this](const std::string& of, const claude::HookEvent& event) {
      if (of != session_ || event.kind != claude::HookKind::prompt) return;
      if (!entered_ || !same_prompt(text_, event.text)) return;
      confirmed_ = "the agent confirmed it";
      hand_.wake();
    };
    subscription_ = parts_.agents->subscribe(std::move(listener));
  }

  Task<Delivery> run(std::string name) {
    std::string why = why_not_now(parts_.agents->view(session_));
    if (!why.empty()) co_return blocked(std::move(why));
    if (const auto attached = hand_.attach(*parts_.hub, session_, name, *parts_.random); !attached)
      co_return blocked(attached.error().message);
    why = co_await why_no_paste();
    if (!why.empty()) co_return blocked(std::move(why));
    hand_.type(as_pastes(text_));
    if (!co_await hand_.taken(kTakenLimit)) {
      if (!hand_.refused().empty()) co_return Delivery{.end = Delivery::End::failed, .detail = hand_.refused()};
      co_return Delivery{.end = Delivery::End::uncertain,
                         .detail = "the agent's terminal takes no input: look at it before you send this again"};
    }
    co_return co_await enter();
  }

 private:
  // Waits for the input line; why nothing can be pasted into it, or empty when it can.
  Task<std::string> why_no_paste() {
    const Time began = parts_.clock->steady();
    for (;;) {
      const auto seen = co_await parts_.hub->look(session_);
      if (!seen) co_return "the terminal cannot be seen: " + seen.error().message;
      if (std::string why = why_not_ ? why_not_() : std::string(); !why.empty()) co_return why;
      const Composer composer = find_composer(seen->rows);
      const auto waited = parts_.clock->steady() - began;
      if (composer.shown && !composer.empty() && waited >= kClearedLimit)
        co_return "there is unfinished text in the agent's input line";
      if (composer.empty() && seen->modes.bracketed_paste) co_return std::string();
      if (waited >= kShownLimit) break;
      co_await hand_.wait();
    }
    co_return "the agent shows no input line: something else stands on its screen";
  }

  Task<Composer> look() {
    const auto seen = co_await parts_.hub->look(session_);
    co_return seen ? find_composer(seen->rows) : Composer{};
  }

  Task<Delivery> enter() {
    const Time drawn_by = parts_.clock->steady() + kDrawnLimit;
    Composer now = co_await look();
    while (now.text.empty()) {
      if (parts_.clock->steady() >= drawn_by)
        co_return Delivery{.end = Delivery::End::uncertain,
                           .detail = "it was pasted, but does not appear in the input line: look at the terminal"};
      co_await hand_.wait();
      now = co_await look();
    }
    entered_ = true;
    entered_wall_ = parts_.clock->wall();
    Time pressed{}, empty_since{}, read_at{};
    int enters = 0;
    bool gone = false;  // the client took it: what stands in the input line from then on is somebody else's
    const Time deadline = parts_.clock->steady() + kConfirmLimit;
    for (;;) {
      const Time at = parts_.clock->steady();
      note_state();
      if (!confirmed_.empty()) co_return Delivery{.end = Delivery::End::sent, .detail = confirmed_};
      if (now.shown && !now.text.empty()) {
        empty_since = {};
        if (!gone && enters < kEnters && at - pressed >= kEnterAgain) {
          hand_.type(kEnter);
          pressed = at;
          ++enters;
        }
      } else {
        gone = gone || (now.shown && enters > 0);
        if (empty_since == Time{}) empty_since = at;
      }
      if (empty_since != Time{} && at - std::max(empty_since, read_at) >= kTranscriptAfter) {
        read_at = at;
        co_await read_transcript();
        continue;
      }
      if (is_command(text_) && empty_since != Time{} && at - empty_since >= kCommandTaken)
        co_return Delivery{.end = Delivery::End::sent, .detail = "the input line took it"};
      if (at >= deadline) break;
      co_await hand_.wait();
      now = co_await look();
    }
    if (!gone && now.shown && !now.text.empty())
      co_return Delivery{
          .end = Delivery::End::failed,
          .detail = "it stands in the agent's input line, which does not take it: send it there, or clear it"};
    co_return Delivery{.end = Delivery::End::uncertain,
                       .detail = "the agent did not confirm it: look at the terminal before you send it again"};
  }

  // Hooks can be missed, by a machine too busy to run them in time: the client's own record cannot.
  Task<void> read_transcript() {
    const auto view = parts_.agents->view(session_);
    if (!view || view->transcript.empty()) co_return;
    auto read = [text = text_, since = entered_wall_ - kClockSlack](claude::TranscriptFile& file) {
      return in_transcript(file, text, since);
    };
    TranscriptName name;
    name.session = session_;
    const auto answer = co_await parts_.transcripts->with_file(std::move(name), std::move(read));
    const bool* found = answer ? std::get_if<bool>(&*answer) : nullptr;
    if (found != nullptr && *found) confirmed_ = "it is in the agent's conversation";
  }

  // An agent without our hooks confirms by beginning to work.
  void note_state() {
    const auto view = parts_.agents->view(session_);
    if (!view || view->hooks == Hooks::live || !confirmed_.empty()) return;
    if (view->status.state == claude::AgentState::working && view->status.evidence.at >= entered_wall_)
      confirmed_ = "the agent began to work";
  }

  Typist::Parts parts_;
  std::string session_;
  std::string text_;
  std::function<std::string()> why_not_;
  Hand hand_;
  bool entered_ = false;
  WallMicros entered_wall_ = 0;
  std::string confirmed_;
  std::unique_ptr<Agents::Subscription> subscription_;
};

// The client's tags around what it takes for pasted: <pasted_content id="1a2b"> and </pasted_content id="1a2b">.
std::string without_paste_tags(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (;;) {
    const std::size_t name = text.find(kPasteTag);
    const std::size_t open =
        name == 0 || name == std::string_view::npos ? std::string_view::npos : name - (text[name - 1] == '/' ? 2 : 1);
    const std::size_t close = name == std::string_view::npos ? name : text.find('>', name);
    if (open >= text.size() || text[open] != '<' || close == std::string_view::npos || close - name > kPasteTagLimit)
      break;
    out.append(text.substr(0, open));
    text.remove_prefix(close + 1);
  }
  return out.append(text);
}

// Code points without a shape of their own, which the client takes out where it finds no use for them.
struct CodePoints {
  std::string_view first, last;  // UTF-8, of one length
};
constexpr CodePoints kInvisible[] = {
    {"\u00ad", "\u00ad"},          // soft hyphen
    {"\u200b", "\u200f"},          // zero width, joiners, marks of direction
    {"\u202a", "\u202e"},          // directions
    {"\u2060", "\u206f"},          // word joiner, invisible operators, isolates
    {"\ufe00", "\ufe0f"},          // variation selectors
    {"\ufeff", "\ufeff"},          // byte order mark
    {"\U000e0000", "\U000e01ef"},  // tags, more variation selectors
};

std::size_t invisible_prefix(std::string_view text) {
  for (const auto& [first, last] : kInvisible) {
    const std::string_view head = text.substr(0, first.size());
    if (head.size() == first.size() && head >= first && head <= last) return first.size();
  }
  return 0;
}

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

// What a text says, without what the client changes: blanks, line ends, invisible characters.
std::string essence(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t skipped = is_blank(text.front())                            ? 1
                                : static_cast<unsigned char>(text.front()) < 0x80 ? 0
                                                                                  : invisible_prefix(text);
    if (skipped == 0) out += text.front();
    text.remove_prefix(std::max<std::size_t>(skipped, 1));
  }
  return out;
}

}  // namespace

Result<std::string> prompt_text(std::string_view text) {
  if (text.size() > kMaxPromptBytes) return fail_field("text", "a prompt has at most 100,000 bytes");
  if (!valid_utf8(text)) return fail_field("text", "a prompt must be UTF-8");
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') out += '\n';
      continue;
    }
    const bool c1 = byte == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f || c1)
      return fail_field("text", "a prompt must not contain control characters, which a terminal would act on");
    out += c;
  }
  while (!out.empty() && is_blank(out.back())) out.pop_back();
  if (out.empty()) return fail_field("text", "a prompt must not be empty");
  return out;
}

std::string as_pastes(std::string_view prompt) {
  std::string whole(prompt);
  // Enter behind a backslash is a new line to the client, and the backslash is gone.
  if (whole.ends_with('\\')) whole += ' ';
  std::string_view text = whole;
  std::string out;
  while (!text.empty()) {
    std::size_t size = 0;
    for (int line_ends = 0; size < std::min(text.size(), kPasteBytes) && line_ends < kPasteLineEnds; ++size)
      if (text[size] == '\n') ++line_ends;
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
    out.append(kPasteBegin).append(text.substr(0, size)).append(kPasteEnd);
    text.remove_prefix(size);
  }
  return out;
}

bool same_prompt(std::string_view sent, std::string_view given) {
  const std::string ours = essence(sent);
  const std::string theirs = essence(without_paste_tags(given));
  if (ours == theirs) return true;
  // What is cut may end in the sign for it.
  const auto differs = std::ranges::mismatch(ours, theirs).in1 - ours.begin();
  return given.size() >= claude::kMaxHookText - 4 && static_cast<std::size_t>(differs) > claude::kMaxHookText / 4;
}

Task<Delivery> Typist::deliver(std::string session, std::string text, std::string name,
                               std::function<std::string()> why_not) {
  // Those of sessions that are gone go with the others, and are chosen anew.
  if (clients_.size() >= kMaxTypistClients && !clients_.contains(session)) clients_.clear();
  auto& client = clients_[session];
  if (!client) client = std::make_shared<TypistClient>();
  Attempt attempt(executor_, parts_, client, std::move(session), std::move(text), std::move(why_not));
  const Delivery end = co_await attempt.run(std::move(name));
  if (end.end == Delivery::End::sent)
    metrics().counter("prompts_sent_total", "Prompts that agents confirmed").Increment();
  if (end.end == Delivery::End::uncertain)
    metrics()
        .counter("prompts_uncertain_total", "Prompts of which nobody knows whether the agent has them")
        .Increment();
  co_return end;
}

}  // namespace ccd::agents
