// Logins: users, passwords, access and refresh tokens, socket tickets, the first account. One object, on the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/events.hpp"
#include "auth/password.hpp"
#include "auth/principal.hpp"
#include "auth/throttle.hpp"
#include "auth/tickets.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "storage/database.hpp"

namespace ccd::auth {

// users, login_sessions, refresh_tokens, known_devices, login_throttle, api_tokens.
std::vector<storage::Migration> migrations();

// Who may use the setup code: the machine itself, or (in a container, whose peer is its gateway) any peer. Never through a
// proxy or tunnel.
enum class SetupPeers { loopback, any_direct };

struct Options {
  std::string jwt_secret;          // config has refused weak ones; every key of this room is derived from it
  std::filesystem::path data_dir;  // holds "setup-code" (0600) while there is no user
  std::chrono::seconds access_lifetime{600};
  std::chrono::seconds refresh_lifetime{30 * 24 * 3600};  // from the last refresh
  std::chrono::seconds device_lifetime{365 * 24 * 3600};  // from the last login
  SetupPeers setup_peers = SetupPeers::loopback;
  HashCost hash_cost{};
  ThrottleLimits throttle{};
};

// What the service stands on; all of it outlives the service.
struct Parts {
  asio::any_io_executor loop;
  storage::Database* database;
  const Clock* clock;
  Random* random;
  asio::thread_pool* pool;  // for hashing
  OnEvent on_event{};       // runs on storage's thread
};

// A login as the client gets it. The three texts are secrets.
struct Login {
  std::string access_token;  // JWT: cookie for the page, bearer token for programs
  std::string refresh_token;
  std::string device_token;  // empty from refresh() and with Remember::nothing; a logout leaves the cookie
  int access_seconds = 0;
  int refresh_seconds = 0;
  int device_seconds = 0;
  Principal who;
};

struct User {
  std::string id;
  std::string name;
  Role role = Role::viewer;
  WallMicros created_at = 0;
  std::optional<WallMicros> disabled_at;
};

// One row of the list "where you are logged in".
struct LoginSession {
  std::string id;
  std::string user_id;
  std::string user_name;
  std::string ip;
  std::string user_agent;
  WallMicros created_at = 0;
  WallMicros last_used_at = 0;  // the last login or refresh
  WallMicros expires_at = 0;
};

inline constexpr std::size_t kMaxUsers = 1000;
inline constexpr std::size_t kMaxLoginsPerUser = 50;   // at the bound a login ends the one that was used longest ago
inline constexpr std::size_t kMaxDevicesPerUser = 20;  // likewise
inline constexpr std::chrono::seconds kRefreshGrace{10};
inline constexpr int kSetupTries = 10;

class Service {
 public:
  // Reads the live logins; makes a setup code when there is no user. Blocks (start only). The tables exist already.
  static Result<std::unique_ptr<Service>> open(Options options, Parts parts);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  // Whether the first account is still to be made, as of the last look at the table (open, setup and login look).
  [[nodiscard]] bool setup_required() const;
  // Looks again when it was so: another process may have added a user.
  Task<Result<bool>> look_for_users();
  // For the console, while setup_required(); the file is data_dir/setup-code.
  [[nodiscard]] std::optional<std::string> setup_code() const;
  // The first account, an admin, and its login. unauthorized: wrong code (kSetupTries, then there is a new one); forbidden: the
  // source may not; conflict: there is a user; invalid: name or password.
  Task<Result<Login>> setup(std::string code, std::string name, std::string password, Source source);

  // unauthorized, with one message for unknown name, wrong password and disabled user, in the same time; too_many, with
  // retry_seconds(error), when throttled.
  Task<Result<Login>> login(std::string name, std::string password, Source source);
  // A new pair. The old token stays good for kRefreshGrace and gives the same new one, so that tabs and lost answers do no
  // harm; after that its use ends the login session (unauthorized), because somebody else has it.
  Task<Result<Login>> refresh(std::string refresh_token, Source source);

  // No I/O. unauthorized unless the token is right and its login session is live, so that a logout counts at once. Everything
  // in the Principal but the ids is the live state, not the token's.
  [[nodiscard]] Result<Principal> authenticate(std::string_view access_token) const;

  // Whose login session it is, while it lives; no I/O. For what acts in its name later, as a notification that is answered.
  [[nodiscard]] std::optional<Principal> live_login(const std::string& session_id) const;

  // These end login sessions: authenticate() refuses at once, tickets are void, on_revoked() is called.
  Task<Result<>> logout(Principal who);
  Task<Result<>> logout_all(Principal who);  // of this user, the caller's own included
  // not_found when it is not a login session of the caller (an admin: of anybody).
  Task<Result<>> revoke_login(Principal who, std::string session_id);
  // Ends every login session of the user, then logs the caller in anew.
  Task<Result<Login>> change_password(Principal who, std::string old_password, std::string new_password, Source source);

  Task<Result<std::vector<LoginSession>>> logins(Principal who);  // the caller's; newest use first
  // `who` must be an admin, else forbidden.
  Task<Result<std::string>> add_user(Principal who, std::string name, std::string password, Role role);  // its id
  Task<Result<std::vector<User>>> users(Principal who);

  Result<std::string> issue_ticket(const Principal& who, std::string_view origin);
  // Also checks that the login session still lives.
  Result<Principal> redeem_ticket(std::string_view ticket, std::string_view origin);

  // Called on the loop with the id of each login session that has ended, at once: close its sockets.
  void on_revoked(std::function<void(const std::string& session_id)> listener);

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// For `dashboard user add`: a second process on the same database. Blocks for one hash; opens its own transaction. The running
// service sees the user at the next login.
Result<std::string> add_user_now(storage::Database& database, const Clock& clock, Random& random,
                                 const std::string& name, const std::string& password, Role role,
                                 const OnEvent& on_event, HashCost cost = {});

}  // namespace ccd::auth
