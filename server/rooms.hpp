// What serving and the operator's commands both need of several rooms together.
#pragma once

#include <string>
#include <vector>

#include "audit/trail.hpp"
#include "auth/auth.hpp"
#include "notify/parts.hpp"
#include "storage/database.hpp"
#include "storage/lease.hpp"

namespace ccd {

// Every room's, in the order in which they are applied.
std::vector<storage::Migration> all_migrations();

// Of these, what a database with the migrations `applied` lacks, and what it has beyond them (a newer version made it).
struct SchemaGap {
  std::vector<std::string> pending;
  std::vector<std::string> unknown;
};
SchemaGap schema_gap(const std::vector<std::string>& applied);

// A login's row in the audit trail, written in the transaction of the login itself.
Result<> audit_auth(const audit::Trail& trail, storage::Connection& db, const auth::AuthEvent& event);

// An act about notifications, likewise.
Result<> audit_notify(const audit::Trail& trail, storage::Connection& db, const notify::Note& note);

// This process as the holder of a lease.
storage::LeaseHolder this_process(int port, WallMicros now);

}  // namespace ccd
