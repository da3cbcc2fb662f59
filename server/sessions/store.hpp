// The table `sessions`. Every function runs on the database's thread, inside the caller's transaction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "sessions/session.hpp"
#include "storage/database.hpp"

namespace ccd::sessions {

std::vector<storage::Migration> migrations();

// Every row but the archived ones, oldest first.
Result<std::vector<Session>> load_sessions(storage::Connection& db);
Result<> insert_session(storage::Connection& db, const Session& session);
// Writes all stored columns of the row with this id.
Result<> update_session(storage::Connection& db, const Session& session);
// Only for a session whose start failed: nobody ever saw it.
Result<> erase_unstarted(storage::Connection& db, std::string_view id);

}  // namespace ccd::sessions
