#include "notify/pushes.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"
#include "notify/digest.hpp"

namespace ccd::notify {

namespace {

constexpr std::size_t kDeviceIdBytes = 10;
// A push that was taken is written down so often at most: a commit costs a sync.
constexpr WallMicros kNoteEvery = 600LL * 1'000'000;
// What was told and has never been settled: then nothing is settled on the devices of the oldest.
constexpr std::size_t kMaxTold = 10'000;
// All that its user is told, and always with the same status: who may add a device is not to learn by it what the names of this network mean.
constexpr const char* kNotReached = "the push service was not reached: the dashboard's log says why";

std::string detail_json(std::initializer_list<std::pair<boost::json::string_view, boost::json::value_ref>> fields) {
  return boost::json::serialize(boost::json::object(fields));
}

void count(const char* outcome) {
  metrics().counter("notify_push_total", "Push messages handed to push services", {{"outcome", outcome}}).Increment();
}

}  // namespace

Pushes::Pushes(Parts parts, PrivateAddresses private_addresses, Vapid vapid, HttpClient* http,
               PreferenceBook* preferences, Presence* presence, TaskGroup* tasks)
    : parts_(std::move(parts)),
      private_addresses_(private_addresses),
      vapid_(std::move(vapid)),
      http_(http),
      preferences_(preferences),
      presence_(presence),
      tasks_(tasks),
      outbox_(tasks,
              [this](std::string device, PushMessage text) { return deliver(std::move(device), std::move(text)); }),
      wake_(parts_.loop) {}

Result<> Pushes::load() {
  struct Loaded {
    std::vector<Device> devices;
    std::vector<Action> actions;
  };
  const WallMicros oldest = parts_.clock->wall() - std::chrono::microseconds(kActionKept).count();
  const auto read = [oldest](storage::Connection& db) -> Result<Loaded> {
    TRY(store::prune_actions(db, oldest));
    Loaded out;
    out.devices = TRY(store::devices(db));
    out.actions = TRY(store::actions(db));
    return out;
  };
  auto loaded = TRY(parts_.database->transact_now(read));
  for (Device& device : loaded.devices) devices_.emplace(device.id, std::move(device));
  for (Action& action : loaded.actions) actions_.emplace(action.hash, std::move(action));
  pruned_ = parts_.clock->steady();
  return {};
}

Reach Pushes::reach() const {
  if (private_addresses_ != PrivateAddresses::yes) return {};
  return {.addresses = Reach::Addresses::private_too, .plain_http = Reach::PlainHttp::to_loopback};
}

Device* Pushes::find(const std::string& id) {
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : &found->second;
}

// --- devices

std::vector<Device> Pushes::devices(const std::string& user) const {
  std::vector<Device> out;
  for (const auto& [id, device] : devices_)
    if (device.user == user && parts_.login(device.login)) out.push_back(device);
  std::ranges::sort(out, {}, &Device::created_at);
  return out;
}

Task<Result<Device>> Pushes::add_device(Actor actor, Subscription subscription) {
  auto target = parse_target(subscription.endpoint, reach());
  if (!target) co_return fail_field("endpoint", target.error().message);
  if (!valid_point(subscription.receiver.key))
    co_return fail_field("keys.p256dh", "keys.p256dh must be a point of P-256, 65 bytes in base64url");
  if (subscription.receiver.auth.size() != kAuthBytes)
    co_return fail_field("keys.auth", "keys.auth must be 16 bytes in base64url");
  Device device{.id = parts_.random->hex(kDeviceIdBytes),
                .user = actor.user,
                .login = actor.login,
                .endpoint = std::move(target->url),
                .receiver = std::move(subscription.receiver),
                .name = std::move(subscription.name),
                .created_at = parts_.clock->wall()};
  // The same browser tells it again at every start: then nothing changes.
  for (const auto& [id, known] : devices_)
    if (known.endpoint == device.endpoint && known.user == device.user && known.login == device.login &&
        known.receiver.key == device.receiver.key && known.receiver.auth == device.receiver.auth)
      co_return known;
  auto write = [&parts = parts_, device, actor,
                host = target->host](storage::Connection& db) -> Result<std::vector<std::string>> {
    auto gone = TRY(store::put_device(db, device));
    TRY(parts.audit(db, {.actor = actor.user_name,
                         .ip = actor.ip,
                         .action = "notify.device_add",
                         .target = device.id,
                         .detail = detail_json({{"name", device.name}, {"service", host}})}));
    return gone;
  };
  const auto gone = co_await parts_.database->transact(std::move(write));
  if (!gone) co_return tl::unexpected(gone.error());
  for (const std::string& id : *gone) drop_device(id);
  devices_[device.id] = device;
  co_return device;
}

void Pushes::drop_device(const std::string& id) {
  devices_.erase(id);
  outbox_.forget_device(id);
  std::erase_if(actions_, [&](const auto& action) { return action.second.device == id; });
}

Task<Result<>> Pushes::remove_device(Actor actor, std::string id) {
  const Device* device = find(id);
  if (device == nullptr || device->user != actor.user) co_return fail(ErrorKind::not_found, "there is no such device");
  auto write = [&parts = parts_, actor, id, name = device->name](storage::Connection& db) -> Result<> {
    TRY(store::delete_device(db, id));
    return parts.audit(db, {.actor = actor.user_name,
                            .ip = actor.ip,
                            .action = "notify.device_remove",
                            .target = id,
                            .detail = detail_json({{"name", name}})});
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  drop_device(id);
  co_return Result<>{};
}

void Pushes::login_ended(const std::string& login) {
  std::vector<std::string> ids;
  for (const auto& [id, device] : devices_)
    if (device.login == login) ids.push_back(id);
  // The table's rows went with the login's own.
  for (const std::string& id : ids) drop_device(id);
}

Task<void> Pushes::remove_gone(Device device) {
  auto write = [&parts = parts_, device](storage::Connection& db) -> Result<> {
    if (!TRY(store::delete_device(db, device.id))) return {};
    return parts.audit(
        db, {.action = "notify.device_gone", .target = device.id, .detail = detail_json({{"name", device.name}})});
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written)
    log_error("notify", "a device that is gone could not be removed",
              {{"device", device.id}, {"error", written.error().message}});
}

void Pushes::note(const std::string& id, std::string error) {
  Device* device = find(id);
  if (device == nullptr) return;
  const WallMicros now = parts_.clock->wall();
  const bool worth_it =
      device->last_error != error || (error.empty() && now - device->last_ok_at.value_or(0) > kNoteEvery);
  if (error.empty()) device->last_ok_at = now;
  device->last_error = std::move(error);
  if (!worth_it) return;
  auto write = [](storage::Database* database, Device copy) -> Task<void> {
    auto job = [copy](storage::Connection& db) { return store::note_device(db, copy); };
    const auto written = co_await database->run(std::move(job));
    if (!written) log_warn("notify", "a device's state could not be written", {{"error", written.error().message}});
  };
  tasks_->spawn("notify.device", write(parts_.database, *device));
}

// --- sending

Task<Result<HttpAnswer>> Pushes::post(Device device, PushMessage text) {
  const auto target = parse_target(device.endpoint, reach());
  if (!target) co_return tl::unexpected(target.error());
  const auto key = P256Key::generate();
  if (!key) co_return tl::unexpected(key.error());
  std::array<std::byte, 16> salt{};
  parts_.random->fill(salt);
  auto body = encrypt_push(device.receiver, *key, salt, text.text, push_padding(text.text.size()));
  if (!body) co_return tl::unexpected(body.error());
  const auto authorization = vapid_.authorization(target->origin, parts_.clock->wall());
  if (!authorization) co_return tl::unexpected(authorization.error());
  HttpRequest request{.target = *target, .reach = reach(), .body = std::move(*body)};
  request.headers = {"Content-Type: application/octet-stream", "Content-Encoding: aes128gcm",
                     "Authorization: " + *authorization, "TTL: " + std::to_string(text.ttl.count()),
                     std::string("Urgency: ") + (text.urgency == Urgency::high ? "high" : "normal")};
  if (!text.topic.empty()) request.headers.push_back("Topic: " + text.topic);
  co_return co_await http_->post(std::move(request));
}

PushOutcome Pushes::judge(const std::string& id, const Result<HttpAnswer>& answer) {
  using Outcome = PushOutcome::Kind;
  if (!answer) {
    note(id, kNotReached);
    log_info("notify", "a push service was not reached", {{"device", id}, {"error", answer.error().message}});
    const bool passing = answer.error().kind == ErrorKind::timeout || answer.error().kind == ErrorKind::unavailable;
    count(passing ? "unreachable" : "refused");
    return {.kind = passing ? Outcome::again : Outcome::refused,
            .may_have_arrived = answer.error().kind == ErrorKind::timeout};
  }
  const int status = answer->status;
  if (status >= 200 && status < 300) {
    count("accepted");
    note(id, "");
    return {.kind = Outcome::accepted};
  }
  if (status == 404 || status == 410) {
    count("gone");
    if (const Device* device = find(id)) {
      log_info("notify", "a push service knows a device no more: it is removed",
               {{"device", id}, {"name", device->name}, {"status", status}});
      tasks_->spawn("notify.gone", remove_gone(*device));
      drop_device(id);
    }
    return {.kind = Outcome::gone};
  }
  note(id, "the push service answered " + std::to_string(status));
  if (status == 429 || status >= 500) {
    count("again");
    return {.kind = Outcome::again, .retry_after = answer->retry_after};
  }
  count("refused");
  log_warn("notify", "a push service refused a message",
           {{"device", id}, {"status", status}, {"answer", answer->body.substr(0, 200)}});
  return {.kind = Outcome::refused};
}

Task<PushOutcome> Pushes::deliver(std::string id, PushMessage text) {
  const Device* device = find(id);
  if (device == nullptr || !parts_.login(device->login)) co_return PushOutcome{.kind = PushOutcome::Kind::gone};
  const auto answer = co_await post(*device, std::move(text));
  co_return judge(id, answer);
}

Task<Result<>> Pushes::test_device(Actor actor, std::string id) {
  const Device* device = find(id);
  if (device == nullptr || device->user != actor.user) co_return fail(ErrorKind::not_found, "there is no such device");
  const PushText text{.type = "test",
                      .tag = "test",
                      .words = {.title = "Claude Code Dashboard", .body = "Notifications reach this device."},
                      .address = "/settings/notifications",
                      .at = parts_.clock->wall(),
                      .waiting = open_requests()};
  PushMessage message{
      .text = push_text(text), .ttl = std::chrono::minutes(5), .urgency = Urgency::high, .topic = "test"};
  const auto answer = co_await post(*device, std::move(message));
  const PushOutcome outcome = judge(id, answer);
  if (outcome.kind == PushOutcome::Kind::accepted) co_return Result<>{};
  if (!answer) co_return fail(ErrorKind::unavailable, kNotReached);
  if (outcome.kind == PushOutcome::Kind::gone)
    co_return fail(ErrorKind::gone,
                   "the push service does not know this device any more: it was taken off the list. Turn notifications "
                   "on again there");
  co_return fail(ErrorKind::unavailable, "the push service answered " + std::to_string(answer->status));
}

std::size_t Pushes::open_requests() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(open_, [](const auto& item) { return is_request(item.second->kind); }));
}

// --- actions from a lock screen

Task<Result<Grant>> Pushes::use_action(std::string item, std::string token, std::string decision, std::string ip) {
  const std::string hash = sha256(token);
  const auto found = actions_.find(hash);
  if (found == actions_.end() || found->second.item != item)
    co_return fail(ErrorKind::unauthorized, "this notification's right to answer is not valid: open the dashboard");
  const Action action = found->second;
  if (action.used_at) co_return fail(ErrorKind::gone, "this notification has been used already");
  const auto open = open_.find(item);
  if (open == open_.end()) co_return fail(ErrorKind::conflict, "this request is no longer open");
  if (open->second->digest != action.digest)
    co_return fail(ErrorKind::conflict,
                   "this is not the request any more that the notification showed: open the dashboard");
  if (!open->second->answerable)
    co_return fail(ErrorKind::conflict, "this request can only be answered in its terminal by now");
  const auto login = parts_.login(action.login);
  const Device* device = find(action.device);
  if (!login || device == nullptr || login->user != action.user)
    co_return fail(ErrorKind::unauthorized, "the login of this device has ended: open the dashboard and log in");
  if (!login->may_answer) co_return fail(ErrorKind::forbidden, "your role may watch, but not answer");
  if (decision == "allow" && !offers_allow(open->second, action, token))
    co_return fail(
        ErrorKind::forbidden,
        "the notification did not show all of this request, so it can only be denied from there: open the dashboard");
  const Grant grant{.user_name = login->user_name, .device = device->name};
  const WallMicros now = parts_.clock->wall();
  auto write = [&parts = parts_, hash, now, grant, item, decision, ip,
                id = action.device](storage::Connection& db) -> Result<bool> {
    if (!TRY(store::use_action(db, hash, now))) return false;
    TRY(parts.audit(db,
                    {.actor = grant.user_name,
                     .ip = ip,
                     .action = "attention.push_action",
                     .target = item,
                     .detail = detail_json(
                         {{"decision", decision}, {"via", "push"}, {"device", id}, {"device_name", grant.device}})}));
    return true;
  };
  const auto used = co_await parts_.database->transact(std::move(write));
  if (!used) co_return tl::unexpected(used.error());
  if (!*used) co_return fail(ErrorKind::gone, "this notification has been used already");
  const auto known = actions_.find(hash);
  if (known != actions_.end()) known->second.used_at = now;
  // Its own notification went with the tap.
  outbox_.taken_off(action.device, item);
  co_return grant;
}

Task<void> Pushes::prune() {
  pruned_ = parts_.clock->steady();
  const WallMicros oldest = parts_.clock->wall() - std::chrono::microseconds(kActionKept).count();
  std::erase_if(actions_, [&](const auto& action) { return action.second.created_at < oldest; });
  while (told_.size() > kMaxTold) told_.erase(told_.begin());
  auto write = [oldest](storage::Connection& db) { return store::prune_actions(db, oldest); };
  const auto pruned = co_await parts_.database->run(std::move(write));
  if (!pruned) log_warn("notify", "old tokens could not be removed", {{"error", pruned.error().message}});
}

}  // namespace ccd::notify
