#include "notify/notify.hpp"

#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/time_zone.hpp"

namespace ccd::notify {

namespace {

constexpr auto kStopLimit = std::chrono::seconds(2);
constexpr std::size_t kMaxNameBytes = 256;

// At most `limit` bytes, whole characters, what is no UTF-8 replaced. False when something was cut off.
bool tidy(std::string& text, std::size_t limit) {
  const bool fits = text.size() <= limit;
  if (!fits) {
    text.resize(limit);
    // Half a character at the end goes too.
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0U) == 0x80) text.pop_back();
    if (!text.empty() && static_cast<unsigned char>(text.back()) >= 0xC0) text.pop_back();
  }
  if (!valid_utf8(text)) text = printable(text);
  return fits;
}

void tidy(Event& event) {
  event.whole = tidy(event.text, kMaxEventText) && event.whole;
  for (std::string* name : {&event.session_name, &event.project, &event.tool}) tidy(*name, kMaxNameBytes);
}

}  // namespace

std::string_view to_string(PrivateAddresses rule) {
  switch (rule) {
    case PrivateAddresses::no: return "no";
    case PrivateAddresses::webhooks: return "webhooks";
    case PrivateAddresses::yes: return "yes";
  }
  return "no";
}

Notify::Notify(Options options, Parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      tasks_(parts_.loop),
      http_(parts_.loop, options_.http),
      preferences_(parts_),
      presence_(parts_.clock) {}

Notify::~Notify() = default;

Result<std::unique_ptr<Notify>> Notify::open(Options options, Parts parts) {
  if (!load_time_zones())
    log_warn("notify", "this machine has no time zones (tzdata): quiet hours can only be set in none");
  auto key = Vapid::load_or_create_key(options.data_dir + "/push.key", *parts.random);
  if (!key) return tl::unexpected(std::move(key).error());
  std::unique_ptr<Notify> out(new Notify(std::move(options), std::move(parts)));
  Notify& self = *out;
  self.pushes_ = std::make_unique<Pushes>(self.parts_, self.options_.private_addresses,
                                          Vapid(std::move(*key), self.options_.contact), &self.http_,
                                          &self.preferences_, &self.presence_, &self.tasks_);
  self.webhooks_ = std::make_unique<Webhooks>(self.parts_, self.options_.private_addresses, self.options_.page_url,
                                              &self.http_, &self.preferences_, &self.tasks_);
  TRY(self.preferences_.load());
  TRY(self.pushes_->load());
  TRY(self.webhooks_->load());
  return out;
}

void Notify::start() {
  tasks_.spawn("notify.pushes", pushes_->run());
  tasks_.spawn("notify.deliveries", webhooks_->run());
}

Task<void> Notify::stop() {
  presence_.on_change([] {});
  preferences_.on_change([] {});
  http_.stop();
  tasks_.cancel();
  if (!co_await tasks_.join(kStopLimit)) log_warn("notify", "tasks did not end in time", {{"left", tasks_.running()}});
}

void Notify::opened(Event event) {
  tidy(event);
  const auto shared = std::make_shared<const Event>(std::move(event));
  open_[shared->id] = shared;
  webhooks_->opened(*shared);
  pushes_->opened(shared);
}

void Notify::was_open(Event event) {
  tidy(event);
  const auto shared = std::make_shared<const Event>(std::move(event));
  open_[shared->id] = shared;
  pushes_->was_open(shared);
}

void Notify::changed(Event event) {
  if (open_.contains(event.id)) was_open(std::move(event));
}

void Notify::closed(const std::string& id, const std::string& how, const std::string& by) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const auto event = found->second;
  open_.erase(found);
  webhooks_->closed(*event, how, by);
  pushes_->closed(id, how, by);
}

}  // namespace ccd::notify
