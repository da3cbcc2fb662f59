// What the service does on the loop and in transactions to make, keep and end login sessions.
#include "auth/state.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "auth/jwt.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::auth {

namespace {

constexpr std::size_t kSessionIdBytes = 16;
constexpr std::size_t kDeviceIdBytes = 12;
constexpr std::size_t kDeviceTokenBytes = 32;
constexpr std::size_t kTokenIdBytes = 12;
constexpr std::size_t kSeedBytes = 32;
constexpr WallMicros kMicros = 1'000'000;

std::string random_bytes(Random& random, std::size_t count) {
  std::vector<std::byte> bytes(count);
  random.fill(bytes);
  return std::string(as_text(bytes));
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

WallMicros micros(std::chrono::seconds s) { return std::chrono::microseconds(s).count(); }

}  // namespace

tl::unexpected<Error> wrong_login() { return fail(ErrorKind::unauthorized, "wrong name or password"); }

void count_login(const std::string& outcome) {
  metrics().counter("auth_logins_total", "Logins tried", {{"outcome", outcome}}).Increment();
}

Service::State::State(Options o, Parts p)
    : options(std::move(o)),
      parts(std::move(p)),
      access_key(hmac_sha256(options.jwt_secret, "access token 1")),
      refresh_key(hmac_sha256(options.jwt_secret, "refresh token 1")),
      hasher(parts.loop, parts.pool, parts.random, options.hash_cost),
      throttle(parts.clock, options.throttle),
      tickets(parts.clock, parts.random) {}

Result<> Service::State::load() {
  struct Loaded {
    bool any_user = false;
    std::vector<store::LiveRow> logins;
    std::vector<store::DeviceRow> devices;
    std::vector<ThrottleRow> throttle;
  };
  const WallMicros now = parts.clock->wall();
  auto read = [now](storage::Connection& c) -> Result<Loaded> {
    Loaded loaded;
    loaded.any_user = TRY(store::any_user(c));
    loaded.logins = TRY(store::live_logins(c, now));
    loaded.devices = TRY(store::devices(c, now));
    loaded.throttle = TRY(store::throttle_rows(c));
    return loaded;
  };
  Loaded loaded = TRY(parts.database->transact_now(read));
  for (store::LiveRow& row : loaded.logins)
    live[row.session_id] = {std::move(row.user_id), std::move(row.user_name), row.role};
  for (store::DeviceRow& row : loaded.devices)
    devices[row.token_hash] = {std::move(row.id), std::move(row.user_id), std::move(row.user_name), row.expires_at};
  throttle.restore(loaded.throttle);
  if (loaded.any_user) remove_setup_code(options.data_dir);
  else setup = TRY(SetupCode::make(options.data_dir, parts.random));
  return {};
}

std::int64_t Service::State::now_seconds() const { return parts.clock->wall() / kMicros; }

AuthEvent Service::State::event(AuthEvent::Kind kind, const Source* source) const {
  AuthEvent event;
  event.kind = kind;
  event.at = parts.clock->wall();
  if (source != nullptr) event.ip = source->ip;
  return event;
}

AuthEvent Service::State::event_by(AuthEvent::Kind kind, const Principal& who) const {
  AuthEvent e = event(kind);
  e.actor_id = who.user_id;
  e.actor_name = who.user_name;
  e.session_id = who.session_id;
  return e;
}

Result<> Service::State::tell(storage::Connection& c, const AuthEvent& event) const {
  return parts.on_event ? parts.on_event(c, event) : Result<>{};
}

const Service::State::Device* Service::State::known_device(const std::string& cookie,
                                                           std::string_view user_name) const {
  if (cookie.empty()) return nullptr;
  const auto found = devices.find(sha256(cookie));
  if (found == devices.end() || found->second.expires_at <= parts.clock->wall()) return nullptr;
  return same_name(found->second.user_name, user_name) ? &found->second : nullptr;
}

std::string Service::State::access_token(const std::string& session_id, const Live& login) {
  Claims claims;
  claims.sub = login.user_id;
  claims.sid = session_id;
  claims.role = to_string(login.role);
  claims.jti = parts.random->token(kTokenIdBytes);
  claims.iat = claims.nbf = now_seconds();
  claims.exp = claims.iat + options.access_lifetime.count();
  return sign(claims, access_key);
}

std::string Service::State::refresh_token(const std::string& session_id, std::int64_t generation,
                                          const std::string& seed) const {
  const std::string head = session_id + '.' + std::to_string(generation);
  return head + '.' + base64url_encode(as_bytes(hmac_sha256(refresh_key, head + '.' + seed)));
}

void Service::State::end_login(const std::string& session_id) {
  if (live.erase(session_id) == 0) return;
  tickets.revoke(session_id);
  for (const auto& listener : listeners) listener(session_id);
}

void Service::State::end_logins(const std::vector<std::string>& session_ids) {
  for (const std::string& id : session_ids) end_login(id);
}

void Service::State::first_user_exists() {
  if (!setup) return;
  setup->remove();
  setup.reset();
}

LoginPlan Service::State::plan_login(store::UserRow user, const Source& source, AuthEvent::Kind kind,
                                     LoginPlan::Change change) {
  LoginPlan plan;
  plan.change = change;
  const WallMicros now = parts.clock->wall();
  plan.login = {.session_id = parts.random->token(kSessionIdBytes),
                .user_id = user.user.id,
                .epoch = user.epoch,
                .refresh_seed = random_bytes(*parts.random, kSeedBytes),
                .ip = source.ip,
                .user_agent = source.user_agent,
                .at = now,
                .expires_at = now + micros(options.refresh_lifetime)};
  const Device* known =
      change == LoginPlan::Change::none ? known_device(source.device_cookie, user.user.name) : nullptr;
  if (known != nullptr) plan.device_token = source.device_cookie;
  else if (source.remember == Remember::device) plan.device_token = parts.random->token(kDeviceTokenBytes);
  plan.device = {.id = known != nullptr ? known->id : parts.random->token(kDeviceIdBytes),
                 .user_id = user.user.id,
                 .user_name = user.user.name,
                 .token_hash = sha256(plan.device_token),
                 .expires_at = now + micros(options.device_lifetime)};
  plan.event = event(kind, &source);
  plan.event.actor_id = user.user.id;
  plan.event.actor_name = user.user.name;
  plan.event.session_id = plan.login.session_id;
  plan.event.target = user.user.name;
  plan.user = std::move(user);
  return plan;
}

namespace {

struct BegunLogin {
  std::vector<std::string> ended_logins;
  std::vector<std::string> forgotten_devices;
};

// The rows of one login, in a transaction.
Result<BegunLogin> write_login(storage::Connection& c, LoginPlan& plan) {
  BegunLogin begun;
  switch (plan.change) {
    case LoginPlan::Change::new_user:
      // Checked here, where no other process can come between.
      if (TRY(store::any_user(c))) return fail(ErrorKind::conflict, "there is a user already: log in");
      TRY(store::insert_user(c, plan.user));
      break;
    case LoginPlan::Change::new_password:
      begun.ended_logins = TRY(store::delete_logins_of(c, plan.user.user.id));
      plan.login.epoch = TRY(store::set_password(c, plan.user.user.id, plan.user.password_hash));
      break;
    case LoginPlan::Change::none: {
      // The password was checked a hash's time ago: what changed since then counts.
      const auto now = TRY(store::user_by_id(c, plan.user.user.id));
      if (!now || now->user.disabled_at || now->epoch != plan.user.epoch) return wrong_login();
      break;
    }
  }
  auto ended = TRY(store::insert_login(c, plan.login));
  std::move(ended.begin(), ended.end(), std::back_inserter(begun.ended_logins));
  if (!plan.device_token.empty()) begun.forgotten_devices = TRY(store::keep_device(c, plan.device, plan.login.at));
  return begun;
}

}  // namespace

Task<Result<Login>> Service::State::begin_login(LoginPlan plan) {
  auto job = [this, &plan, rows = throttle.changed()](storage::Connection& c) -> Result<BegunLogin> {
    auto begun = TRY(write_login(c, plan));
    TRY(store::save_throttle(c, rows));
    TRY(tell(c, plan.event));
    return begun;
  };
  const auto begun = co_await parts.database->transact(job);
  if (!begun) co_return tl::unexpected(begun.error());

  end_logins(begun->ended_logins);
  if (plan.change == LoginPlan::Change::new_password)
    std::erase_if(devices, [&](const auto& entry) { return entry.second.user_id == plan.user.user.id; });
  for (const std::string& id : begun->forgotten_devices)
    std::erase_if(devices, [&](const auto& entry) { return entry.second.id == id; });
  const store::DeviceRow& device = plan.device;
  if (!plan.device_token.empty())
    devices[device.token_hash] = {device.id, device.user_id, device.user_name, device.expires_at};
  const User& user = plan.user.user;
  const Live& login = live[plan.login.session_id] = {user.id, user.name, user.role};
  first_user_exists();

  Login made =
      make_login(plan.login.session_id, login, refresh_token(plan.login.session_id, 0, plan.login.refresh_seed));
  made.device_token = plan.device_token;
  co_return made;
}

Result<Refreshed> Service::State::judge(storage::Connection& c, const RefreshRequest& request) const {
  const std::string& id = request.session_id;
  const auto row = TRY(store::refresh_row(c, id, request.generation));
  if (!row) return Refreshed{.outcome = Refreshed::Outcome::ended};
  // Who knows only the ids and an older token must not be able to end the login session: the MAC comes first.
  const std::string right = refresh_token(id, request.generation, row->seed);
  if (!equal_constant_time(right, request.token) || request.generation > row->current) return Refreshed{};
  Refreshed result{.next = request.generation + 1, .seed = row->seed, .user = row->owner.user};
  const WallMicros now = request.at;
  if (row->expires_at <= now || row->owner.user.disabled_at || row->owner.epoch != row->login_epoch) {
    TRY(store::delete_login(c, id));
    result.outcome = Refreshed::Outcome::ended;
  } else if (request.generation == row->current) {
    TRY(store::rotate(c, id, request.generation, now, now + micros(options.refresh_lifetime)));
    result.outcome = Refreshed::Outcome::good;
  } else if (row->rotated_at && std::abs(now - *row->rotated_at) <= micros(kRefreshGrace)) {
    result.outcome = Refreshed::Outcome::good;
  } else {
    TRY(store::delete_login(c, id));
    AuthEvent reused = request.event;
    reused.actor_id = row->owner.user.id;
    reused.actor_name = reused.target = row->owner.user.name;
    TRY(tell(c, reused));
    result.outcome = Refreshed::Outcome::reused;
  }
  return result;
}

Login Service::State::make_login(const std::string& session_id, const Live& login, std::string refresh) {
  Login made;
  made.access_token = access_token(session_id, login);
  made.refresh_token = std::move(refresh);
  made.access_seconds = static_cast<int>(options.access_lifetime.count());
  made.refresh_seconds = static_cast<int>(options.refresh_lifetime.count());
  made.device_seconds = static_cast<int>(options.device_lifetime.count());
  made.who = {login.user_id, login.user_name, session_id, login.role};
  return made;
}

Task<Result<>> Service::State::record_failure(std::string user_name, std::string why, Source source) {
  AuthEvent failed = event(AuthEvent::Kind::login_failed, &source);
  failed.target = std::move(user_name);
  failed.detail = std::move(why);
  auto job = [this, &failed, rows = throttle.changed()](storage::Connection& c) -> Result<> {
    TRY(store::save_throttle(c, rows));
    return tell(c, failed);
  };
  auto written = co_await parts.database->transact(job);
  if (!written) log_error("auth", "a failed login was not recorded", {{"error", written.error().message}});
  co_return written;
}

Task<Result<store::UserRow>> Service::State::check_login(std::string name, std::string password, Source source) {
  const Device* device = known_device(source.device_cookie, name);
  auto leave = throttle.admit({source.ip, name, device != nullptr ? device->id : std::string()});
  if (!leave) {
    count_login("throttled");
    co_return tl::unexpected(leave.error());
  }
  auto find = [&name](storage::Connection& c) { return store::user_by_name(c, name); };
  const auto user = co_await parts.database->run(find);
  if (!user) {
    leave->not_tried();
    co_return tl::unexpected(user.error());
  }
  if (*user) first_user_exists();
  const bool usable = *user && !(*user)->user.disabled_at;
  // Named first: g++ 12 destroys the temporary of a conditional inside a co_await expression twice.
  std::string phc = usable ? (*user)->password_hash : std::string();
  const auto right = co_await hasher.verify(std::move(phc), std::move(password));
  if (!right) {
    leave->not_tried();
    count_login("error");
    co_return tl::unexpected(right.error());
  }
  if (*right) {
    leave->succeeded();
    co_return **user;
  }
  leave->failed();
  count_login("wrong");
  const std::string why = usable ? "wrong password" : *user ? "the user is disabled" : "there is no such user";
  const std::string whose = *user ? (*user)->user.name : std::string();
  co_await record_failure(whose, why, source);
  co_return wrong_login();
}

}  // namespace ccd::auth
