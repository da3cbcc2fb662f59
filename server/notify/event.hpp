// What somebody may want to be told of: the inbox's items, as this room needs them. Values.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace ccd::notify {

// The same words as the inbox's.
enum class Kind : std::uint8_t { permission, question, plan, done, failure, limit };
inline constexpr std::array kKinds{Kind::permission, Kind::question, Kind::plan,
                                   Kind::done,       Kind::failure,  Kind::limit};
std::string_view to_string(Kind kind);
std::optional<Kind> kind_from(std::string_view word);
// An agent waits until it is answered; of the others somebody is only told.
bool is_request(Kind kind);

class Kinds {
 public:
  Kinds() = default;
  static Kinds all();
  static Kinds of(std::initializer_list<Kind> kinds);
  [[nodiscard]] bool has(Kind kind) const { return bits_.test(static_cast<std::size_t>(kind)); }
  void add(Kind kind) { bits_.set(static_cast<std::size_t>(kind)); }
  [[nodiscard]] std::uint32_t bits() const { return static_cast<std::uint32_t>(bits_.to_ulong()); }
  static Kinds from_bits(std::uint32_t bits);
  bool operator==(const Kinds&) const = default;

 private:
  std::bitset<kKinds.size()> bits_;
};

inline constexpr std::size_t kMaxEventText = 16 * 1024;  // bytes of `text` that are kept

struct Event {
  std::string id{};  // the item's, letters and digits only
  Kind kind = Kind::permission;
  std::string session{};       // the dashboard's id
  std::string session_name{};  // as in addresses: /s/NAME
  std::string project{};
  std::string tool{};       // requests
  std::string text{};       // what is asked, or what happened
  bool whole = true;        // `text` says all of the request: nothing that would be done is left out
  bool answerable = false;  // allow and deny can be said from here
  std::string digest{};     // of the whole request: an answer is to this one and to no other
  WallMicros since = 0;
  std::optional<WallMicros> expires_at{};
};

}  // namespace ccd::notify
