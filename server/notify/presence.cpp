#include "notify/presence.hpp"

#include <algorithm>

namespace ccd::notify {

Presence::Page::~Page() {
  presence_->pages_.remove(this);
  presence_->changed_();
}

void Presence::Page::tell(Visibility visibility, std::chrono::milliseconds idle) {
  visible_ = visibility == Visibility::visible;
  used_ = presence_->clock_->steady() - std::max(idle, std::chrono::milliseconds(0));
  presence_->changed_();
}

std::unique_ptr<Presence::Page> Presence::open(std::string user_id) {
  std::unique_ptr<Page> page(new Page(this, std::move(user_id)));
  pages_.push_back(page.get());
  return page;
}

std::optional<std::chrono::steady_clock::time_point> Presence::present_until(const std::string& user_id) const {
  std::optional<std::chrono::steady_clock::time_point> latest;
  for (const Page* page : pages_)
    if (page->visible_ && page->user_ == user_id) latest = std::max(latest.value_or(page->used_), page->used_);
  if (!latest || clock_->steady() >= *latest + kPresentFor) return std::nullopt;
  return *latest + kPresentFor;
}

}  // namespace ccd::notify
