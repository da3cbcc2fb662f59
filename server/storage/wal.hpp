// The write-ahead log after a crash or a failed sync.
#pragma once

#include <string>

#include "base/error.hpp"
#include "storage/connection.hpp"

namespace ccd::storage {

// Writes the log's bytes over themselves and syncs them. After a failed fsync Linux keeps the lost pages in memory as
// if they had been written: SQLite would copy commits from them into the database, and a power cut would then lay the
// older log that is really on the disk over the newer database. Done at every opening that finds a log, for the process
// that saw the failure may be dead. Holds the write lock meanwhile, so that no other process adds to the log.
Result<> rewrite_wal(Connection& connection, const std::string& database_path);

}  // namespace ccd::storage
