// From an event to what stands on somebody's devices, and off them again.
#include <algorithm>

#include "base/log.hpp"
#include "notify/digest.hpp"
#include "notify/pushes.hpp"

namespace ccd::notify {

namespace {

constexpr std::chrono::hours kPruneEvery{1};

// What has to fit into one push message, whatever the words are.
constexpr std::size_t kMaxPushJson = kMaxPushText;

}  // namespace

void Pushes::opened(EventPtr event) {
  open_[event->id] = event;
  std::set<std::string> users;
  for (const auto& [id, device] : devices_) users.insert(device.user);
  for (const std::string& user : users) planner_.add(user, preferences_->of(user), event, parts_.clock->steady());
  wake_.notify();
}

void Pushes::was_open(EventPtr event) { open_[event->id] = std::move(event); }

void Pushes::closed(const std::string& id, const std::string& how, const std::string& by) {
  const auto open = open_.find(id);
  if (open == open_.end()) return;
  const EventPtr event = open->second;
  open_.erase(open);
  planner_.closed(id);
  for (auto told = told_.begin(); told != told_.end();) {
    const auto& [user, tag] = told->first;
    const bool was_told = told->second.erase(id) > 0;
    if (!was_told || !told->second.empty()) {
      ++told;
      continue;
    }
    const PushMessage message = settled_message(tag, *event, preferences_->of(user), how, by);
    for (const auto& [device_id, device] : devices_)
      if (device.user == user) outbox_.settle(device_id, tag, message);
    told = told_.erase(told);
  }
}

Gate Pushes::gate(const std::string& user) const {
  const bool reachable = std::ranges::any_of(devices_, [&](const auto& device) { return device.second.user == user; });
  if (!reachable) return {};
  return {.preferences = &preferences_->of(user), .present_until = presence_->present_until(user)};
}

Task<void> Pushes::run() {
  const auto look_again = [this] {
    planner_.look_again(parts_.clock->steady());
    wake_.notify();
  };
  presence_->on_change(look_again);
  preferences_->on_change(look_again);
  for (;;) {
    const auto at_gate = [this](const std::string& user) { return gate(user); };
    const std::vector<Notification> due = planner_.take_due(parts_.clock->steady(), parts_.clock->wall(), at_gate);
    for (const Notification& notification : due) co_await send(notification);
    if (parts_.clock->steady() - pruned_ > kPruneEvery) co_await prune();
    const auto next = planner_.next_due();
    if (!next) {
      co_await wake_.wait();
      continue;
    }
    const auto pause = *next - parts_.clock->steady();
    if (pause > pause.zero()) co_await wake_.wait_for(pause);
  }
}

// A token for each of the devices; none when the request cannot be answered from there, or the table does not take them.
Task<std::map<std::string, std::string>> Pushes::make_tokens(Notification notification,
                                                             std::vector<std::string> devices) {
  std::map<std::string, std::string> tokens;
  const Preferences& preferences = preferences_->of(notification.user);
  const EventPtr& event = notification.events.front();
  // Who does not see what is asked cannot answer it.
  const bool wanted = notification.events.size() == 1 && event->answerable && preferences.contents &&
                      preferences.lock_screen != LockScreen::never;
  if (!wanted) co_return tokens;
  std::vector<Action> actions;
  for (const std::string& id : devices) {
    const Device* device = find(id);
    const auto login = device == nullptr ? std::nullopt : parts_.login(device->login);
    if (!login || !login->may_answer) continue;
    const std::string token = parts_.random->token(kActionTokenBytes);
    actions.push_back({.hash = sha256(token),
                       .device = id,
                       .user = notification.user,
                       .login = device->login,
                       .item = event->id,
                       .digest = event->digest,
                       .created_at = parts_.clock->wall()});
    tokens[id] = token;
  }
  if (actions.empty()) co_return tokens;
  auto write = [actions](storage::Connection& db) { return store::add_actions(db, actions); };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) {
    log_warn("notify", "tokens could not be written: the notification can only be opened",
             {{"error", written.error().message}});
    tokens.clear();
    co_return tokens;
  }
  for (Action& action : actions) actions_[action.hash] = std::move(action);
  while (actions_.size() > kMaxActions)
    actions_.erase(std::ranges::min_element(actions_, {}, [](const auto& a) { return a.second.created_at; }));
  co_return tokens;
}

Task<void> Pushes::send(Notification notification) {
  std::vector<std::string> devices;
  for (const auto& [id, device] : devices_)
    if (device.user == notification.user && parts_.login(device.login)) devices.push_back(id);
  const auto tokens = co_await make_tokens(notification, devices);
  // It may have been settled while the tokens were written.
  std::erase_if(notification.events, [this](const EventPtr& event) { return !open_.contains(event->id); });
  if (notification.events.empty()) co_return;
  auto& told = told_[{notification.user, notification.tag}];
  for (const EventPtr& event : notification.events) told.insert(event->id);
  const Preferences& preferences = preferences_->of(notification.user);
  for (const std::string& id : devices) {
    const auto token = tokens.find(id);
    outbox_.show(id, notification.tag, message(notification, preferences, token == tokens.end() ? "" : token->second));
  }
}

PushText Pushes::show_text(const Notification& notification, const Preferences& preferences,
                           const std::string& token) const {
  const Event& first = *notification.events.front();
  PushText text{.type = "show", .tag = notification.tag, .words = words_of(notification.events, preferences.contents)};
  const bool one = notification.events.size() == 1;
  text.address = one ? address_of(first, preferences.contents) : "/";
  text.urgent = is_request(first.kind);
  text.at = one ? first.since : parts_.clock->wall();
  text.waiting = open_requests();
  text.token = token;
  text.item = first.id;
  text.allow = text.words.whole || preferences.lock_screen == LockScreen::always;
  std::string json = push_text(text);
  // Characters of many bytes: then fewer of them.
  for (std::size_t limit = kMaxShown / 2; json.size() > kMaxPushJson && limit > 10; limit /= 2) {
    const Shown body = shown(first.text, limit);
    text.words.body = body.text;
    text.words.whole = false;
    text.allow = preferences.lock_screen == LockScreen::always;
    json = push_text(text);
  }
  return text;
}

// Asked again when somebody answers: what stands on the device's buttons is the device's affair.
bool Pushes::offers_allow(const EventPtr& event, const Action& action, const std::string& token) const {
  const Notification notification{.user = action.user, .events = {event}, .tag = event->id};
  return show_text(notification, preferences_->of(action.user), token).allow;
}

PushMessage Pushes::message(const Notification& notification, const Preferences& preferences,
                            const std::string& token) const {
  const Event& first = *notification.events.front();
  const bool one = notification.events.size() == 1;
  const std::string json = push_text(show_text(notification, preferences, token));
  const bool high = is_request(first.kind) || first.kind == Kind::failure;
  std::chrono::seconds ttl = is_request(first.kind) ? kRequestTtl : kNoticeTtl;
  if (one && first.expires_at) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::microseconds(*first.expires_at - parts_.clock->wall()));
    ttl = std::clamp(left, std::chrono::seconds(60), ttl);
  }
  return {.text = json, .ttl = ttl, .urgency = high ? Urgency::high : Urgency::normal, .topic = notification.tag};
}

PushMessage Pushes::settled_message(const std::string& tag, const Event& event, const Preferences& preferences,
                                    const std::string& how, const std::string& by) const {
  PushText text{.type = "settled", .tag = tag};
  text.words = words_of({std::make_shared<const Event>(event)}, preferences.contents);
  text.words.body = settled_words(how, preferences.contents ? by : "");
  text.address = address_of(event, preferences.contents);
  text.at = parts_.clock->wall();
  text.waiting = open_requests();
  return {.text = push_text(text), .ttl = kNoticeTtl, .urgency = Urgency::normal, .topic = tag};
}

}  // namespace ccd::notify
