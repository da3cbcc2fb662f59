// Who uses a page right now, as their pages tell it over the socket: then nothing needs to ring on the phone. Lives on the loop.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.hpp"

namespace ccd::notify {

// A page that was not used for so long counts as left.
inline constexpr std::chrono::seconds kPresentFor{60};

class Presence {
 public:
  // One open page; leaves when destroyed.
  class Page {
   public:
    ~Page();
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    enum class Visibility { visible, hidden };
    // `idle`: how long ago somebody touched, typed or moved there.
    void tell(Visibility visibility, std::chrono::milliseconds idle);

   private:
    friend class Presence;
    Page(Presence* presence, std::string user) : presence_(presence), user_(std::move(user)) {}
    Presence* presence_;
    std::string user_;
    bool visible_ = false;
    std::chrono::steady_clock::time_point used_{};
  };

  explicit Presence(const Clock* clock) : clock_(clock) {}

  [[nodiscard]] std::unique_ptr<Page> open(std::string user_id);
  // None when they are at no page, else when that would have to be looked at again.
  [[nodiscard]] std::optional<std::chrono::steady_clock::time_point> present_until(const std::string& user_id) const;
  // Called when somebody may have left.
  void on_change(std::function<void()> listener) { changed_ = std::move(listener); }

 private:
  const Clock* clock_;
  std::list<Page*> pages_;
  std::function<void()> changed_ = [] {};
};

}  // namespace ccd::notify
