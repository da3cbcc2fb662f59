// Everybody's preferences, in memory and in the table. Lives on the loop.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "notify/parts.hpp"
#include "notify/preferences.hpp"

namespace ccd::notify {

class PreferenceBook {
 public:
  explicit PreferenceBook(Parts parts) : parts_(std::move(parts)) {}
  // Blocks; at start.
  Result<> load();
  // The defaults for who has said nothing. Valid until the next set().
  [[nodiscard]] const Preferences& of(const std::string& user) const;
  Task<Result<>> set(Actor actor, Preferences preferences);
  // Called when somebody wants something else.
  void on_change(std::function<void()> listener) { changed_ = std::move(listener); }

 private:
  Parts parts_;
  std::map<std::string, Preferences> by_user_;
  std::function<void()> changed_ = [] {};
};

}  // namespace ccd::notify
