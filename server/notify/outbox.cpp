#include "notify/outbox.hpp"

#include <algorithm>

#include "base/metrics.hpp"

namespace ccd::notify {

void Outbox::want(const Key& key, const SlotPtr& slot, PushMessage message, bool closing) {
  slot->wanted = std::move(message);
  slot->closing = closing;
  slot->order = ++order_;
  ++slot->version;
  slot->changed.notify();
  if (slot->running) return;
  slot->running = true;
  tasks_->spawn("notify.push", run(key, slot));
}

void Outbox::make_room() {
  if (slots_.size() < kMaxSlots) return;
  auto oldest = slots_.end();
  for (auto it = slots_.begin(); it != slots_.end(); ++it)
    if (!it->second->running && (oldest == slots_.end() || it->second->order < oldest->second->order)) oldest = it;
  if (oldest != slots_.end()) slots_.erase(oldest);
}

void Outbox::show(const std::string& device, const std::string& tag, PushMessage message) {
  const Key key{device, tag};
  auto found = slots_.find(key);
  if (found == slots_.end()) {
    make_room();
    if (slots_.size() >= kMaxSlots) {
      metrics().counter("notify_dropped_total", "Notifications that were not sent because too many waited").Increment();
      return;
    }
    found = slots_.emplace(key, std::make_shared<Slot>(tasks_->executor())).first;
  }
  const SlotPtr slot = found->second;
  want(key, slot, std::move(message), false);
}

void Outbox::settle(const std::string& device, const std::string& tag, PushMessage message) {
  const Key key{device, tag};
  const auto found = slots_.find(key);
  if (found == slots_.end()) return;
  const SlotPtr slot = found->second;
  if (slot->stands || slot->under_way) return want(key, slot, std::move(message), true);
  // It waits for another attempt: it is not made.
  slot->wanted.reset();
  ++slot->version;
  slot->changed.notify();
}

void Outbox::taken_off(const std::string& device, const std::string& tag) {
  const auto found = slots_.find(Key{device, tag});
  if (found == slots_.end() || found->second->running) return;
  slots_.erase(found);
}

void Outbox::forget_device(const std::string& device) {
  for (auto it = slots_.begin(); it != slots_.end();) {
    if (it->first.first != device) {
      ++it;
      continue;
    }
    it->second->wanted.reset();
    it->second->changed.notify();
    it = slots_.erase(it);
  }
}

void Outbox::drop(const Key& key, const SlotPtr& slot) {
  slot->running = false;
  const auto found = slots_.find(key);
  if (found != slots_.end() && found->second == slot && !slot->stands) slots_.erase(found);
}

Task<void> Outbox::run(Key key, SlotPtr slot) {
  std::uint64_t version = 0;
  int number = 0;
  while (slot->wanted) {
    if (slot->version != version) number = 0;
    version = slot->version;
    const bool more = co_await attempt(key, slot, ++number);
    if (!more) break;
  }
  slot->wanted.reset();
  drop(key, slot);
}

// False when there is nothing more to do for this slot.
Task<bool> Outbox::attempt(Key key, SlotPtr slot, int number) {
  const std::uint64_t version = slot->version;
  const bool closing = slot->closing;
  PushMessage message = *slot->wanted;
  slot->under_way = true;
  const PushOutcome outcome = co_await deliver_(key.first, std::move(message));
  slot->under_way = false;
  if (outcome.kind == PushOutcome::Kind::gone) {
    slot->stands = false;
    co_return false;
  }
  if (outcome.kind == PushOutcome::Kind::accepted) slot->stands = !closing;
  if (outcome.may_have_arrived && !closing) slot->stands = true;
  const bool newest = slot->version == version;
  if (outcome.kind != PushOutcome::Kind::again) {
    if (newest) slot->wanted.reset();
    co_return slot->wanted.has_value();
  }
  if (!newest) {
    // What was to be ended has never arrived.
    co_return slot->wanted.has_value() && !(slot->closing && !slot->stands);
  }
  std::chrono::milliseconds pause = first_retry_;
  for (int i = 1; i < number; ++i) pause = std::min<std::chrono::milliseconds>(pause * 4, kLongestRetry);
  if (outcome.retry_after) pause = std::max<std::chrono::milliseconds>(pause, *outcome.retry_after);
  if (number >= kMaxPushAttempts || pause > kMaxRetryAfter) co_return false;
  co_await slot->changed.wait_for(pause);
  co_return slot->wanted.has_value();
}

}  // namespace ccd::notify
