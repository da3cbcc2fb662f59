#include "notify/webhooks.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "notify/digest.hpp"

namespace ccd::notify {

namespace {

constexpr std::size_t kIdBytes = 10;
constexpr std::size_t kSecretBytes = 32;
constexpr int kMaxListed = 100;  // deliveries
constexpr int kLookedAt = 64;    // webhooks with something waiting, in one look
constexpr std::size_t kMaxErrorText = 300;
constexpr std::chrono::minutes kNoRetryBefore{60};  // a Retry-After is followed up to here

std::int64_t micros(std::chrono::microseconds of) { return of.count(); }

// What may pass by itself.
bool passing(int status) { return status >= 500 || status == 408 || status == 425 || status == 429; }

std::string shown_secret(const std::string& secret) { return "whsec_" + base64_encode(secret); }

}  // namespace

std::string webhook_signature(std::string_view secret, std::string_view id, std::int64_t timestamp,
                              std::string_view body) {
  return "v1," + base64_encode(hmac_sha256(secret, fmt::format("{}.{}.{}", id, timestamp, body)));
}

Webhooks::Webhooks(Parts parts, PrivateAddresses private_addresses, std::string page_url, HttpClient* http,
                   const PreferenceBook* preferences, TaskGroup* tasks)
    : parts_(std::move(parts)),
      private_addresses_(private_addresses),
      page_url_(std::move(page_url)),
      http_(http),
      preferences_(preferences),
      tasks_(tasks),
      wake_(parts_.loop) {}

Result<> Webhooks::load() {
  for (Webhook& webhook : TRY(parts_.database->run_now([](storage::Connection& db) { return store::webhooks(db); })))
    webhooks_.emplace(webhook.id, std::move(webhook));
  return {};
}

Reach Webhooks::reach(const Webhook& webhook) {
  if (!webhook.private_addresses) return {};
  return {.addresses = Reach::Addresses::private_too, .plain_http = Reach::PlainHttp::always};
}

const Webhook* Webhooks::find(const Actor& actor, const std::string& id) const {
  const auto found = webhooks_.find(id);
  if (found == webhooks_.end()) return nullptr;
  const Webhook& webhook = found->second;
  const bool theirs = webhook.owner.empty() ? actor.admin : webhook.owner == actor.user;
  return theirs ? &webhook : nullptr;
}

std::vector<Webhook> Webhooks::list(const Actor& actor) const {
  std::vector<Webhook> out;
  for (const auto& [id, webhook] : webhooks_)
    if (find(actor, id) != nullptr) out.push_back(webhook);
  std::ranges::sort(out, {}, &Webhook::created_at);
  return out;
}

// --- made and changed

Result<> Webhooks::check(const Actor& actor, WebhookRequest& request) const {
  if (request.owner == WebhookRequest::Owner::everybody && !actor.admin)
    return fail(ErrorKind::forbidden, "only an admin may make a webhook for everybody");
  if (request.private_addresses && private_addresses_ == PrivateAddresses::no)
    return fail_field(
        "private_addresses",
        "private addresses are not allowed here: the operator allows them with NOTIFY_PRIVATE_ADDRESSES=webhooks");
  if (request.private_addresses && !actor.admin)
    return fail(ErrorKind::forbidden, "only an admin may let a webhook reach private addresses");
  if (request.name.empty()) return fail_field("name", "name must not be empty");
  auto target = parse_target(request.url, reach({.private_addresses = request.private_addresses}));
  if (!target) return fail_field("url", "url: " + target.error().message);
  request.url = std::move(target->url);
  return {};
}

Task<Result<>> Webhooks::save(Actor actor, Webhook webhook, std::string action) {
  auto write = [&parts = parts_, actor, webhook, action](storage::Connection& db) -> Result<> {
    TRY(store::put_webhook(db, webhook));
    // The address without its path: there people put secrets.
    const auto target = parse_target(webhook.url, reach(webhook));
    boost::json::object detail{{"name", webhook.name},
                               {"host", target ? target->host : ""},
                               {"everybody", webhook.owner.empty()},
                               {"private_addresses", webhook.private_addresses},
                               {"enabled", webhook.enabled}};
    return parts.audit(db, {.actor = actor.user_name,
                            .ip = actor.ip,
                            .action = action,
                            .target = webhook.id,
                            .detail = boost::json::serialize(detail)});
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  webhooks_[webhook.id] = std::move(webhook);
  wake_.notify();
  co_return Result<>{};
}

Task<Result<Made>> Webhooks::add(Actor actor, WebhookRequest request) {
  CO_TRY(check(actor, request));
  const std::string owner = request.owner == WebhookRequest::Owner::me ? actor.user : "";
  const auto theirs =
      std::ranges::count_if(webhooks_, [&](const auto& webhook) { return webhook.second.owner == owner; });
  if (static_cast<std::size_t>(theirs) >= kMaxWebhooksPerOwner)
    co_return fail(ErrorKind::too_large, "at most 20 webhooks: remove one first");
  Webhook webhook{.id = parts_.random->hex(kIdBytes),
                  .owner = owner,
                  .name = request.name,
                  .url = request.url,
                  .format = request.format,
                  .secret = std::string(kSecretBytes, '\0'),
                  .kinds = request.kinds,
                  .contents = request.contents,
                  .private_addresses = request.private_addresses,
                  .in_quiet_hours = request.in_quiet_hours,
                  .enabled = request.enabled,
                  .created_at = parts_.clock->wall()};
  parts_.random->fill(std::as_writable_bytes(std::span(webhook.secret)));
  const auto saved = co_await save(actor, webhook, "notify.webhook_add");
  if (!saved) co_return tl::unexpected(saved.error());
  co_return Made{.webhook = webhook, .secret = shown_secret(webhook.secret)};
}

Task<Result<Webhook>> Webhooks::change(Actor actor, std::string id, WebhookRequest request) {
  const Webhook* known = find(actor, id);
  if (known == nullptr) co_return fail(ErrorKind::not_found, "there is no such webhook");
  request.owner = known->owner.empty() ? WebhookRequest::Owner::everybody : WebhookRequest::Owner::me;
  CO_TRY(check(actor, request));
  Webhook changed = *known;
  changed.name = request.name;
  changed.url = request.url;
  changed.format = request.format;
  changed.kinds = request.kinds;
  changed.contents = request.contents;
  changed.private_addresses = request.private_addresses;
  changed.in_quiet_hours = request.in_quiet_hours;
  changed.enabled = request.enabled;
  const auto saved = co_await save(actor, changed, "notify.webhook_change");
  if (!saved) co_return tl::unexpected(saved.error());
  co_return changed;
}

Task<Result<Made>> Webhooks::renew_secret(Actor actor, std::string id) {
  const Webhook* known = find(actor, id);
  if (known == nullptr) co_return fail(ErrorKind::not_found, "there is no such webhook");
  Webhook changed = *known;
  parts_.random->fill(std::as_writable_bytes(std::span(changed.secret)));
  const auto saved = co_await save(actor, changed, "notify.webhook_secret");
  if (!saved) co_return tl::unexpected(saved.error());
  co_return Made{.webhook = changed, .secret = shown_secret(changed.secret)};
}

Task<Result<>> Webhooks::remove(Actor actor, std::string id) {
  const Webhook* known = find(actor, id);
  if (known == nullptr) co_return fail(ErrorKind::not_found, "there is no such webhook");
  auto write = [&parts = parts_, actor, id, name = known->name](storage::Connection& db) -> Result<> {
    TRY(store::delete_webhook(db, id));
    return parts.audit(db, {.actor = actor.user_name,
                            .ip = actor.ip,
                            .action = "notify.webhook_remove",
                            .target = id,
                            .detail = boost::json::serialize(boost::json::object{{"name", name}})});
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  webhooks_.erase(id);
  co_return Result<>{};
}

// --- told

bool Webhooks::wants(const Webhook& webhook, Kind kind) const {
  if (!webhook.enabled) return false;
  if (webhook.owner.empty()) return webhook.kinds.has(kind);
  const Preferences& preferences = preferences_->of(webhook.owner);
  return preferences.webhook.has(kind) &&
         (webhook.in_quiet_hours || !quiet_until(preferences.quiet, parts_.clock->wall()));
}

Delivery Webhooks::make(const Webhook& webhook, std::string type, const Event& event, const std::string& how,
                        const std::string& by) const {
  const WallMicros now = parts_.clock->wall();
  const bool contents = webhook.contents && (webhook.owner.empty() || preferences_->of(webhook.owner).contents);
  Delivery out{.webhook = webhook.id, .type = std::move(type), .event = event.id, .next_at = now, .created_at = now};
  out.body = webhook_body(webhook.format, out.type, event, contents, page_url_, now, how, by);
  return out;
}

void Webhooks::opened(const Event& event) {
  std::vector<Delivery> deliveries;
  for (const auto& [id, webhook] : webhooks_)
    if (wants(webhook, event.kind)) deliveries.push_back(make(webhook, "attention.opened", event, "", ""));
  enqueue(std::move(deliveries));
}

void Webhooks::closed(const Event& event, const std::string& how, const std::string& by) {
  std::vector<Delivery> deliveries;
  // People who read are told once; programs want to know the end, too.
  for (const auto& [id, webhook] : webhooks_)
    if (webhook.format == WebhookFormat::json && wants(webhook, event.kind))
      deliveries.push_back(make(webhook, "attention.closed", event, how, by));
  enqueue(std::move(deliveries));
}

void Webhooks::enqueue(std::vector<Delivery> deliveries) {
  if (!deliveries.empty()) tasks_->spawn("notify.webhooks", write(std::move(deliveries)));
}

Task<void> Webhooks::write(std::vector<Delivery> deliveries) {
  auto job = [deliveries](storage::Connection& db) { return store::add_deliveries(db, deliveries); };
  const auto written = co_await parts_.database->transact(std::move(job));
  if (!written)
    log_error("notify", "webhook deliveries could not be written",
              {{"count", deliveries.size()}, {"error", written.error().message}});
  wake_.notify();
}

Task<void> Webhooks::run() {
  for (;;) {
    auto look = [](storage::Connection& db) { return store::first_deliveries(db, kLookedAt); };
    const auto first = co_await parts_.database->run(std::move(look));
    if (!first) {
      log_warn("notify", "webhook deliveries could not be read", {{"error", first.error().message}});
      co_await wake_.wait_for(kWebhookPauses.front());
      continue;
    }
    const WallMicros now = parts_.clock->wall();
    std::optional<WallMicros> next;
    for (const Delivery& delivery : *first) {
      if (under_way_.contains(delivery.webhook) || under_way_.size() >= kMaxWebhooksAtOnce)
        continue;  // its end wakes this loop
      if (delivery.next_at > now) {
        next = std::min(next.value_or(delivery.next_at), delivery.next_at);
        continue;
      }
      under_way_.insert(delivery.webhook);
      tasks_->spawn("notify.webhook", attempt(delivery));
    }
    if (next) co_await wake_.wait_for(std::chrono::microseconds(*next - now));
    else co_await wake_.wait();
  }
}

Task<Result<HttpAnswer>> Webhooks::post(Webhook webhook, Delivery delivery) {
  const auto target = parse_target(webhook.url, reach(webhook));
  if (!target) co_return tl::unexpected(target.error());
  // One id for all attempts: a receiver that has it already knows it again.
  const std::string id =
      fmt::format("{}-{}-{}", webhook.id, delivery.event, delivery.type == "attention.closed" ? "closed" : "opened");
  const std::int64_t timestamp = parts_.clock->wall() / 1'000'000;
  HttpRequest request{.target = *target, .reach = reach(webhook), .body = delivery.body};
  request.headers = {"Content-Type: application/json", "webhook-id: " + id,
                     "webhook-timestamp: " + std::to_string(timestamp),
                     "webhook-signature: " + webhook_signature(webhook.secret, id, timestamp, delivery.body)};
  co_return co_await http_->post(std::move(request));
}

void Webhooks::judge(Delivery& delivery, const Result<HttpAnswer>& answer) const {
  const WallMicros now = parts_.clock->wall();
  ++delivery.attempts;
  delivery.status = answer ? answer->status : 0;
  delivery.error = answer ? "" : answer.error().message;
  if (answer && answer->status >= 200 && answer->status < 300) {
    delivery.state = Delivery::State::delivered;
    delivery.finished_at = now;
    return;
  }
  if (answer)
    delivery.error =
        fmt::format("answered {}{}{}", answer->status, answer->body.empty() ? "" : ": ", printable(answer->body));
  delivery.error.resize(std::min(delivery.error.size(), kMaxErrorText));
  const bool again = answer
                         ? passing(answer->status)
                         : answer.error().kind == ErrorKind::timeout || answer.error().kind == ErrorKind::unavailable;
  const auto number = static_cast<std::size_t>(delivery.attempts - 1);
  if (!again || number >= kWebhookPauses.size()) {
    delivery.state = Delivery::State::failed;
    delivery.finished_at = now;
    return;
  }
  std::chrono::seconds pause = kWebhookPauses[number];
  if (answer && answer->retry_after)
    pause = std::max(pause, std::min<std::chrono::seconds>(*answer->retry_after, kNoRetryBefore));
  delivery.next_at = now + micros(pause);
}

void Webhooks::note(const Delivery& delivery) {
  const auto found = webhooks_.find(delivery.webhook);
  if (found == webhooks_.end()) return;
  if (delivery.state == Delivery::State::delivered) found->second.last_ok_at = parts_.clock->wall();
  found->second.last_error = delivery.error;
  // 410: the receiver says that it is not one any more.
  if (delivery.status == 410 && found->second.enabled) {
    found->second.enabled = false;
    log_warn("notify", "a webhook's receiver is gone: it is turned off",
             {{"webhook", delivery.webhook}, {"name", found->second.name}});
  }
}

Task<void> Webhooks::attempt(Delivery delivery) {
  const auto found = webhooks_.find(delivery.webhook);
  if (found == webhooks_.end()) {
    under_way_.erase(delivery.webhook);
    co_return;
  }
  if (!found->second.enabled) {
    delivery.state = Delivery::State::failed;
    delivery.finished_at = parts_.clock->wall();
    delivery.error = "the webhook is turned off";
  } else {
    const auto answer = co_await post(found->second, delivery);
    // Not its fault: it is tried again at the next start.
    if (!answer && answer.error().kind == ErrorKind::cancelled) co_return;
    judge(delivery, answer);
    note(delivery);
  }
  metrics()
      .counter("notify_webhook_total", "Webhook attempts", {{"outcome", std::string(to_string(delivery.state))}})
      .Increment();
  const auto known = webhooks_.find(delivery.webhook);
  const Webhook state = known == webhooks_.end() ? Webhook{} : known->second;
  auto write_down = [delivery, state](storage::Connection& db) -> Result<> {
    TRY(store::update_delivery(db, delivery));
    return store::note_webhook(db, state);
  };
  const auto written = co_await parts_.database->transact(std::move(write_down));
  if (!written) {
    log_error("notify", "a webhook's delivery could not be written down",
              {{"delivery", delivery.id}, {"error", written.error().message}});
    // It would be sent over and over while the table cannot say that it was.
    co_await sleep_for(kWebhookPauses.back() / 60);
  }
  under_way_.erase(delivery.webhook);
  wake_.notify();
}

// --- looked at

Task<Result<Delivery>> Webhooks::test(Actor actor, std::string id) {
  const Webhook* known = find(actor, id);
  if (known == nullptr) co_return fail(ErrorKind::not_found, "there is no such webhook");
  const Webhook webhook = *known;
  Event event{.id = "test" + parts_.random->hex(kIdBytes),
              .kind = Kind::done,
              .session_name = "test",
              .text = "This is a test of the webhook.",
              .since = parts_.clock->wall()};
  Delivery delivery = make(webhook, "test", event, "", "");
  const auto answer = co_await post(webhook, delivery);
  judge(delivery, answer);
  if (delivery.state == Delivery::State::waiting) {  // a test is one attempt
    delivery.state = Delivery::State::failed;
    delivery.finished_at = parts_.clock->wall();
  }
  note(delivery);
  auto write_down = [&parts = parts_, delivery, actor](storage::Connection& db) -> Result<std::int64_t> {
    const std::int64_t number = TRY(store::add_finished(db, delivery));
    Delivery stored = delivery;
    stored.id = number;
    TRY(store::update_delivery(db, stored));  // which prunes
    TRY(parts.audit(
        db, {.actor = actor.user_name, .ip = actor.ip, .action = "notify.webhook_test", .target = delivery.webhook}));
    return number;
  };
  const auto number = co_await parts_.database->transact(std::move(write_down));
  if (!number) co_return tl::unexpected(number.error());
  delivery.id = *number;
  co_return delivery;
}

Task<Result<std::vector<Delivery>>> Webhooks::deliveries(Actor actor, std::string id) {
  if (find(actor, id) == nullptr) co_return fail(ErrorKind::not_found, "there is no such webhook");
  auto read = [id](storage::Connection& db) { return store::deliveries_of(db, id, kMaxListed); };
  co_return co_await parts_.database->run(std::move(read));
}

}  // namespace ccd::notify
