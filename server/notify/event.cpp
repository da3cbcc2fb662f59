#include "notify/event.hpp"

#include <algorithm>

namespace ccd::notify {

std::string_view to_string(Kind kind) {
  switch (kind) {
    case Kind::permission: return "permission";
    case Kind::question: return "question";
    case Kind::plan: return "plan";
    case Kind::done: return "done";
    case Kind::failure: return "failure";
    case Kind::limit: return "limit";
  }
  return "failure";
}

std::optional<Kind> kind_from(std::string_view word) {
  const auto found = std::ranges::find(kKinds, word, [](Kind kind) { return to_string(kind); });
  return found == kKinds.end() ? std::nullopt : std::optional(*found);
}

bool is_request(Kind kind) { return kind == Kind::permission || kind == Kind::question || kind == Kind::plan; }

Kinds Kinds::all() { return from_bits(~std::uint32_t{0}); }

Kinds Kinds::of(std::initializer_list<Kind> kinds) {
  Kinds out;
  for (const Kind kind : kinds) out.add(kind);
  return out;
}

Kinds Kinds::from_bits(std::uint32_t bits) {
  Kinds out;
  for (const Kind kind : kKinds)
    if ((bits >> static_cast<unsigned>(kind)) & 1U) out.add(kind);
  return out;
}

}  // namespace ccd::notify
