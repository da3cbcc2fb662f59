#include "notify/store.hpp"

#include "base/encoding.hpp"

namespace ccd::notify {

namespace {

constexpr std::string_view kSchema = R"sql(
CREATE TABLE push_devices (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  login_id TEXT NOT NULL REFERENCES login_sessions (id) ON DELETE CASCADE,
  endpoint TEXT NOT NULL UNIQUE,
  receiver_key BLOB NOT NULL CHECK (length(receiver_key) = 65),
  receiver_auth BLOB NOT NULL CHECK (length(receiver_auth) = 16),
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  last_ok_at INTEGER,
  last_error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX push_devices_by_user ON push_devices (user_id);
CREATE INDEX push_devices_by_login ON push_devices (login_id);

CREATE TABLE notify_preferences (
  user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
  preferences TEXT NOT NULL,                   -- JSON
  changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE webhooks (
  id TEXT PRIMARY KEY,
  owner_id TEXT REFERENCES users (id) ON DELETE CASCADE,  -- NULL: everybody's
  name TEXT NOT NULL,
  url TEXT NOT NULL,
  format TEXT NOT NULL CHECK (format IN ('json', 'text')),
  secret BLOB NOT NULL CHECK (length(secret) = 32),
  kinds INTEGER NOT NULL,                      -- bits
  contents INTEGER NOT NULL,
  private_addresses INTEGER NOT NULL,
  in_quiet_hours INTEGER NOT NULL,
  enabled INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_ok_at INTEGER,
  last_error TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE webhook_deliveries (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  event_id TEXT NOT NULL,
  body TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
  attempts INTEGER NOT NULL,
  next_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  status INTEGER NOT NULL,                     -- of the newest attempt; 0: no answer
  error TEXT NOT NULL
) STRICT;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, id);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (next_at) WHERE state = 'waiting';

CREATE TABLE push_actions (
  token_hash BLOB PRIMARY KEY CHECK (length(token_hash) = 32),  -- SHA-256
  device_id TEXT NOT NULL REFERENCES push_devices (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  login_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  digest TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  used_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX push_actions_by_device ON push_actions (device_id);
CREATE INDEX push_actions_by_age ON push_actions (created_at);
)sql";

std::span<const std::byte> raw(const std::string& text) { return as_bytes(text); }
std::string raw_text(const std::vector<std::byte>& bytes) { return std::string(as_text(bytes)); }

std::optional<std::string> or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Delivery::State state_from(std::string_view word) {
  return word == "waiting"     ? Delivery::State::waiting
         : word == "delivered" ? Delivery::State::delivered
                               : Delivery::State::failed;
}

constexpr std::string_view kDeliveryColumns =
    "id, webhook_id, type, event_id, body, state, attempts, next_at, created_at, finished_at, status, error";

Delivery delivery_of(const storage::Row& row) {
  return {.id = row.i64(0),
          .webhook = row.text(1),
          .type = row.text(2),
          .event = row.text(3),
          .body = row.text(4),
          .state = state_from(row.text_view(5)),
          .attempts = static_cast<int>(row.i64(6)),
          .next_at = row.i64(7),
          .created_at = row.i64(8),
          .finished_at = row.optional_i64(9),
          .status = static_cast<int>(row.i64(10)),
          .error = row.text(11)};
}

}  // namespace

std::vector<storage::Migration> migrations() { return {{.name = "notify/001-notify", .sql = kSchema}}; }

std::string_view to_string(Delivery::State state) {
  switch (state) {
    case Delivery::State::waiting: return "waiting";
    case Delivery::State::delivered: return "delivered";
    case Delivery::State::failed: return "failed";
  }
  return "failed";
}

namespace store {

Result<std::vector<Device>> devices(Connection& db) {
  return db.all(
      "SELECT id, user_id, login_id, endpoint, receiver_key, receiver_auth, name, created_at, last_ok_at, last_error "
      "FROM push_devices ORDER BY created_at",
      [](const storage::Row& row) {
        return Device{.id = row.text(0),
                      .user = row.text(1),
                      .login = row.text(2),
                      .endpoint = row.text(3),
                      .receiver = {.key = row.blob(4), .auth = row.blob(5)},
                      .name = row.text(6),
                      .created_at = row.i64(7),
                      .last_ok_at = row.optional_i64(8),
                      .last_error = row.text(9)};
      });
}

Result<std::vector<std::string>> put_device(Connection& db, const Device& device) {
  const auto id = [](const storage::Row& row) { return row.text(0); };
  auto gone = TRY(db.all("SELECT id FROM push_devices WHERE endpoint = ?1", id, device.endpoint));
  const auto oldest =
      TRY(db.all("SELECT id FROM push_devices WHERE user_id = ?1 AND endpoint <> ?2 ORDER BY COALESCE(last_ok_at, "
                 "created_at) DESC LIMIT -1 OFFSET ?3",
                 id, device.user, device.endpoint, kMaxDevicesPerUser - 1));
  gone.insert(gone.end(), oldest.begin(), oldest.end());
  for (const std::string& old : gone) TRY(db.run("DELETE FROM push_devices WHERE id = ?1", old));
  TRY(
      db.run("INSERT INTO push_devices (id, user_id, login_id, endpoint, receiver_key, receiver_auth, name, "
             "created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
             device.id, device.user, device.login, device.endpoint, device.receiver.key, device.receiver.auth,
             device.name, device.created_at));
  return gone;
}

Result<bool> delete_device(Connection& db, const std::string& id) {
  return TRY(db.run("DELETE FROM push_devices WHERE id = ?1", id)) > 0;
}

Result<> note_device(Connection& db, const Device& device) {
  TRY(db.run("UPDATE push_devices SET last_ok_at = ?2, last_error = ?3 WHERE id = ?1", device.id, device.last_ok_at,
             device.last_error));
  return {};
}

Result<std::vector<UserPreferences>> preferences(Connection& db) {
  return db.all("SELECT user_id, preferences FROM notify_preferences", [](const storage::Row& row) {
    // What a newer version stored is read as far as it is known; the rest has its defaults.
    return UserPreferences{.user = row.text(0),
                           .preferences = preferences_from(row.text_view(1)).value_or(Preferences{})};
  });
}

Result<> put_preferences(Connection& db, const std::string& user, const Preferences& preferences, WallMicros now) {
  TRY(
      db.run("INSERT INTO notify_preferences (user_id, preferences, changed_at) VALUES (?1, ?2, ?3) "
             "ON CONFLICT (user_id) DO UPDATE SET preferences = excluded.preferences, changed_at = excluded.changed_at",
             user, preferences_text(preferences), now));
  return {};
}

Result<std::vector<Webhook>> webhooks(Connection& db) {
  return db.all(
      "SELECT id, owner_id, name, url, format, secret, kinds, contents, private_addresses, in_quiet_hours, enabled, "
      "created_at, last_ok_at, last_error "
      "FROM webhooks ORDER BY created_at, id",
      [](const storage::Row& row) {
        return Webhook{.id = row.text(0),
                       .owner = row.text(1),
                       .name = row.text(2),
                       .url = row.text(3),
                       .format = webhook_format_from(row.text_view(4)).value_or(WebhookFormat::json),
                       .secret = raw_text(row.blob(5)),
                       .kinds = Kinds::from_bits(static_cast<std::uint32_t>(row.i64(6))),
                       .contents = row.i64(7) != 0,
                       .private_addresses = row.i64(8) != 0,
                       .in_quiet_hours = row.i64(9) != 0,
                       .enabled = row.i64(10) != 0,
                       .created_at = row.i64(11),
                       .last_ok_at = row.optional_i64(12),
                       .last_error = row.text(13)};
      });
}

Result<> put_webhook(Connection& db, const Webhook& w) {
  TRY(db.run(
      "INSERT INTO webhooks (id, owner_id, name, url, format, secret, kinds, contents, private_addresses, "
      "in_quiet_hours, enabled, created_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (id) DO UPDATE SET name = excluded.name, "
      "url = excluded.url, "
      "format = excluded.format, secret = excluded.secret, kinds = excluded.kinds, contents = excluded.contents, "
      "private_addresses = excluded.private_addresses, in_quiet_hours = excluded.in_quiet_hours, enabled = "
      "excluded.enabled",
      w.id, or_null(w.owner), w.name, w.url, to_string(w.format), raw(w.secret), w.kinds.bits(), w.contents,
      w.private_addresses, w.in_quiet_hours, w.enabled, w.created_at));
  return {};
}

Result<bool> delete_webhook(Connection& db, const std::string& id) {
  return TRY(db.run("DELETE FROM webhooks WHERE id = ?1", id)) > 0;
}

Result<> note_webhook(Connection& db, const Webhook& w) {
  TRY(db.run("UPDATE webhooks SET last_ok_at = ?2, last_error = ?3, enabled = ?4 WHERE id = ?1", w.id, w.last_ok_at,
             w.last_error, w.enabled));
  return {};
}

Result<std::int64_t> add_finished(Connection& db, const Delivery& d) {
  TRY(
      db.run("INSERT INTO webhook_deliveries (webhook_id, type, event_id, body, state, attempts, next_at, created_at, "
             "finished_at, status, error) "
             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
             d.webhook, d.type, d.event, d.body, to_string(d.state), d.attempts, d.next_at, d.created_at, d.finished_at,
             d.status, d.error));
  return db.last_insert_id();
}

Result<> add_deliveries(Connection& db, const std::vector<Delivery>& deliveries) {
  for (const Delivery& delivery : deliveries) {
    TRY(add_finished(db, delivery));
    TRY(
        db.run("UPDATE webhook_deliveries SET state = 'failed', finished_at = ?2, error = 'too many deliveries of this "
               "webhook were waiting' WHERE id IN ("
               "SELECT id FROM webhook_deliveries WHERE webhook_id = ?1 AND state = 'waiting' ORDER BY id DESC LIMIT "
               "-1 OFFSET ?3)",
               delivery.webhook, delivery.created_at, kMaxWaitingDeliveries));
  }
  return {};
}

Result<std::vector<Delivery>> first_deliveries(Connection& db, int limit) {
  const std::string sql = "SELECT " + std::string(kDeliveryColumns) +
                          " FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY webhook_id ORDER BY next_at, id) AS place "
                          "FROM webhook_deliveries "
                          "WHERE state = 'waiting') WHERE place = 1 ORDER BY next_at, id LIMIT ?1";
  return db.all(sql, delivery_of, limit);
}

Result<> update_delivery(Connection& db, const Delivery& d) {
  TRY(
      db.run("UPDATE webhook_deliveries SET state = ?2, attempts = ?3, next_at = ?4, finished_at = ?5, status = ?6, "
             "error = ?7 WHERE id = ?1",
             d.id, to_string(d.state), d.attempts, d.next_at, d.finished_at, d.status, d.error));
  if (d.state == Delivery::State::waiting) return {};
  TRY(
      db.run("DELETE FROM webhook_deliveries WHERE id IN (SELECT id FROM webhook_deliveries WHERE webhook_id = ?1 AND "
             "state <> 'waiting' "
             "ORDER BY id DESC LIMIT -1 OFFSET ?2)",
             d.webhook, kKeptDeliveries));
  return {};
}

Result<std::vector<Delivery>> deliveries_of(Connection& db, const std::string& webhook, int limit) {
  const std::string sql = "SELECT " + std::string(kDeliveryColumns) +
                          " FROM webhook_deliveries WHERE webhook_id = ?1 ORDER BY id DESC LIMIT ?2";
  return db.all(sql, delivery_of, webhook, limit);
}

Result<std::vector<Action>> actions(Connection& db) {
  return db.all(
      "SELECT token_hash, device_id, user_id, login_id, item_id, digest, created_at, used_at FROM push_actions",
      [](const storage::Row& row) {
        return Action{.hash = raw_text(row.blob(0)),
                      .device = row.text(1),
                      .user = row.text(2),
                      .login = row.text(3),
                      .item = row.text(4),
                      .digest = row.text(5),
                      .created_at = row.i64(6),
                      .used_at = row.optional_i64(7)};
      });
}

Result<> add_actions(Connection& db, const std::vector<Action>& actions) {
  for (const Action& action : actions)
    TRY(db.run(
        "INSERT INTO push_actions (token_hash, device_id, user_id, login_id, item_id, digest, created_at) VALUES (?1, "
        "?2, ?3, ?4, ?5, ?6, ?7)",
        raw(action.hash), action.device, action.user, action.login, action.item, action.digest, action.created_at));
  return {};
}

Result<bool> use_action(Connection& db, const std::string& hash, WallMicros now) {
  return TRY(db.run("UPDATE push_actions SET used_at = ?2 WHERE token_hash = ?1 AND used_at IS NULL", raw(hash),
                    now)) == 1;
}

Result<> prune_actions(Connection& db, WallMicros before) {
  TRY(db.run("DELETE FROM push_actions WHERE created_at < ?1", before));
  return {};
}

}  // namespace store

}  // namespace ccd::notify
