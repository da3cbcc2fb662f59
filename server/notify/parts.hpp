// What the room stands on, and who acts in it: shared by its parts.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "notify/target.hpp"
#include "storage/database.hpp"

namespace ccd::notify {

// Who asks. `login` is the login session.
struct Actor {
  std::string user{};
  std::string user_name{};
  std::string login{};
  std::string ip{};
  bool admin = false;
};

// An act, for the audit trail.
struct Note {
  std::string actor{};  // user name; empty: the dashboard itself
  std::string ip{};
  std::string action{};  // "notify.device_add"
  std::string target{};
  std::string detail{};  // JSON or empty; never a secret
};

// A login session that lives.
struct Login {
  std::string user{};
  std::string user_name{};
  bool may_answer = false;  // requests of agents: a viewer may only be told
};

// What may be reached besides public addresses, by the operator's word (NOTIFY_PRIVATE_ADDRESSES).
enum class PrivateAddresses {
  no,
  webhooks,  // by webhooks for which an admin says so
  yes,       // by push services too; plain HTTP on this machine
};
std::string_view to_string(PrivateAddresses rule);

struct Parts {  // all outlive the room
  asio::any_io_executor loop;
  storage::Database* database;
  const Clock* clock;
  Random* random;
  // None when it has ended. No I/O.
  std::function<std::optional<Login>(const std::string& login)> login;
  // Runs on storage's thread inside the transaction of the act; an error undoes it.
  std::function<Result<>(storage::Connection&, const Note&)> audit;
};

}  // namespace ccd::notify
