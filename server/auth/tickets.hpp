// Single-use tickets that open a WebSocket: a browser cannot send a header with one, and a token has no place in a URL.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "auth/principal.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"

namespace ccd::auth {

inline constexpr std::size_t kTicketBytes = 32;             // 256 random bits: 43 characters
inline constexpr std::chrono::seconds kTicketLifetime{30};  // a page uses it at once
inline constexpr std::size_t kMaxTicketsPerUser = 64;       // open at the same time; then ErrorKind::too_many
inline constexpr std::size_t kMaxTickets = 4096;            // over all users: 1 MB

// In memory only: a restart voids them, and the page asks again. Lives on the loop.
class Tickets {
 public:
  Tickets(const Clock* clock, Random* random) : clock_(clock), random_(random) {}

  // For this user, this login session and a page of exactly this origin ("" for a program that sends none).
  Result<std::string> issue(const Principal& who, std::string_view origin);
  // Whom it was issued to. The first call ends the ticket, whatever the outcome. ErrorKind::unauthorized otherwise.
  Result<Principal> redeem(std::string_view ticket, std::string_view origin);
  // Voids the tickets of a login session that has ended.
  void revoke(std::string_view session_id);

  [[nodiscard]] std::size_t size() const { return by_hash_.size(); }

 private:
  struct Entry {
    std::string hash;
    Principal who;
    std::string origin;
    std::chrono::steady_clock::time_point expires;
  };
  void drop_expired();
  void drop(std::list<Entry>::iterator entry);

  const Clock* clock_;
  Random* random_;
  std::list<Entry> entries_;  // oldest first; all live equally long, so the front expires first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_hash_;  // SHA-256 of the ticket
  std::unordered_map<std::string, std::size_t> per_user_;
};

}  // namespace ccd::auth
