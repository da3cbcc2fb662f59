// Push messages: the devices they go to, what stands on each, and the tokens that answer from a lock screen. Lives on the loop.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "notify/http_client.hpp"
#include "notify/outbox.hpp"
#include "notify/parts.hpp"
#include "notify/planner.hpp"
#include "notify/preference_book.hpp"
#include "notify/presence.hpp"
#include "notify/store.hpp"
#include "notify/vapid.hpp"

namespace ccd::notify {

inline constexpr std::size_t kMaxDeviceName = 64;
inline constexpr std::size_t kActionTokenBytes = 32;  // 256 random bits
inline constexpr std::size_t kMaxActions = 20'000;    // tokens that are remembered; then the oldest are void
inline constexpr std::chrono::hours kRequestTtl{12};  // how long a push service keeps it for a device that is off
inline constexpr std::chrono::hours kNoticeTtl{4};

// What a browser gives its page.
struct Subscription {
  std::string endpoint{};
  Receiver receiver{};
  std::string name{};
};

// Whom a lock screen's token speaks for.
struct Grant {
  std::string user_name{};
  std::string device{};  // its name
};

class Pushes {
 public:
  Pushes(Parts parts, PrivateAddresses private_addresses, Vapid vapid, HttpClient* http, PreferenceBook* preferences,
         Presence* presence, TaskGroup* tasks);
  // Blocks; at start.
  Result<> load();
  // Until it is cancelled.
  Task<void> run();

  [[nodiscard]] std::string application_server_key() const { return vapid_.public_key(); }
  [[nodiscard]] std::vector<Device> devices(const std::string& user) const;
  // `invalid` with the field's name: an endpoint that may not be sent to, keys that are none.
  Task<Result<Device>> add_device(Actor actor, Subscription subscription);
  // Of the actor's own, else not_found.
  Task<Result<>> remove_device(Actor actor, std::string id);
  // One message, at once. What the push service said is in the error otherwise.
  Task<Result<>> test_device(Actor actor, std::string id);
  void login_ended(const std::string& login);

  void opened(std::shared_ptr<const Event> event);
  // It was open before this dashboard started: nobody is told, but it counts, and its tokens are judged by it.
  void was_open(std::shared_ptr<const Event> event);
  void closed(const std::string& id, const std::string& how, const std::string& by);

  // Takes the token for this request: from then on it is used. `unauthorized` for one that is not known or not for this request;
  // `gone` when it was used; `conflict` when the request is closed or is not the one that was shown any more; `forbidden` when its user
  // may not answer. `decision` is for the audit row.
  Task<Result<Grant>> use_action(std::string item, std::string token, std::string decision, std::string ip);

 private:
  using EventPtr = std::shared_ptr<const Event>;

  [[nodiscard]] Reach reach() const;
  [[nodiscard]] std::size_t open_requests() const;
  Device* find(const std::string& id);
  [[nodiscard]] Gate gate(const std::string& user) const;
  Task<void> send(Notification notification);
  Task<std::map<std::string, std::string>> make_tokens(Notification notification, std::vector<std::string> devices);
  [[nodiscard]] PushText show_text(const Notification& notification, const Preferences& preferences,
                                   const std::string& token) const;
  [[nodiscard]] bool offers_allow(const EventPtr& event, const Action& action, const std::string& token) const;
  [[nodiscard]] PushMessage message(const Notification& notification, const Preferences& preferences,
                                    const std::string& token) const;
  [[nodiscard]] PushMessage settled_message(const std::string& tag, const Event& event, const Preferences& preferences,
                                            const std::string& how, const std::string& by) const;
  Task<PushOutcome> deliver(std::string id, PushMessage message);
  Task<Result<HttpAnswer>> post(Device device, PushMessage message);
  PushOutcome judge(const std::string& id, const Result<HttpAnswer>& answer);
  void note(const std::string& id, std::string error);
  void drop_device(const std::string& id);
  Task<void> remove_gone(Device device);
  Task<void> prune();

  Parts parts_;
  PrivateAddresses private_addresses_;
  Vapid vapid_;
  HttpClient* http_;
  PreferenceBook* preferences_;
  Presence* presence_;
  TaskGroup* tasks_;
  Planner planner_;
  Outbox outbox_;
  Notifier wake_;
  std::map<std::string, Device> devices_;  // by id
  std::map<std::string, EventPtr> open_;   // by item
  std::map<std::string, Action> actions_;  // by hash
  // What a user's devices were told under a tag, and is not settled.
  std::map<std::pair<std::string, std::string>, std::set<std::string>> told_;
  SteadyTime pruned_{};
};

}  // namespace ccd::notify
