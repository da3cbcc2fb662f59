// The transcripts of sessions and of their subagents: pages, whole lines, searches, facts, and who follows them.
//
// Lives on the loop; everything that touches a disk runs on the pool. Only the transcript of the session's own conversation is opened, by its
// name below the client's folder, without following a link; what a hook said of its place is checked, never followed.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agents/agents.hpp"
#include "agents/transcript_place.hpp"
#include "base/task.hpp"
#include "claude/transcript_file.hpp"
#include "claude/transcript_index.hpp"
#include "claude/transcript_search.hpp"
#include "claude/transcript_watcher.hpp"
#include "sessions/hub.hpp"

namespace ccd::agents {

// A session's own conversation, or one of its subagents'.
struct TranscriptName {
  std::string session{};
  std::string agent{};  // letters, digits, - and _, at most 64; empty: the session's own
  auto operator<=>(const TranscriptName&) const = default;
};
bool valid_agent_id(std::string_view id);

// There is no transcript (yet); in words for people.
struct NoTranscript {
  std::string reason{};
};

struct TranscriptExtent {
  std::string file{};       // claude::TranscriptFile::identity()
  std::uint64_t bytes = 0;  // of the file
  bool operator==(const TranscriptExtent&) const = default;
};

struct Subagent {
  std::string id{};
  std::string tool_id{};  // the call that started it; empty: not known
  std::string type{};
  std::string description{};
  std::uint64_t bytes = 0;
};

struct FactsAnswer {
  TranscriptExtent extent{};
  claude::TranscriptFacts facts{};  // of what has been read: facts.end of extent.bytes
};

// Counted in one request; a longer transcript takes several.
inline constexpr std::uint64_t kMaxFactsBytes = std::uint64_t{256} * 1024 * 1024;
inline constexpr std::size_t kMaxKeptIndexes = 16;
inline constexpr std::size_t kMaxSubagents = 1000;
// Followed at the same time, over all pages.
inline constexpr std::size_t kMaxFollowed = 512;

class Transcripts {
  struct Followed;

 public:
  struct Parts {  // all outlive this
    sessions::Hub* hub;
    Agents* agents;
    asio::thread_pool* pool;
  };
  Transcripts(const asio::any_io_executor& executor, Parts parts);
  ~Transcripts();
  Transcripts(const Transcripts&) = delete;
  Transcripts& operator=(const Transcripts&) = delete;
  Task<void> stop();

  // Runs `work` on the pool with the open file. NoTranscript when there is none yet; not_found for an unknown session; `forbidden` when what
  // is in its place is not the session's to show.
  template <class Work>
  using ResultOf = std::invoke_result_t<Work, claude::TranscriptFile&>;
  template <class Work>
  Task<Result<std::variant<NoTranscript, typename ResultOf<Work>::value_type>>> with_file(TranscriptName name,
                                                                                          Work work) {
    using Value = typename ResultOf<Work>::value_type;
    using Answer = Result<std::variant<NoTranscript, Value>>;
    auto opened = co_await open(std::move(name));
    if (!opened) co_return tl::unexpected(std::move(opened).error());
    if (auto* none = std::get_if<NoTranscript>(&*opened)) co_return Answer(std::move(*none));
    auto file = std::make_shared<claude::TranscriptFile>(std::move(std::get<claude::TranscriptFile>(*opened)));
    auto run = [file, work = std::move(work)]() mutable { return work(*file); };
    auto done = co_await run_on(*parts_.pool, std::move(run));
    if (!done) co_return tl::unexpected(std::move(done).error());
    co_return Answer(std::move(*done));
  }

  Task<Result<std::variant<NoTranscript, claude::SearchPage>>> search(TranscriptName name,
                                                                      claude::TranscriptSearch search,
                                                                      std::uint64_t from);
  // Each byte is read once while the index is kept.
  Task<Result<std::variant<NoTranscript, FactsAnswer>>> facts(TranscriptName name);
  // Where its own conversation's files lie. NoTranscript while that is not known, or they are not the session's to read.
  Task<Result<std::variant<NoTranscript, TranscriptPlace>>> place_of(std::string session);
  // By the time they were started; empty when there are none.
  Task<Result<std::vector<Subagent>>> subagents(std::string session);

  // Ends the following. Must not outlive the Transcripts.
  class Follow {
   public:
    Follow(Transcripts* owner, TranscriptName name, std::uint64_t id)
        : owner_(owner), name_(std::move(name)), id_(id) {}
    Follow(const Follow&) = delete;
    Follow& operator=(const Follow&) = delete;
    ~Follow() { owner_->unfollow(name_, id_); }

   private:
    Transcripts* owner_;
    TranscriptName name_;
    std::uint64_t id_;
  };
  // Calls back soon with how far it reaches, and after each growth, at most 4 times a second; with another `file` when it was replaced. Not
  // while there is none. too_many over kMaxFollowed.
  Result<std::unique_ptr<Follow>> follow(TranscriptName name, std::function<void(const TranscriptExtent&)> grown);

 private:
  Task<Result<std::variant<NoTranscript, claude::TranscriptFile>>> open(TranscriptName name);
  void unfollow(const TranscriptName& name, std::uint64_t id);
  Task<void> follow_loop(std::shared_ptr<Followed> followed);
  Task<bool> look(std::shared_ptr<Followed> followed);

  // Works that read much: so many at once, the others wait their turn.
  class Turns {
   public:
    explicit Turns(const asio::any_io_executor& executor) : freed_(executor) {}
    class Turn {
     public:
      explicit Turn(Turns* turns) : turns_(turns) { ++turns_->taken_; }
      Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
      Turn(const Turn&) = delete;
      Turn& operator=(const Turn&) = delete;
      Turn& operator=(Turn&&) = delete;
      ~Turn() {
        if (turns_ == nullptr) return;
        --turns_->taken_;
        turns_->freed_.notify();
      }

     private:
      Turns* turns_;
    };
    Task<Turn> take();

   private:
    int taken_ = 0;
    Notifier freed_;
  };
  // Where a transcript was found that no hook has told of. Looking through all folders is not for each page.
  struct Sought {
    std::string conversation{};
    std::string path{};  // empty: not there when it was looked for
    std::chrono::steady_clock::time_point at{};
  };
  Task<Result<std::string>> seek(std::string session, std::string config_dir, std::string conversation);

  struct Indexed {
    std::string file{};
    claude::TranscriptIndex index{};
    bool busy = false;
  };

  asio::any_io_executor executor_;
  Parts parts_;
  claude::TranscriptWatcher watcher_;
  std::map<TranscriptName, std::shared_ptr<Followed>> followed_;
  std::uint64_t last_follow_ = 0;
  std::map<std::string, Sought> sought_;  // by session
  Turns turns_;
  std::list<std::pair<TranscriptName, std::shared_ptr<Indexed>>> indexes_;  // the newest used first
  std::unique_ptr<Agents::Subscription> subscription_;
  TaskGroup tasks_;
};

}  // namespace ccd::agents
