// Opening the service, setting up, logging in, refreshing, authenticating; accounts.cpp has the rest of it.
#include <charconv>
#include <utility>

#include "auth/auth.hpp"
#include "auth/jwt.hpp"
#include "auth/state.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::auth {

namespace {

void count_refresh(const std::string& outcome) {
  metrics().counter("auth_refreshes_total", "Refresh tokens used", {{"outcome", outcome}}).Increment();
}

tl::unexpected<Error> wrong_refresh() { return fail(ErrorKind::unauthorized, "the login has ended: log in again"); }

// "session.generation.mac"; the MAC is compared with the whole text, so any other spelling of the number is wrong as well.
std::optional<RefreshRequest> parse_refresh(std::string_view token) {
  constexpr std::size_t kMost = 128;  // ours have about 70
  if (token.size() > kMost) return std::nullopt;
  const std::size_t first = token.find('.');
  const std::size_t second = first == token.npos ? token.npos : token.find('.', first + 1);
  if (second == token.npos) return std::nullopt;
  RefreshRequest parsed;
  parsed.session_id = token.substr(0, first);
  const std::string_view digits = token.substr(first + 1, second - first - 1);
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), parsed.generation);
  if (ec != std::errc{} || end != digits.data() + digits.size() || parsed.generation < 0) return std::nullopt;
  return parsed;
}

}  // namespace

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() = default;

Result<std::unique_ptr<Service>> Service::open(Options options, Parts parts) {
  if (options.jwt_secret.size() < kMinKeyBytes)
    return fail_field("JWT_SECRET", "JWT_SECRET is too short: it must have 32 or more characters");
  auto state = std::make_unique<State>(std::move(options), std::move(parts));
  auto loaded = state->load();
  if (!loaded) return tl::unexpected(std::move(loaded).error().in("open logins"));
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

bool Service::setup_required() const { return state_->setup.has_value(); }

std::optional<std::string> Service::setup_code() const {
  if (!state_->setup) return std::nullopt;
  return state_->setup->text();
}

Task<Result<bool>> Service::look_for_users() {
  if (!state_->setup) co_return false;
  auto look = [](storage::Connection& c) { return store::any_user(c); };
  const auto found = co_await state_->parts.database->run(look);
  if (!found) co_return tl::unexpected(found.error());
  if (*found) state_->first_user_exists();
  co_return state_->setup.has_value();
}

Task<Result<Login>> Service::setup(std::string code, std::string name, std::string password, Source source) {
  const auto required = co_await look_for_users();
  if (!required) co_return tl::unexpected(required.error());
  if (!*required) co_return fail(ErrorKind::conflict, "there is a user already: log in");
  if (source.via == Via::forwarded || (state_->options.setup_peers == SetupPeers::loopback && !is_loopback(source.ip)))
    co_return fail(ErrorKind::forbidden,
                   "the first account is made from the machine itself, not through a proxy or tunnel");
  auto leave = state_->throttle.admit({source.ip, {}, {}});
  if (!leave) co_return tl::unexpected(leave.error());
  const auto matches = state_->setup->matches(code);
  if (!matches || !*matches) leave->failed();
  else leave->succeeded();
  if (!matches) co_return tl::unexpected(matches.error());
  if (!*matches) {
    const std::string file = state_->setup->file().string();
    const std::string nobody;
    co_await state_->record_failure(nobody, "wrong setup code", source);
    co_return fail(ErrorKind::unauthorized, "wrong setup code: it is on the console and in " + file);
  }
  if (!valid_user_name(name))
    co_return fail_field("name", "name must be 1 to 64 letters, digits, dots, dashes or underscores");
  CO_TRY(check_password(password, name));
  auto hash = co_await state_->hasher.hash(std::move(password));
  if (!hash) co_return tl::unexpected(hash.error());
  store::UserRow user;
  user.user = {
      state_->parts.random->token(kUserIdBytes), std::move(name), Role::admin, state_->parts.clock->wall(), {}};
  user.password_hash = std::move(*hash);
  auto plan = state_->plan_login(std::move(user), source, AuthEvent::Kind::setup, LoginPlan::Change::new_user);
  co_return co_await state_->begin_login(std::move(plan));
}

Task<Result<Login>> Service::login(std::string name, std::string password, Source source) {
  // No user has such a name or password: the answer gives nothing away, and costs nothing.
  if (!valid_user_name(name) || password.empty() || password.size() > kMaxPasswordBytes) co_return wrong_login();
  auto user = co_await state_->check_login(std::move(name), std::move(password), source);
  if (!user) co_return tl::unexpected(user.error());
  auto plan = state_->plan_login(std::move(*user), source, AuthEvent::Kind::login, LoginPlan::Change::none);
  auto made = co_await state_->begin_login(std::move(plan));
  count_login(made ? "ok" : "error");
  co_return made;
}

Result<Principal> Service::authenticate(std::string_view access_token) const {
  Claims claims = TRY(verify(access_token, state_->access_key, state_->now_seconds()));
  const auto login = state_->live.find(claims.sid);
  if (login == state_->live.end() || login->second.user_id != claims.sub)
    return fail(ErrorKind::unauthorized, "token: its login has ended");
  return Principal{login->second.user_id, login->second.user_name, std::move(claims.sid), login->second.role};
}

std::optional<Principal> Service::live_login(const std::string& session_id) const {
  const auto login = state_->live.find(session_id);
  if (login == state_->live.end()) return std::nullopt;
  return Principal{.user_id = login->second.user_id,
                   .user_name = login->second.user_name,
                   .session_id = session_id,
                   .role = login->second.role};
}

Task<Result<Login>> Service::refresh(std::string refresh_token, Source source) {
  State* const state = state_.get();
  auto request = parse_refresh(refresh_token);
  // Every login session that lives is in memory, so a token of another one costs no work on the disk.
  if (!request || !state->live.contains(request->session_id)) {
    count_refresh("wrong");
    co_return wrong_refresh();
  }
  request->token = std::move(refresh_token);
  request->at = state->parts.clock->wall();
  request->event = state->event(AuthEvent::Kind::refresh_reused, &source);
  request->event.session_id = request->session_id;
  auto job = [state, &request](storage::Connection& c) { return state->judge(c, *request); };
  const auto result = co_await state->parts.database->transact(job);
  if (!result) co_return tl::unexpected(result.error());

  using Outcome = Refreshed::Outcome;
  const std::string& id = request->session_id;
  if (result->outcome == Outcome::ended || result->outcome == Outcome::reused) state->end_login(id);
  if (result->outcome == Outcome::reused)
    log_warn("auth", "an old refresh token came back: its login was ended",
             {{"user", result->user.name}, {"ip", source.ip}});
  const auto login = state->live.find(id);
  if (result->outcome != Outcome::good || login == state->live.end()) {
    count_refresh(result->outcome == Outcome::reused ? "reused" : "wrong");
    co_return wrong_refresh();
  }
  count_refresh("ok");
  login->second.user_name = result->user.name;
  login->second.role = result->user.role;
  co_return state->make_login(id, login->second, state->refresh_token(id, result->next, result->seed));
}

}  // namespace ccd::auth
