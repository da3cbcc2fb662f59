// This room's SQL: rows in, rows out. Internal to auth; runs inside the storage functions that get a Connection.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/auth.hpp"
#include "storage/connection.hpp"

namespace ccd::auth::store {

struct UserRow {
  User user;
  std::string password_hash;
  std::int64_t epoch = 0;  // counts password changes: a login session of another epoch is dead
};

// A login session that is live, as the service keeps it in memory.
struct LiveRow {
  std::string session_id;
  std::string user_id;
  std::string user_name;
  Role role = Role::viewer;
};

struct DeviceRow {
  std::string id;
  std::string user_id;
  std::string user_name;
  std::string token_hash;
  WallMicros expires_at = 0;
};

// A login session as it begins.
struct NewLogin {
  std::string session_id;
  std::string user_id;
  std::int64_t epoch = 0;
  std::string refresh_seed;  // 32 random bytes
  std::string ip;
  std::string user_agent;
  WallMicros at = 0;
  WallMicros expires_at = 0;
};

// What refresh() needs to judge a token.
struct RefreshRow {
  UserRow owner;
  std::int64_t login_epoch = 0;
  WallMicros expires_at = 0;
  std::string seed;
  std::int64_t current = 0;              // the generation that is good
  std::optional<WallMicros> rotated_at;  // of the presented generation, when it was rotated lately
};

Result<bool> any_user(storage::Connection& c);
Result<std::optional<UserRow>> user_by_name(storage::Connection& c, const std::string& name);
Result<std::optional<UserRow>> user_by_id(storage::Connection& c, const std::string& id);
Result<std::vector<User>> users(storage::Connection& c);
// ErrorKind::conflict when the name is taken, too_large at kMaxUsers.
Result<> insert_user(storage::Connection& c, const UserRow& row);
// Also the next epoch, which it returns; the user's devices are forgotten.
Result<std::int64_t> set_password(storage::Connection& c, const std::string& user_id, const std::string& hash);

Result<std::vector<LiveRow>> live_logins(storage::Connection& c, WallMicros now);
// Deletes what is expired and, over kMaxLoginsPerUser, what was used longest ago; the ids that ended.
Result<std::vector<std::string>> insert_login(storage::Connection& c, const NewLogin& login);
Result<std::vector<LoginSession>> logins(storage::Connection& c, const std::string& user_id, WallMicros now);
Result<std::optional<LoginSession>> login_by_id(storage::Connection& c, const std::string& session_id);
Result<bool> delete_login(storage::Connection& c, const std::string& session_id);
Result<std::vector<std::string>> delete_logins_of(storage::Connection& c, const std::string& user_id);

Result<std::optional<RefreshRow>> refresh_row(storage::Connection& c, const std::string& session_id,
                                              std::int64_t generation);
// Makes generation + 1 the current one.
Result<> rotate(storage::Connection& c, const std::string& session_id, std::int64_t generation, WallMicros now,
                WallMicros expires_at);

Result<std::vector<DeviceRow>> devices(storage::Connection& c, WallMicros now);
// Inserts or prolongs; the ids that were forgotten for it.
Result<std::vector<std::string>> keep_device(storage::Connection& c, const DeviceRow& device, WallMicros now);

Result<std::vector<ThrottleRow>> throttle_rows(storage::Connection& c);
Result<> save_throttle(storage::Connection& c, const std::vector<ThrottleRow>& rows);

}  // namespace ccd::auth::store
