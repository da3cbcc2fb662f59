// The service's memory: live login sessions, known devices, throttle, tickets. Internal to auth; all of it on the loop.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "auth/auth.hpp"
#include "auth/setup_code.hpp"
#include "auth/store.hpp"

namespace ccd::auth {

// What begins a login session, collected on the loop before the transaction.
struct LoginPlan {
  store::UserRow user;
  AuthEvent event;
  store::NewLogin login;
  store::DeviceRow device;
  std::string device_token;  // a secret; empty: no device is kept
  enum class Change {
    none,
    new_user,      // inserts `user`, the first one
    new_password,  // sets user.password_hash and ends every login session before
  };
  Change change = Change::none;
};

// One refresh token as it came.
struct RefreshRequest {
  std::string token;
  std::string session_id;
  std::int64_t generation = 0;
  WallMicros at = 0;
  AuthEvent event;  // for the case that it is an old one
};

struct Refreshed {
  enum class Outcome { good, wrong, reused, ended };
  Outcome outcome = Outcome::wrong;
  std::int64_t next = 0;  // the generation to give
  std::string seed{};
  User user{};
};

inline constexpr std::size_t kUserIdBytes = 12;

tl::unexpected<Error> wrong_login();
void count_login(const std::string& outcome);

struct Service::State {
  State(Options o, Parts p);

  struct Live {
    std::string user_id;
    std::string user_name;
    Role role = Role::viewer;
  };
  struct Device {
    std::string id;
    std::string user_id;
    std::string user_name;
    WallMicros expires_at = 0;
  };

  Result<> load();
  [[nodiscard]] std::int64_t now_seconds() const;
  [[nodiscard]] AuthEvent event(AuthEvent::Kind kind, const Source* source = nullptr) const;
  [[nodiscard]] AuthEvent event_by(AuthEvent::Kind kind, const Principal& who) const;
  // Inside a transaction: tells the owner of the audit trail. An error undoes the transaction.
  Result<> tell(storage::Connection& c, const AuthEvent& event) const;

  // The device whose token the source has, when it belongs to the account of this name; else null.
  const Device* known_device(const std::string& cookie, std::string_view user_name) const;
  LoginPlan plan_login(store::UserRow user, const Source& source, AuthEvent::Kind kind, LoginPlan::Change change);
  // The transaction, then the memory that follows from it.
  Task<Result<Login>> begin_login(LoginPlan plan);
  // The throttled, hashed check; the user when the password is right.
  Task<Result<store::UserRow>> check_login(std::string name, std::string password, Source source);
  Task<Result<>> record_failure(std::string user_name, std::string why, Source source);

  // In a transaction on storage's thread: reads nothing of this object but keys and options.
  Result<Refreshed> judge(storage::Connection& c, const RefreshRequest& request) const;
  Login make_login(const std::string& session_id, const Live& login, std::string refresh);

  // Takes a login session out of the live ones, voids its tickets and tells the listeners, when it is there.
  void end_login(const std::string& session_id);
  void end_logins(const std::vector<std::string>& session_ids);
  void first_user_exists();

  [[nodiscard]] std::string access_token(const std::string& session_id, const Live& live);
  [[nodiscard]] std::string refresh_token(const std::string& session_id, std::int64_t generation,
                                          const std::string& seed) const;

  Options options;
  Parts parts;
  std::string
      access_key;  // derived from the secret, one for each use (RFC 8725 3.9: no token is good for the other's place)
  std::string refresh_key;
  PasswordHasher hasher;
  Throttle throttle;
  Tickets tickets;
  std::unordered_map<std::string, Live> live;       // by login session id
  std::unordered_map<std::string, Device> devices;  // by SHA-256 of the token
  std::optional<SetupCode> setup;                   // while there is no user
  std::vector<std::function<void(const std::string&)>> listeners;
};

}  // namespace ccd::auth
