// This room's SQL: rows in, rows out. Internal to notify; runs inside the storage functions that get a Connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "notify/event.hpp"
#include "notify/preferences.hpp"
#include "notify/push_encryption.hpp"
#include "notify/words.hpp"
#include "storage/connection.hpp"
#include "storage/database.hpp"

namespace ccd::notify {

inline constexpr std::size_t kMaxDevicesPerUser = 20;  // at the bound the one that was used longest ago goes
inline constexpr std::size_t kMaxWebhooksPerOwner = 20;
inline constexpr std::size_t kMaxWaitingDeliveries = 500;  // of one webhook; the oldest is given up
inline constexpr std::size_t kKeptDeliveries = 100;        // finished ones of one webhook, for its log
inline constexpr std::chrono::hours kActionKept{48};       // so long a late tap is told why it is late

// A browser that is pushed to.
struct Device {
  std::string id{};
  std::string user{};
  std::string login{};     // the login session that it belongs to, and ends with
  std::string endpoint{};  // a secret: who knows it can send, were it not for the key
  Receiver receiver{};
  std::string name{};  // as its page calls it: "Firefox on Linux"
  WallMicros created_at = 0;
  std::optional<WallMicros> last_ok_at{};
  std::string last_error{};  // of the newest push; empty: it was taken
};

struct Webhook {
  std::string id{};
  std::string owner{};  // user id; empty: everybody's, an admin made it
  std::string name{};
  std::string url{};
  WebhookFormat format = WebhookFormat::json;
  std::string secret{};  // 32 bytes
  Kinds kinds{};         // of everybody's; somebody's own follows their preferences
  bool contents = true;
  bool private_addresses = false;
  bool in_quiet_hours = true;
  bool enabled = true;
  WallMicros created_at = 0;
  std::optional<WallMicros> last_ok_at{};
  std::string last_error{};
};

struct Delivery {
  enum class State { waiting, delivered, failed };
  std::int64_t id = 0;
  std::string webhook{};
  std::string type{};  // "attention.opened", ...
  std::string event{};
  std::string body{};
  State state = State::waiting;
  int attempts = 0;
  WallMicros next_at = 0;
  WallMicros created_at = 0;
  std::optional<WallMicros> finished_at{};
  int status = 0;
  std::string error{};
};
std::string_view to_string(Delivery::State state);

// A token that answers one request from one device, once.
struct Action {
  std::string hash{};  // SHA-256 of the token
  std::string device{};
  std::string user{};
  std::string login{};
  std::string item{};
  std::string digest{};
  WallMicros created_at = 0;
  std::optional<WallMicros> used_at{};
};

namespace store {

using storage::Connection;

Result<std::vector<Device>> devices(Connection& db);
// Instead of one with the same endpoint; the ids of those that went: the same endpoint's, and over kMaxDevicesPerUser.
Result<std::vector<std::string>> put_device(Connection& db, const Device& device);
Result<bool> delete_device(Connection& db, const std::string& id);
Result<> note_device(Connection& db, const Device& device);  // last_ok_at and last_error

struct UserPreferences {
  std::string user;
  Preferences preferences;
};
Result<std::vector<UserPreferences>> preferences(Connection& db);
Result<> put_preferences(Connection& db, const std::string& user, const Preferences& preferences, WallMicros now);

Result<std::vector<Webhook>> webhooks(Connection& db);
Result<> put_webhook(Connection& db, const Webhook& webhook);  // new, or changed
Result<bool> delete_webhook(Connection& db, const std::string& id);
Result<> note_webhook(Connection& db, const Webhook& webhook);

Result<> add_deliveries(Connection& db, const std::vector<Delivery>& deliveries);
// Of each webhook the waiting one that is to be tried first; those that are due soonest come first.
Result<std::vector<Delivery>> first_deliveries(Connection& db, int limit);
Result<> update_delivery(Connection& db, const Delivery& delivery);
Result<std::int64_t> add_finished(Connection& db, const Delivery& delivery);                         // a test's; its id
Result<std::vector<Delivery>> deliveries_of(Connection& db, const std::string& webhook, int limit);  // newest first

Result<std::vector<Action>> actions(Connection& db);
Result<> add_actions(Connection& db, const std::vector<Action>& actions);
// True for the one call that found it unused.
Result<bool> use_action(Connection& db, const std::string& hash, WallMicros now);
Result<> prune_actions(Connection& db, WallMicros before);

}  // namespace store

std::vector<storage::Migration> migrations();

}  // namespace ccd::notify
