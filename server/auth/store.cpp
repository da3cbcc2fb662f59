#include "auth/store.hpp"

#include <algorithm>
#include <cstdlib>
#include <span>
#include <utility>

#include "base/encoding.hpp"

namespace ccd::auth {

namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE users (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL UNIQUE COLLATE NOCASE,
  password_hash TEXT NOT NULL,                 -- PHC string
  role TEXT NOT NULL CHECK (role IN ('admin', 'member', 'viewer')),
  created_at INTEGER NOT NULL,
  disabled_at INTEGER,
  epoch INTEGER NOT NULL DEFAULT 0             -- counts password changes
) STRICT;

CREATE TABLE login_sessions (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  epoch INTEGER NOT NULL,                      -- the user's at login; dead when it differs
  refresh_seed BLOB NOT NULL CHECK (length(refresh_seed) = 32),
  ip TEXT NOT NULL,
  user_agent TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_sessions_by_user ON login_sessions (user_id, last_used_at);

-- One family per login session: its current generation, and those rotated within the grace. A token is a MAC over its
-- session's seed and its generation, so nothing here can be presented, and older generations need no row to be known.
CREATE TABLE refresh_tokens (
  session_id TEXT NOT NULL REFERENCES login_sessions (id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  rotated_at INTEGER,                          -- NULL: current
  PRIMARY KEY (session_id, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE known_devices (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  token_hash BLOB NOT NULL UNIQUE,             -- SHA-256
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX known_devices_by_user ON known_devices (user_id, last_used_at);

CREATE TABLE login_throttle (
  key TEXT PRIMARY KEY,
  count REAL NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE api_tokens (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  role TEXT NOT NULL CHECK (role IN ('admin', 'member', 'viewer')),
  token_hash BLOB NOT NULL UNIQUE,             -- SHA-256
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  expires_at INTEGER
) STRICT;
)sql";

}  // namespace

std::vector<storage::Migration> migrations() { return {{.name = "auth/001-logins", .sql = kSchema}}; }

namespace store {

using storage::Connection;
using storage::Row;

namespace {

constexpr std::size_t kMaxAgentBytes = 256;
// Rotations that stay known at once: a client that refreshes faster than this within the grace harms only itself.
constexpr std::int64_t kMaxGenerationsKept = 32;

std::string bytes_of(const Row& row, int column) { return std::string(as_text(row.blob(column))); }

// A role that is not one of ours cannot be stored (CHECK); a damaged one may do least.
Role role_of(const Row& row, int column) { return role_from(row.text_view(column)).value_or(Role::viewer); }

User read_user(const Row& row) { return {row.text(0), row.text(1), role_of(row, 2), row.i64(3), row.optional_i64(4)}; }
UserRow read_user_row(const Row& row) { return {read_user(row), row.text(5), row.i64(6)}; }
std::string read_id(const Row& row) { return row.text(0); }

Result<> done(Result<std::int64_t> changed) {
  if (!changed) return tl::unexpected(std::move(changed).error());
  return {};
}

}  // namespace

Result<bool> any_user(Connection& c) {
  const auto found = TRY(c.one("SELECT EXISTS (SELECT 1 FROM users)", [](const Row& row) { return row.i64(0) != 0; }));
  return found.value_or(false);
}

Result<std::optional<UserRow>> user_by_name(Connection& c, const std::string& name) {
  return c.one("SELECT id, name, role, created_at, disabled_at, password_hash, epoch FROM users WHERE name = ?",
               read_user_row, name);
}

Result<std::optional<UserRow>> user_by_id(Connection& c, const std::string& id) {
  return c.one("SELECT id, name, role, created_at, disabled_at, password_hash, epoch FROM users WHERE id = ?",
               read_user_row, id);
}

Result<std::vector<User>> users(Connection& c) {
  return c.all("SELECT id, name, role, created_at, disabled_at FROM users ORDER BY name LIMIT ?", read_user, kMaxUsers);
}

Result<> insert_user(Connection& c, const UserRow& row) {
  const auto count = TRY(c.one("SELECT count(*) FROM users", [](const Row& r) { return r.i64(0); }));
  if (count.value_or(0) >= static_cast<std::int64_t>(kMaxUsers))
    return fail(ErrorKind::too_large, "there are 1000 users already, which is the most");
  if (TRY(user_by_name(c, row.user.name))) return fail(ErrorKind::conflict, "there is a user of this name already");
  return done(c.run("INSERT INTO users (id, name, password_hash, role, created_at, epoch) VALUES (?, ?, ?, ?, ?, ?)",
                    row.user.id, row.user.name, row.password_hash, to_string(row.user.role), row.user.created_at,
                    row.epoch));
}

Result<std::int64_t> set_password(Connection& c, const std::string& user_id, const std::string& hash) {
  TRY(c.run("DELETE FROM known_devices WHERE user_id = ?", user_id));
  const auto epoch = TRY(c.one(
      "UPDATE users SET password_hash = ?, epoch = epoch + 1 WHERE id = ? RETURNING epoch",
      [](const Row& row) { return row.i64(0); }, hash, user_id));
  if (!epoch) return fail(ErrorKind::not_found, "there is no such user");
  return *epoch;
}

Result<std::vector<LiveRow>> live_logins(Connection& c, WallMicros now) {
  TRY(c.run("DELETE FROM login_sessions WHERE expires_at <= ?", now));
  const auto read = [](const Row& row) { return LiveRow{row.text(0), row.text(1), row.text(2), role_of(row, 3)}; };
  return c.all(
      "SELECT s.id, u.id, u.name, u.role FROM login_sessions s JOIN users u ON u.id = s.user_id "
      "WHERE s.epoch = u.epoch AND u.disabled_at IS NULL LIMIT ?",
      read, kMaxUsers * kMaxLoginsPerUser);
}

Result<std::vector<std::string>> insert_login(Connection& c, const NewLogin& login) {
  auto ended = TRY(c.all("DELETE FROM login_sessions WHERE expires_at <= ? RETURNING id", read_id, login.at));
  auto oldest =
      TRY(c.all("DELETE FROM login_sessions WHERE id IN (SELECT id FROM login_sessions WHERE user_id = ? "
                "ORDER BY last_used_at DESC LIMIT -1 OFFSET ?) RETURNING id",
                read_id, login.user_id, kMaxLoginsPerUser - 1));
  std::move(oldest.begin(), oldest.end(), std::back_inserter(ended));
  const std::string agent = printable(login.user_agent.substr(0, kMaxAgentBytes));
  TRY(
      c.run("INSERT INTO login_sessions (id, user_id, epoch, refresh_seed, ip, user_agent, created_at, last_used_at, "
            "expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            login.session_id, login.user_id, login.epoch, as_bytes(login.refresh_seed), printable(login.ip), agent,
            login.at, login.at, login.expires_at));
  TRY(c.run("INSERT INTO refresh_tokens (session_id, generation, rotated_at) VALUES (?, 0, NULL)", login.session_id));
  return ended;
}

namespace {

LoginSession read_login(const Row& row) {
  return {row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.i64(5), row.i64(6), row.i64(7)};
}

}  // namespace

Result<std::vector<LoginSession>> logins(Connection& c, const std::string& user_id, WallMicros now) {
  return c.all(
      "SELECT s.id, u.id, u.name, s.ip, s.user_agent, s.created_at, s.last_used_at, s.expires_at "
      "FROM login_sessions s JOIN users u ON u.id = s.user_id "
      "WHERE s.user_id = ? AND s.expires_at > ? ORDER BY s.last_used_at DESC LIMIT ?",
      read_login, user_id, now, kMaxLoginsPerUser);
}

Result<std::optional<LoginSession>> login_by_id(Connection& c, const std::string& session_id) {
  return c.one(
      "SELECT s.id, u.id, u.name, s.ip, s.user_agent, s.created_at, s.last_used_at, s.expires_at "
      "FROM login_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?",
      read_login, session_id);
}

Result<bool> delete_login(Connection& c, const std::string& session_id) {
  return TRY(c.run("DELETE FROM login_sessions WHERE id = ?", session_id)) > 0;
}

Result<std::vector<std::string>> delete_logins_of(Connection& c, const std::string& user_id) {
  return c.all("DELETE FROM login_sessions WHERE user_id = ? RETURNING id", read_id, user_id);
}

Result<std::optional<RefreshRow>> refresh_row(Connection& c, const std::string& session_id, std::int64_t generation) {
  const auto read = [](const Row& row) {
    return RefreshRow{.owner = read_user_row(row),
                      .login_epoch = row.i64(7),
                      .expires_at = row.i64(8),
                      .seed = bytes_of(row, 9),
                      .current = row.i64(10),
                      .rotated_at = row.optional_i64(11)};
  };
  return c.one(
      "SELECT u.id, u.name, u.role, u.created_at, u.disabled_at, u.password_hash, u.epoch, s.epoch, s.expires_at, "
      "s.refresh_seed, "
      "(SELECT max(generation) FROM refresh_tokens WHERE session_id = s.id), "
      "(SELECT rotated_at FROM refresh_tokens WHERE session_id = s.id AND generation = ?2) "
      "FROM login_sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ?1",
      read, session_id, generation);
}

Result<> rotate(Connection& c, const std::string& session_id, std::int64_t generation, WallMicros now,
                WallMicros expires_at) {
  constexpr WallMicros kGrace = std::chrono::microseconds(kRefreshGrace).count();
  TRY(c.run("UPDATE refresh_tokens SET rotated_at = ? WHERE session_id = ? AND generation = ?", now, session_id,
            generation));
  TRY(c.run("INSERT INTO refresh_tokens (session_id, generation, rotated_at) VALUES (?, ?, NULL)", session_id,
            generation + 1));
  TRY(
      c.run("DELETE FROM refresh_tokens WHERE session_id = ? AND rotated_at IS NOT NULL AND "
            "(abs(rotated_at - ?) > ? OR generation < ?)",
            session_id, now, kGrace, generation - kMaxGenerationsKept));
  return done(
      c.run("UPDATE login_sessions SET last_used_at = ?, expires_at = ? WHERE id = ?", now, expires_at, session_id));
}

Result<std::vector<DeviceRow>> devices(Connection& c, WallMicros now) {
  TRY(c.run("DELETE FROM known_devices WHERE expires_at <= ?", now));
  const auto read = [](const Row& row) {
    return DeviceRow{row.text(0), row.text(1), row.text(2), bytes_of(row, 3), row.i64(4)};
  };
  return c.all(
      "SELECT d.id, u.id, u.name, d.token_hash, d.expires_at FROM known_devices d JOIN users u ON u.id = d.user_id "
      "LIMIT ?",
      read, kMaxUsers * kMaxDevicesPerUser);
}

Result<std::vector<std::string>> keep_device(Connection& c, const DeviceRow& device, WallMicros now) {
  TRY(
      c.run("INSERT INTO known_devices (id, user_id, token_hash, last_used_at, expires_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET last_used_at = excluded.last_used_at, expires_at = excluded.expires_at",
            device.id, device.user_id, as_bytes(device.token_hash), now, device.expires_at));
  return c.all(
      "DELETE FROM known_devices WHERE id IN (SELECT id FROM known_devices WHERE user_id = ? "
      "ORDER BY last_used_at DESC, id = ? DESC LIMIT -1 OFFSET ?) RETURNING id",
      read_id, device.user_id, device.id, kMaxDevicesPerUser);
}

Result<std::vector<ThrottleRow>> throttle_rows(Connection& c) {
  const auto read = [](const Row& row) { return ThrottleRow{row.text(0), row.real(1), row.i64(2)}; };
  return c.all("SELECT key, count, at FROM login_throttle LIMIT 30002", read);
}

Result<> save_throttle(Connection& c, const std::vector<ThrottleRow>& rows) {
  for (const ThrottleRow& row : rows) {
    if (row.count == 0 && !row.key.starts_with("all:")) TRY(c.run("DELETE FROM login_throttle WHERE key = ?", row.key));
    else
      TRY(
          c.run("INSERT INTO login_throttle (key, count, at) VALUES (?, ?, ?) "
                "ON CONFLICT (key) DO UPDATE SET count = excluded.count, at = excluded.at",
                row.key, row.count, row.at));
  }
  return {};
}

}  // namespace store

}  // namespace ccd::auth
