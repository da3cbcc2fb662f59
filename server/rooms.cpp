#include "rooms.hpp"

#include <unistd.h>
#include <algorithm>
#include <array>

#include "agents/agents.hpp"
#include "agents/lifecycle.hpp"
#include "base/log.hpp"
#include "notify/store.hpp"
#include "sessions/store.hpp"

namespace ccd {

std::vector<storage::Migration> all_migrations() {
  std::vector<storage::Migration> out;
  for (const auto& room :
       {audit::migrations(), auth::migrations(), sessions::migrations(), notify::migrations(), agents::migrations(),
        agents::trust_migrations(), agents::template_migrations(), agents::lifecycle_migrations()})
    out.insert(out.end(), room.begin(), room.end());
  return out;
}

SchemaGap schema_gap(const std::vector<std::string>& applied) {
  SchemaGap gap;
  const auto known = all_migrations();
  for (const auto& migration : known)
    if (std::ranges::find(applied, migration.name) == applied.end()) gap.pending.emplace_back(migration.name);
  for (const std::string& name : applied)
    if (std::ranges::find(known, name, &storage::Migration::name) == known.end()) gap.unknown.push_back(name);
  return gap;
}

Result<> audit_auth(const audit::Trail& trail, storage::Connection& db, const auth::AuthEvent& event) {
  // For those who watch the log; as many as the throttle lets through.
  if (auth::is_failure(event.kind))
    log_warn("auth",
             event.kind == auth::AuthEvent::Kind::login_failed ? "login failed"
                                                               : "login denied: an old refresh token was used again",
             {{"user", event.actor_name}, {"ip", event.ip}});
  audit::Record record{.actor = event.actor_name,
                       .ip = event.ip,
                       .action = "auth." + std::string(auth::to_string(event.kind)),
                       .target = event.target,
                       .outcome = auth::is_failure(event.kind) ? audit::Outcome::denied : audit::Outcome::ok,
                       .detail = event.detail};
  return trail.append(db, record);
}

Result<> audit_notify(const audit::Trail& trail, storage::Connection& db, const notify::Note& note) {
  return trail.append(
      db, {.actor = note.actor, .ip = note.ip, .action = note.action, .target = note.target, .detail = note.detail});
}

storage::LeaseHolder this_process(int port, WallMicros now) {
  std::array<char, 256> host{};
  if (::gethostname(host.data(), host.size() - 1) != 0) host.fill('\0');
  return {.pid = ::getpid(), .host = host.data(), .port = port, .version = DASHBOARD_VERSION, .since = now};
}

}  // namespace ccd
