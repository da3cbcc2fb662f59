#include "auth/tickets.hpp"

#include <iterator>

#include "auth/jwt.hpp"

namespace ccd::auth {

Result<std::string> Tickets::issue(const Principal& who, std::string_view origin) {
  drop_expired();
  if (const auto open = per_user_.find(who.user_id); open != per_user_.end() && open->second >= kMaxTicketsPerUser)
    return tl::unexpected(Error{.kind = ErrorKind::too_many,
                                .message = "too many unused socket tickets: use one, or wait 30 s",
                                .retry_seconds = static_cast<int>(kTicketLifetime.count())});
  if (entries_.size() >= kMaxTickets)
    return fail(ErrorKind::unavailable, "too many unused socket tickets on this server");
  const std::string ticket = random_->token(kTicketBytes);
  entries_.push_back({sha256(ticket), who, std::string(origin), clock_->steady() + kTicketLifetime});
  by_hash_[entries_.back().hash] = std::prev(entries_.end());
  ++per_user_[who.user_id];
  return ticket;
}

Result<Principal> Tickets::redeem(std::string_view ticket, std::string_view origin) {
  drop_expired();
  // Found by its hash: a lookup's time says nothing about a ticket that one does not have.
  const auto found = by_hash_.find(sha256(ticket));
  if (found == by_hash_.end()) return fail(ErrorKind::unauthorized, "socket ticket: not one of ours, used or expired");
  const Entry entry = *found->second;
  drop(found->second);
  if (entry.origin != origin) return fail(ErrorKind::unauthorized, "socket ticket: issued to a page of another origin");
  return entry.who;
}

void Tickets::revoke(std::string_view session_id) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto next = std::next(it);
    if (it->who.session_id == session_id) drop(it);
    it = next;
  }
}

void Tickets::drop_expired() {
  const auto now = clock_->steady();
  while (!entries_.empty() && entries_.front().expires <= now) drop(entries_.begin());
}

void Tickets::drop(std::list<Entry>::iterator entry) {
  if (const auto user = per_user_.find(entry->who.user_id); user != per_user_.end() && --user->second == 0)
    per_user_.erase(user);
  by_hash_.erase(entry->hash);
  entries_.erase(entry);
}

}  // namespace ccd::auth
