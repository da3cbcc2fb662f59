// Routes of logins, accounts and socket tickets.
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxPassword = 256;
constexpr std::size_t kMaxToken = 4096;
constexpr std::size_t kMaxCode = 128;

void add_cookie(http::Response& response, const std::optional<std::string>& cookie) {
  if (cookie) response.headers.emplace_back("Set-Cookie", *cookie);
}

void clear_cookies(http::Response& response, auth::Deployment deployment) {
  add_cookie(response, auth::clear_cookie(auth::CookieKind::access, deployment));
  add_cookie(response, auth::clear_cookie(auth::CookieKind::refresh, deployment));
}

json::object login_json(const auth::LoginSession& login, const std::string& current) {
  return {{"id", login.id},
          {"user", login.user_name},
          {"ip", login.ip},
          {"user_agent", json_text(login.user_agent)},
          {"created_at", login.created_at},
          {"last_used_at", login.last_used_at},
          {"expires_at", login.expires_at},
          {"current", login.id == current}};
}

}  // namespace

// How the login travels: cookies for a page (the default), or tokens in the body for a program.
Result<Api::Transport> Api::transport_of(const Body& body) {
  const std::string word = TRY(body.text_or("transport", "cookie", 16));
  if (word == "cookie") return Transport::cookie;
  if (word == "bearer") return Transport::bearer;
  return fail_field("transport", "transport must be \"cookie\" or \"bearer\"");
}

Result<http::Response> Api::login_response(const Call& call, const auth::Login& login, Transport transport,
                                           int status) const {
  json::object body{{"user", user_json(login.who)}, {"expires_in", login.access_seconds}};
  if (transport == Transport::bearer) {
    body["access_token"] = login.access_token;
    body["token_type"] = "Bearer";
    body["refresh_token"] = login.refresh_token;
    body["refresh_expires_in"] = login.refresh_seconds;
    return json_response(status, body);
  }
  http::Response response = json_response(status, body);
  using auth::CookieKind;
  add_cookie(response, auth::set_cookie(CookieKind::access, login.access_token, login.access_seconds, call.deployment));
  add_cookie(response,
             auth::set_cookie(CookieKind::refresh, login.refresh_token, login.refresh_seconds, call.deployment));
  if (!login.device_token.empty())
    add_cookie(response,
               auth::set_cookie(CookieKind::device, login.device_token, login.device_seconds, call.deployment));
  return response;
}

Task<Result<http::Response>> Api::auth_state(Call call) {
  if (parts_.auth->setup_required()) {
    const auto looked = co_await parts_.auth->look_for_users();
    if (!looked) co_return tl::unexpected(looked.error());
  }
  json::value user = nullptr;
  if (call.who) user = user_json(*call.who);
  co_return json_response(200, json::object{{"setup_required", parts_.auth->setup_required()},
                                            {"authenticated", call.who.has_value()},
                                            {"user", std::move(user)}});
}

// Cookies are refused before anything is tried where they would travel in the clear.
Result<> Api::check_transport(const Call& call, Transport transport) {
  if (transport == Transport::cookie && call.deployment == auth::Deployment::no_cookies)
    return fail(ErrorKind::forbidden,
                "the page needs HTTPS here (or http://localhost): a login cookie would be readable on the way");
  return {};
}

Task<Result<http::Response>> Api::auth_setup(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const Transport transport = CO_TRY(transport_of(body));
  CO_TRY(check_transport(call, transport));
  const std::string code = CO_TRY(body.text("code", kMaxCode));
  const std::string name = CO_TRY(body.text("name", kMaxName));
  const std::string password = CO_TRY(body.text("password", kMaxPassword));
  const auto login = co_await parts_.auth->setup(code, name, password, call.source());
  if (!login) co_return tl::unexpected(login.error());
  call.request->principal = login->who.user_name;
  co_return login_response(call, *login, transport, 201);
}

Task<Result<http::Response>> Api::auth_login(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const Transport transport = CO_TRY(transport_of(body));
  CO_TRY(check_transport(call, transport));
  const std::string name = CO_TRY(body.text("name", kMaxName));
  const std::string password = CO_TRY(body.text("password", kMaxPassword));
  auth::Source source = call.source();
  // A program keeps no device cookie: its logins must not push people's browsers out of the known devices.
  if (transport == Transport::bearer) source.remember = auth::Remember::nothing;
  const auto login = co_await parts_.auth->login(name, password, std::move(source));
  if (!login) co_return tl::unexpected(login.error());
  call.request->principal = login->who.user_name;
  co_return login_response(call, *login, transport, 200);
}

Task<Result<http::Response>> Api::auth_refresh(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const bool from_body = body.has("refresh_token");
  const Transport transport = from_body ? Transport::bearer : Transport::cookie;
  const std::string token = CO_TRY(body.text_or("refresh_token", call.cookies.refresh, kMaxToken));
  if (token.empty()) co_return fail(ErrorKind::unauthorized, "there is no refresh token: log in");
  const auto login = co_await parts_.auth->refresh(token, call.source());
  if (!login) {
    if (transport == Transport::bearer || login.error().kind != ErrorKind::unauthorized)
      co_return tl::unexpected(login.error());
    http::Response response = error_response(login.error(), call.request->id);
    clear_cookies(response, call.deployment);
    co_return response;
  }
  call.request->principal = login->who.user_name;
  co_return login_response(call, *login, transport, 200);
}

Task<Result<http::Response>> Api::auth_logout(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const bool everywhere = CO_TRY(body.flag_or("everywhere", false));
  auto ending = everywhere ? parts_.auth->logout_all(*call.who) : parts_.auth->logout(*call.who);
  const auto ended = co_await std::move(ending);
  if (!ended) co_return tl::unexpected(ended.error());
  http::Response response = http::empty(204);
  clear_cookies(response, call.deployment);
  co_return response;
}

Task<Result<http::Response>> Api::auth_me(Call call) { co_return json_response(200, user_json(*call.who)); }

Task<Result<http::Response>> Api::auth_password(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const Transport transport = CO_TRY(transport_of(body));
  const std::string before = CO_TRY(body.text("old_password", kMaxPassword));
  const std::string after = CO_TRY(body.text("new_password", kMaxPassword));
  const auto login = co_await parts_.auth->change_password(*call.who, before, after, call.source());
  if (!login) co_return tl::unexpected(login.error());
  co_return login_response(call, *login, transport, 200);
}

Task<Result<http::Response>> Api::auth_logins(Call call) {
  const auto logins = co_await parts_.auth->logins(*call.who);
  if (!logins) co_return tl::unexpected(logins.error());
  json::array out;
  for (const auth::LoginSession& login : *logins) out.emplace_back(login_json(login, call.who->session_id));
  co_return json_response(200, json::object{{"sessions", std::move(out)}});
}

Task<Result<http::Response>> Api::auth_revoke(Call call) {
  const auto ended = co_await parts_.auth->revoke_login(*call.who, call.request->params.at("id"));
  if (!ended) co_return tl::unexpected(ended.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::ws_ticket(Call call) {
  const std::string ticket = CO_TRY(parts_.auth->issue_ticket(*call.who, call.request->header("Origin")));
  co_return json_response(200, json::object{{"ticket", ticket}, {"expires_in", auth::kTicketLifetime.count()}});
}

Task<Result<http::Response>> Api::users_list(Call call) {
  const auto users = co_await parts_.auth->users(*call.who);
  if (!users) co_return tl::unexpected(users.error());
  json::array out;
  for (const auth::User& user : *users)
    out.emplace_back(
        json::object{{"id", user.id},
                     {"name", user.name},
                     {"role", auth::to_string(user.role)},
                     {"created_at", user.created_at},
                     {"disabled_at", user.disabled_at ? json::value(*user.disabled_at) : json::value(nullptr)}});
  co_return json_response(200, json::object{{"users", std::move(out)}});
}

Task<Result<http::Response>> Api::users_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const std::string name = CO_TRY(body.text("name", kMaxName));
  const std::string password = CO_TRY(body.text("password", kMaxPassword));
  const auto role = auth::role_from(CO_TRY(body.text_or("role", "member", 16)));
  if (!role) co_return fail_field("role", "role must be viewer, member or admin");
  const auto id = co_await parts_.auth->add_user(*call.who, name, password, *role);
  if (!id) co_return tl::unexpected(id.error());
  co_return json_response(201, json::object{{"id", *id}, {"name", name}, {"role", auth::to_string(*role)}});
}

}  // namespace ccd::api
