// Ending login sessions, passwords, users, tickets; service.cpp has the logins.
#include <utility>

#include "auth/auth.hpp"
#include "auth/state.hpp"

namespace ccd::auth {

namespace {

tl::unexpected<Error> bad_name() {
  return fail_field("name", "name must be 1 to 64 letters, digits, dots, dashes or underscores");
}
tl::unexpected<Error> admins_only() { return fail(ErrorKind::forbidden, "only an admin may do this"); }

store::UserRow new_user(Random& random, const Clock& clock, std::string name, Role role, std::string hash) {
  store::UserRow row;
  row.user = {random.token(kUserIdBytes), std::move(name), role, clock.wall(), std::nullopt};
  row.password_hash = std::move(hash);
  return row;
}

}  // namespace

Task<Result<>> Service::logout(Principal who) {
  State* const state = state_.get();
  const AuthEvent event = state->event_by(AuthEvent::Kind::logout, who);
  auto job = [state, &who, &event](storage::Connection& c) -> Result<> {
    TRY(store::delete_login(c, who.session_id));
    return state->tell(c, event);
  };
  auto written = co_await state->parts.database->transact(job);
  // Also when the disk failed: this process takes the login no more, and the caller hears that a restart might.
  state->end_login(who.session_id);
  co_return written;
}

Task<Result<>> Service::logout_all(Principal who) {
  State* const state = state_.get();
  AuthEvent event = state->event_by(AuthEvent::Kind::logout, who);
  event.target = who.user_name;
  event.detail = "everywhere";
  auto job = [state, &who, &event](storage::Connection& c) -> Result<std::vector<std::string>> {
    auto ended = TRY(store::delete_logins_of(c, who.user_id));
    TRY(state->tell(c, event));
    return ended;
  };
  const auto ended = co_await state->parts.database->transact(job);
  if (!ended) co_return tl::unexpected(ended.error());
  state->end_logins(*ended);
  co_return Result<>{};
}

Task<Result<>> Service::revoke_login(Principal who, std::string session_id) {
  State* const state = state_.get();
  AuthEvent event = state->event_by(AuthEvent::Kind::login_revoked, who);
  event.session_id = session_id;
  auto job = [state, &who, &event](storage::Connection& c) -> Result<> {
    const auto login = TRY(store::login_by_id(c, event.session_id));
    if (!login || (login->user_id != who.user_id && !at_least(who.role, Role::admin)))
      return fail(ErrorKind::not_found, "there is no such login");
    event.target = login->user_name;
    TRY(store::delete_login(c, event.session_id));
    return state->tell(c, event);
  };
  auto written = co_await state->parts.database->transact(job);
  if (written) state->end_login(session_id);
  co_return written;
}

Task<Result<Login>> Service::change_password(Principal who, std::string old_password, std::string new_password,
                                             Source source) {
  State* const state = state_.get();
  CO_TRY(check_password(new_password, who.user_name));
  // Counted under the login session, so that somebody who took it over cannot guess at leisure.
  auto leave = state->throttle.admit({source.ip, who.user_name, "login " + who.session_id});
  if (!leave) co_return tl::unexpected(leave.error());
  auto find = [&who](storage::Connection& c) { return store::user_by_id(c, who.user_id); };
  auto user = co_await state->parts.database->run(find);
  if (!user || !*user) {
    leave->not_tried();
    co_return user ? fail(ErrorKind::not_found, "there is no such user") : tl::unexpected(user.error());
  }
  const auto right = co_await state->hasher.verify((*user)->password_hash, std::move(old_password));
  if (!right) {
    leave->not_tried();
    co_return tl::unexpected(right.error());
  }
  if (!*right) {
    leave->failed();
    co_await state->record_failure(who.user_name, "wrong old password", source);
    co_return fail_field("old_password", "the old password is wrong");
  }
  leave->succeeded();
  auto hash = co_await state->hasher.hash(std::move(new_password));
  if (!hash) co_return tl::unexpected(hash.error());
  (*user)->password_hash = std::move(*hash);
  auto plan =
      state->plan_login(std::move(**user), source, AuthEvent::Kind::password_changed, LoginPlan::Change::new_password);
  co_return co_await state->begin_login(std::move(plan));
}

Task<Result<std::vector<LoginSession>>> Service::logins(Principal who) {
  auto job = [&who, now = state_->parts.clock->wall()](storage::Connection& c) {
    return store::logins(c, who.user_id, now);
  };
  co_return co_await state_->parts.database->run(job);
}

Task<Result<std::string>> Service::add_user(Principal who, std::string name, std::string password, Role role) {
  State* const state = state_.get();
  if (!at_least(who.role, Role::admin)) co_return admins_only();
  if (!valid_user_name(name)) co_return bad_name();
  CO_TRY(check_password(password, name));
  auto hash = co_await state->hasher.hash(std::move(password));
  if (!hash) co_return tl::unexpected(hash.error());
  const auto row = new_user(*state->parts.random, *state->parts.clock, std::move(name), role, std::move(*hash));
  AuthEvent event = state->event_by(AuthEvent::Kind::user_added, who);
  event.target = row.user.name;
  event.detail = to_string(role);
  auto job = [state, &row, &event](storage::Connection& c) -> Result<> {
    TRY(store::insert_user(c, row));
    return state->tell(c, event);
  };
  const auto written = co_await state->parts.database->transact(job);
  if (!written) co_return tl::unexpected(written.error());
  co_return row.user.id;
}

Task<Result<std::vector<User>>> Service::users(Principal who) {
  if (!at_least(who.role, Role::admin)) co_return admins_only();
  auto job = [](storage::Connection& c) { return store::users(c); };
  co_return co_await state_->parts.database->run(job);
}

Result<std::string> Service::issue_ticket(const Principal& who, std::string_view origin) {
  if (!state_->live.contains(who.session_id)) return fail(ErrorKind::unauthorized, "the login has ended: log in again");
  return state_->tickets.issue(who, origin);
}

Result<Principal> Service::redeem_ticket(std::string_view ticket, std::string_view origin) {
  Principal who = TRY(state_->tickets.redeem(ticket, origin));
  const auto login = state_->live.find(who.session_id);
  if (login == state_->live.end()) return fail(ErrorKind::unauthorized, "the login has ended: log in again");
  who.role = login->second.role;
  return who;
}

void Service::on_revoked(std::function<void(const std::string& session_id)> listener) {
  state_->listeners.push_back(std::move(listener));
}

Result<std::string> add_user_now(storage::Database& database, const Clock& clock, Random& random,
                                 const std::string& name, const std::string& password, Role role,
                                 const OnEvent& on_event, HashCost cost) {
  if (!valid_user_name(name)) return bad_name();
  TRY(check_password(password, name));
  const auto row = new_user(random, clock, name, role, TRY(hash_password(password, random, cost)));
  AuthEvent event;
  event.kind = AuthEvent::Kind::user_added;
  event.at = clock.wall();
  event.target = name;
  event.detail = std::string(to_string(role)) + ", on the command line";
  auto job = [&](storage::Connection& c) -> Result<> {
    TRY(store::insert_user(c, row));
    return on_event ? on_event(c, event) : Result<>{};
  };
  TRY(database.transact_now(job));
  return row.user.id;
}

std::string_view to_string(AuthEvent::Kind kind) {
  switch (kind) {
    case AuthEvent::Kind::setup: return "setup";
    case AuthEvent::Kind::login: return "login";
    case AuthEvent::Kind::login_failed: return "login_failed";
    case AuthEvent::Kind::logout: return "logout";
    case AuthEvent::Kind::login_revoked: return "login_revoked";
    case AuthEvent::Kind::refresh_reused: return "refresh_reused";
    case AuthEvent::Kind::user_added: return "user_added";
    case AuthEvent::Kind::password_changed: return "password_changed";
  }
  return "unknown";
}

bool is_failure(AuthEvent::Kind kind) {
  return kind == AuthEvent::Kind::login_failed || kind == AuthEvent::Kind::refresh_reused;
}

}  // namespace ccd::auth
