// What each device should show, and the sending until its push service has it: for every device and tag the newest message counts, older
// ones are never sent behind it. In memory: after a restart nothing that was asked is held any more. Lives on the loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/task.hpp"

namespace ccd::notify {

// Devices times tags that something is sent to or stands at. At the bound the one that has stood longest is forgotten: it stays on its
// device until somebody wipes it away.
inline constexpr std::size_t kMaxSlots = 4096;
inline constexpr int kMaxPushAttempts = 6;             // over about five minutes
inline constexpr std::chrono::seconds kFirstRetry{2};  // then four times as long each time
inline constexpr std::chrono::seconds kLongestRetry{180};
// A service that wants to be left alone for longer does not get this message.
inline constexpr std::chrono::seconds kMaxRetryAfter{900};

enum class Urgency { normal, high };

struct PushMessage {
  std::string text{};
  std::chrono::seconds ttl{0};
  Urgency urgency = Urgency::normal;
  std::string topic{};  // at most 32 characters of base64url: replaces what has not been delivered yet
};

struct PushOutcome {
  enum class Kind { accepted, gone, refused, again };
  Kind kind = Kind::accepted;
  std::optional<std::chrono::seconds> retry_after{};
  bool may_have_arrived = false;  // of `again`: there was no answer
};

class Outbox {
 public:
  using Deliver = std::function<Task<PushOutcome>(std::string device, PushMessage message)>;
  // `tasks` outlives the outbox.
  Outbox(TaskGroup* tasks, Deliver deliver, std::chrono::milliseconds first_retry = kFirstRetry)
      : tasks_(tasks), deliver_(std::move(deliver)), first_retry_(first_retry) {}

  void show(const std::string& device, const std::string& tag, PushMessage message);
  // What stands there is over. Nothing is sent where nothing is, or where it can still be held back.
  void settle(const std::string& device, const std::string& tag, PushMessage message);
  // It has been taken off by hand there: nothing is to be settled.
  void taken_off(const std::string& device, const std::string& tag);
  void forget_device(const std::string& device);
  [[nodiscard]] std::size_t size() const { return slots_.size(); }

 private:
  struct Slot {
    explicit Slot(const asio::any_io_executor& executor) : changed(executor) {}
    std::optional<PushMessage> wanted{};  // not accepted yet
    bool closing = false;                 // what is wanted ends what stands there
    bool stands = false;                  // the service has taken one that is not settled
    bool under_way = false;               // handed to the service, which has not answered
    bool running = false;
    std::uint64_t version = 0;
    std::uint64_t order = 0;
    Notifier changed;
  };
  using Key = std::pair<std::string, std::string>;
  using SlotPtr = std::shared_ptr<Slot>;

  void want(const Key& key, const SlotPtr& slot, PushMessage message, bool closing);
  Task<void> run(Key key, SlotPtr slot);
  Task<bool> attempt(Key key, SlotPtr slot, int number);
  void drop(const Key& key, const SlotPtr& slot);
  void make_room();

  TaskGroup* tasks_;
  Deliver deliver_;
  std::chrono::milliseconds first_retry_;
  std::map<Key, SlotPtr> slots_;
  std::uint64_t order_ = 0;
};

}  // namespace ccd::notify
