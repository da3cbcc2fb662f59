#include "notify/preference_book.hpp"

#include "notify/store.hpp"

namespace ccd::notify {

Result<> PreferenceBook::load() {
  for (auto& [user, preferences] :
       TRY(parts_.database->run_now([](storage::Connection& db) { return store::preferences(db); })))
    by_user_[user] = std::move(preferences);
  return {};
}

const Preferences& PreferenceBook::of(const std::string& user) const {
  static const Preferences defaults;
  const auto found = by_user_.find(user);
  return found == by_user_.end() ? defaults : found->second;
}

Task<Result<>> PreferenceBook::set(Actor actor, Preferences preferences) {
  auto write = [&parts = parts_, actor, preferences, now = parts_.clock->wall()](storage::Connection& db) -> Result<> {
    TRY(store::put_preferences(db, actor.user, preferences, now));
    return parts.audit(db, {.actor = actor.user_name,
                            .ip = actor.ip,
                            .action = "notify.preferences",
                            .target = actor.user_name,
                            .detail = preferences_text(preferences)});
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  by_user_[actor.user] = std::move(preferences);
  changed_();
  co_return Result<>{};
}

}  // namespace ccd::notify
