// What happened in this room, told to the caller inside the transaction that made it so: the audit trail's rows.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/error.hpp"

namespace ccd::storage {
class Connection;
}

namespace ccd::auth {

struct AuthEvent {
  enum class Kind {
    setup,  // the first account was made
    login,
    login_failed,  // wrong password, unknown or disabled user; attempts that were throttled are counted, not told
    logout,
    login_revoked,   // one login session ended by its user or an admin
    refresh_reused,  // an old refresh token came back: its login session was ended
    user_added,
    password_changed,
  };
  Kind kind = Kind::login;
  WallMicros at = 0;
  // Who did it: empty ids when nobody is known. What was typed as a name is told only when there is such a user: people type
  // passwords there.
  std::string actor_id;
  std::string actor_name;
  std::string ip;
  std::string session_id;  // the login session it is about, or empty
  std::string target;      // the user it is about, by name, or empty
  std::string detail;      // a few words for people; never a secret
};

std::string_view to_string(AuthEvent::Kind kind);  // "setup", "login", "login_failed" ...
// login_failed and refresh_reused.
bool is_failure(AuthEvent::Kind kind);

// Runs on storage's thread inside the transaction; an error undoes the change and is what the caller gets.
using OnEvent = std::function<Result<>(storage::Connection&, const AuthEvent&)>;

}  // namespace ccd::auth
