// Schema migrations: each applied once, in order, and never changed afterwards.
#include <openssl/evp.h>
#include <algorithm>
#include <array>
#include <set>

#include "base/clock.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "storage/database.hpp"

namespace ccd::storage {

namespace {

std::string sha256_hex(std::string_view text) {
  std::array<std::byte, 32> digest{};
  std::size_t size = 0;
  if (EVP_Q_digest(nullptr, "SHA256", nullptr, text.data(), text.size(),
                   reinterpret_cast<unsigned char*>(digest.data()), &size) != 1) {
    return {};
  }
  return hex_encode(digest);
}

struct Applied {
  std::string name;
  std::string sha256;
};

Result<> check_known(const std::vector<Applied>& applied, const std::vector<Migration>& known) {
  for (const auto& done : applied) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const Migration& m) { return m.name == done.name; });
    if (same == known.end()) {
      return fail(ErrorKind::conflict,
                  "the database was made by a newer version: this one does not know its migration \"" + done.name +
                      "\". Start that version, or restore a backup made before it.");
    }
    if (sha256_hex(same->sql) != done.sha256) {
      return fail(ErrorKind::conflict,
                  "the migration \"" + done.name +
                      "\" was applied with another text than this version has: a released migration "
                      "must not change; add a new one.");
    }
  }
  return {};
}

Result<> apply(Connection& connection, const Migration& migration) {
  auto transaction = TRY(Transaction::begin(connection));
  TRY(connection.exec(migration.sql));
  if (!connection.in_transaction()) {
    return fail(ErrorKind::internal, "its SQL ended the transaction; it must not contain COMMIT or ROLLBACK");
  }
  TRY(connection.run("INSERT INTO schema_migrations (name, applied_at, sha256) VALUES (?, ?, ?)", migration.name,
                     SystemClock().wall(), sha256_hex(migration.sql)));
  return transaction.commit();
}

Result<> migrate_connection(Connection& connection, const std::vector<Migration>& migrations) {
  std::set<std::string_view> names;
  for (const auto& migration : migrations) {
    if (!names.insert(migration.name).second) {
      return fail(ErrorKind::internal, "two migrations are named \"" + std::string(migration.name) + "\"");
    }
  }
  const auto read = [](const Row& row) { return Applied{.name = row.text(0), .sha256 = row.text(1)}; };
  const auto applied = TRY(connection.all("SELECT name, sha256 FROM schema_migrations", read));
  TRY(check_known(applied, migrations));
  for (const auto& migration : migrations) {
    const auto is_this = [&](const Applied& done) { return done.name == migration.name; };
    if (std::any_of(applied.begin(), applied.end(), is_this)) continue;
    auto done = apply(connection, migration);
    if (!done) {
      return tl::unexpected(std::move(done).error().in("migration \"" + std::string(migration.name) + "\""));
    }
    log_info("storage", "migration applied", {{"name", migration.name}});
  }
  return {};
}

}  // namespace

Result<> Database::migrate(const std::vector<Migration>& migrations) {
  Result<> result;
  auto body = [&](Connection& connection) { result = migrate_connection(connection, migrations); };
  TRY(perform(JobRef(body), std::chrono::steady_clock::duration::max()));
  return result;
}

}  // namespace ccd::storage
