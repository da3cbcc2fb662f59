// Routes of notifications: what somebody wants to be told, the devices that are pushed to, and webhooks.
#include <boost/json.hpp>

#include "api/api.hpp"
#include "api/wire.hpp"
#include "base/encoding.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxActionToken = 128;
constexpr std::size_t kMaxKeyText = 128;  // 65 bytes in base64url are 87 characters

json::value or_null(const std::optional<std::int64_t>& number) {
  return number ? json::value(*number) : json::value(nullptr);
}

json::object device_json(const notify::Device& device, const std::string& login) {
  const auto target = notify::parse_target(device.endpoint, {.addresses = notify::Reach::Addresses::private_too,
                                                             .plain_http = notify::Reach::PlainHttp::always});
  return {{"id", device.id},
          {"name", json_text(device.name)},
          {"service", target ? target->host : ""},
          {"created_at", device.created_at},
          {"last_ok_at", or_null(device.last_ok_at)},
          {"last_error", json_text(device.last_error)},
          {"current", device.login == login}};
}

json::array kinds_json(const notify::Kinds& kinds) {
  json::array out;
  for (const notify::Kind kind : notify::kKinds)
    if (kinds.has(kind)) out.emplace_back(notify::to_string(kind));
  return out;
}

json::object webhook_json(const notify::Webhook& webhook) {
  return {{"id", webhook.id},
          {"owner", webhook.owner.empty() ? "everybody" : "me"},
          {"name", json_text(webhook.name)},
          {"url", webhook.url},
          {"format", notify::to_string(webhook.format)},
          {"kinds", kinds_json(webhook.kinds)},
          {"contents", webhook.contents},
          {"private_addresses", webhook.private_addresses},
          {"in_quiet_hours", webhook.in_quiet_hours},
          {"enabled", webhook.enabled},
          {"created_at", webhook.created_at},
          {"last_ok_at", or_null(webhook.last_ok_at)},
          {"last_error", json_text(webhook.last_error)}};
}

json::object delivery_json(const notify::Delivery& delivery) {
  return {{"id", delivery.id},
          {"type", delivery.type},
          {"event", delivery.event},
          {"state", notify::to_string(delivery.state)},
          {"attempts", delivery.attempts},
          {"created_at", delivery.created_at},
          {"next_at",
           delivery.state == notify::Delivery::State::waiting ? json::value(delivery.next_at) : json::value(nullptr)},
          {"finished_at", or_null(delivery.finished_at)},
          {"status", delivery.status == 0 ? json::value(nullptr) : json::value(delivery.status)},
          {"error", json_text(delivery.error)}};
}

Result<notify::Kinds> kinds_of(const Body& body) {
  if (!body.has("kinds")) return notify::Kinds::all();
  notify::Kinds out;
  for (const std::string& word : TRY(body.texts_or_none("kinds", notify::kKinds.size(), 16))) {
    const auto kind = notify::kind_from(word);
    if (!kind) return fail_field("kinds", "kinds are: permission, question, plan, done, failure, limit");
    out.add(*kind);
  }
  return out;
}

Result<notify::WebhookRequest> webhook_request(const Body& body) {
  notify::WebhookRequest out;
  out.name = TRY(body.text("name", notify::kMaxWebhookName));
  out.url = TRY(body.text("url", notify::kMaxUrl));
  const std::string owner = TRY(body.text_or("owner", "me", 16));
  if (owner != "me" && owner != "everybody") return fail_field("owner", "owner must be me or everybody");
  if (owner == "everybody") out.owner = notify::WebhookRequest::Owner::everybody;
  const auto format = notify::webhook_format_from(TRY(body.text_or("format", "json", 16)));
  if (!format) return fail_field("format", "format must be json or text");
  out.format = *format;
  out.kinds = TRY(kinds_of(body));
  out.contents = TRY(body.flag_or("contents", true));
  out.private_addresses = TRY(body.flag_or("private_addresses", false));
  out.in_quiet_hours = TRY(body.flag_or("in_quiet_hours", true));
  out.enabled = TRY(body.flag_or("enabled", true));
  return out;
}

http::Response made_response(int status, const notify::Made& made) {
  json::object body = webhook_json(made.webhook);
  body["secret"] = made.secret;
  return json_response(status, body);
}

}  // namespace

// From a notification: the token says who answers, and what. No cookie counts.
Task<Result<http::Response>> Api::attention_action(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const std::string token = CO_TRY(body.text("token", kMaxActionToken));
  const std::string word = CO_TRY(body.text("decision", 16));
  if (word != "allow" && word != "deny") co_return fail_field("decision", "decision must be allow or deny");
  const std::string item = call.request->params.at("id");
  const auto grant = co_await parts_.notify->pushes().use_action(item, token, word, call.request->remote_ip);
  if (!grant) co_return tl::unexpected(grant.error());
  call.request->principal = grant->user_name;
  agents::Decision decision{.kind = word == "allow" ? agents::Decision::Kind::allow : agents::Decision::Kind::deny};
  sessions::Actor actor{.name = grant->user_name, .ip = call.request->remote_ip};
  const auto closed = co_await parts_.agents->answer(item, std::move(decision), std::move(actor));
  if (!closed) co_return tl::unexpected(closed.error());
  co_return json_response(200, json::object{{"closed", agents::to_string(*closed)}});
}

Task<Result<http::Response>> Api::notify_get(Call call) {
  json::array devices;
  for (const notify::Device& device : parts_.notify->pushes().devices(call.who->user_id))
    devices.emplace_back(device_json(device, call.who->session_id));
  const notify::Preferences& preferences = parts_.notify->preferences().of(call.who->user_id);
  co_return json_response(
      200, json::object{{"application_server_key", parts_.notify->pushes().application_server_key()},
                        {"preferences", json::parse(notify::preferences_text(preferences))},
                        {"devices", std::move(devices)},
                        {"private_addresses", parts_.notify->private_addresses() != notify::PrivateAddresses::no}});
}

Task<Result<http::Response>> Api::notify_preferences(Call call) {
  CO_TRY(Body::parse(call.http()));
  const notify::Preferences preferences = CO_TRY(notify::preferences_from(call.http().body));
  const auto set = co_await parts_.notify->preferences().set(call.notify_actor(), preferences);
  if (!set) co_return tl::unexpected(set.error());
  co_return json_response(200, json::parse(notify::preferences_text(preferences)));
}

Task<Result<http::Response>> Api::devices_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const Body keys = CO_TRY(body.object_or_empty("keys"));
  notify::Subscription subscription;
  subscription.endpoint = CO_TRY(body.text("endpoint", notify::kMaxUrl));
  subscription.name = CO_TRY(body.text("name", notify::kMaxDeviceName));
  const auto key = base64url_decode(CO_TRY(keys.text("p256dh", kMaxKeyText)));
  const auto auth = base64url_decode(CO_TRY(keys.text("auth", kMaxKeyText)));
  if (key) subscription.receiver.key = *key;
  if (auth) subscription.receiver.auth = *auth;
  const auto device = co_await parts_.notify->pushes().add_device(call.notify_actor(), std::move(subscription));
  if (!device) co_return tl::unexpected(device.error());
  co_return json_response(201, device_json(*device, call.who->session_id));
}

Task<Result<http::Response>> Api::devices_remove(Call call) {
  const auto removed =
      co_await parts_.notify->pushes().remove_device(call.notify_actor(), call.request->params.at("id"));
  if (!removed) co_return tl::unexpected(removed.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::devices_test(Call call) {
  const auto sent = co_await parts_.notify->pushes().test_device(call.notify_actor(), call.request->params.at("id"));
  if (!sent) co_return tl::unexpected(sent.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::webhooks_list(Call call) {
  json::array out;
  for (const notify::Webhook& webhook : parts_.notify->webhooks().list(call.notify_actor()))
    out.emplace_back(webhook_json(webhook));
  co_return json_response(200, json::object{{"webhooks", std::move(out)}});
}

Task<Result<http::Response>> Api::webhooks_add(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const notify::WebhookRequest request = CO_TRY(webhook_request(body));
  const auto made = co_await parts_.notify->webhooks().add(call.notify_actor(), request);
  if (!made) co_return tl::unexpected(made.error());
  co_return made_response(201, *made);
}

Task<Result<http::Response>> Api::webhooks_change(Call call) {
  const Body body = CO_TRY(Body::parse(call.http()));
  const notify::WebhookRequest request = CO_TRY(webhook_request(body));
  const auto changed =
      co_await parts_.notify->webhooks().change(call.notify_actor(), call.request->params.at("id"), request);
  if (!changed) co_return tl::unexpected(changed.error());
  co_return json_response(200, webhook_json(*changed));
}

Task<Result<http::Response>> Api::webhooks_secret(Call call) {
  const auto made = co_await parts_.notify->webhooks().renew_secret(call.notify_actor(), call.request->params.at("id"));
  if (!made) co_return tl::unexpected(made.error());
  co_return made_response(200, *made);
}

Task<Result<http::Response>> Api::webhooks_remove(Call call) {
  const auto removed = co_await parts_.notify->webhooks().remove(call.notify_actor(), call.request->params.at("id"));
  if (!removed) co_return tl::unexpected(removed.error());
  co_return http::empty(204);
}

Task<Result<http::Response>> Api::webhooks_test(Call call) {
  const auto delivery = co_await parts_.notify->webhooks().test(call.notify_actor(), call.request->params.at("id"));
  if (!delivery) co_return tl::unexpected(delivery.error());
  co_return json_response(200, delivery_json(*delivery));
}

Task<Result<http::Response>> Api::webhooks_deliveries(Call call) {
  const auto deliveries =
      co_await parts_.notify->webhooks().deliveries(call.notify_actor(), call.request->params.at("id"));
  if (!deliveries) co_return tl::unexpected(deliveries.error());
  json::array out;
  for (const notify::Delivery& delivery : *deliveries) out.emplace_back(delivery_json(delivery));
  co_return json_response(200, json::object{{"deliveries", std::move(out)}});
}

}  // namespace ccd::api
