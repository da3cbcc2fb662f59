#include "commands.hpp"

#include <termios.h>
#include <unistd.h>
#include <boost/asio/detached.hpp>
#include <boost/json.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <thread>

#include "audit/anchor.hpp"
#include "audit/key.hpp"
#include "audit/trail.hpp"
#include "backup/backup.hpp"
#include "backup/folder.hpp"
#include "backup/restore.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "rooms.hpp"
#include "storage/file_state.hpp"
#include "storage/inspect.hpp"
#include "storage/lease.hpp"
#include "storage/lease_door.hpp"
#include "tmux/tmux.hpp"

namespace ccd {

namespace {

using namespace std::chrono_literals;

// How often hand_over looks who has the lease.
constexpr auto kLook = 1ms;

// A console that shows no password while it is typed; a pipe is read as it is.
std::string read_password() {
  std::string password;
  const bool console = ::isatty(STDIN_FILENO) != 0;
  struct termios before{};
  if (console) {
    std::fputs("Password: ", stderr);
    ::tcgetattr(STDIN_FILENO, &before);
    struct termios hidden = before;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  std::getline(std::cin, password);
  if (console) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputs("\n", stderr);
  }
  return password;
}

int complain(const Error& error, int code = 1) {
  std::fprintf(stderr, "dashboard: %s\n", printable(config::refusal(error)).c_str());
  return code;
}

// The exit code that says what kind of trouble it is.
int code_of(const Error& error) {
  switch (error.kind) {
    case ErrorKind::corrupt: return config::kExitDatabase;
    case ErrorKind::not_found: return config::kExitNoFile;
    case ErrorKind::conflict: return config::kExitLease;
    case ErrorKind::forbidden:
    case ErrorKind::unavailable:
    case ErrorKind::io: return config::kExitNoWrite;
    default: return 1;
  }
}

std::string key_path(const config::Places& places) { return places.data_dir + "/audit.key"; }
std::string head_path(const config::Places& places) { return places.data_dir + "/audit.head"; }

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// The restored trail ends earlier than the head that was anchored: the old head goes aside with the old database, and a row says why.
Result<> record_restore(const config::Places& places, const std::string& file, const backup::Restored& restored) {
  SystemClock clock;
  SystemRandom random;
  const auto key = TRY(audit::load_or_create_key(key_path(places), random));
  if (is_there(head_path(places)) &&
      ::rename(head_path(places).c_str(),
               storage::free_name(head_path(places) + ".before-restore-", clock.wall()).c_str()) != 0)
    return fail_errno("set " + head_path(places) + " aside");
  asio::io_context loop;
  const auto database = TRY(storage::Database::open({.path = places.database_path}, loop.get_executor()));
  const audit::Trail trail(key, clock);
  audit::Anchor anchor(head_path(places), key, clock);
  const boost::json::object detail{{"file", std::filesystem::path(file).filename().string()},
                                   {"sha256", restored.from.sha256},
                                   {"kept_as", std::filesystem::path(restored.kept_as).filename().string()}};
  const audit::Record record{.actor = "operator",
                             .ip = "",
                             .action = "database.restore",
                             .target = places.database_path,
                             .outcome = audit::Outcome::ok,
                             .detail = boost::json::serialize(detail)};
  TRY(database->transact_now([&](storage::Connection& db) { return trail.append(db, record); }));
  return database->run_now([&](storage::Connection& db) { return anchor.write(db); });
}

// What is wrong with the audit trail of a database; empty when nothing is, or when there is none.
Result<std::string> fault_of_trail(const config::Places& places, storage::Connection& db, bool with_head) {
  if (!is_there(key_path(places))) return std::string();
  SystemClock clock;
  SystemRandom random;
  const auto key = TRY(audit::load_or_create_key(key_path(places), random));
  const auto chain = TRY(audit::verify(db, key));
  if (!chain.ok)
    return "the audit trail does not hold at row " + std::to_string(chain.first_bad_id) + ": " + chain.reason;
  if (!with_head) return std::string();
  const auto head = TRY(audit::Anchor(head_path(places), key, clock).verify(db));
  return head.ok ? std::string() : "rows are missing at the end of the audit trail: " + head.reason;
}

std::string rows_text(const std::map<std::string, std::int64_t>& rows) {
  const auto count = [&rows](const char* table) { return rows.contains(table) ? rows.at(table) : 0; };
  return std::to_string(count("sessions")) + " sessions, " + std::to_string(count("users")) + " accounts, " +
         std::to_string(count("audit_logs")) + " audit rows";
}

// 0 or the exit code; says what it finds.
int judge(const config::Places& places, const std::string& path, const std::string& shown, bool serving) {
  const auto db = storage::open_to_read(path);
  if (!db) return complain(Error(db.error()).in(shown), code_of(db.error()));
  const auto damage = storage::find_damage(**db, {});
  if (!damage) return complain(damage.error(), code_of(damage.error()));
  for (const std::string& finding : *damage)
    std::fprintf(stderr, "%s: %s\n", shown.c_str(), printable(finding).c_str());
  if (!damage->empty()) return config::kExitDatabase;
  const auto applied = storage::applied_migrations(**db);
  const auto rows = storage::count_rows(**db);
  if (!applied || !rows) return complain(applied ? rows.error() : applied.error());
  const SchemaGap gap = schema_gap(*applied);
  if (applied->empty())
    return complain({.kind = ErrorKind::corrupt, .message = shown + ": sound, but not a database of the dashboard"},
                    config::kExitDatabase);
  if (!gap.unknown.empty())
    return complain({.kind = ErrorKind::corrupt,
                     .message = shown + ": made by a newer version, which knows " + gap.unknown.front()},
                    config::kExitDatabase);
  const auto fault = fault_of_trail(places, **db, serving);
  if (!fault) return complain(fault.error());
  if (!fault->empty() && serving)
    return complain({.kind = ErrorKind::corrupt, .message = shown + ": " + *fault}, config::kExitDatabase);
  if (!fault->empty())
    std::fprintf(stderr, "%s: of another installation, or: %s\n", shown.c_str(), printable(*fault).c_str());
  std::printf("%s: ok (integrity, references, schema%s, audit trail; %s)\n", shown.c_str(),
              gap.pending.empty() ? "" : (" older by " + std::to_string(gap.pending.size()) + " steps").c_str(),
              rows_text(*rows).c_str());
  return 0;
}

}  // namespace

int add_user(const config::Config& config, const std::string& name, const std::string& role) {
  const auto known = auth::role_from(role);
  if (!known) return complain(Error{.kind = ErrorKind::invalid, .message = "the role must be viewer, member or admin"});
  if (const auto checked = config::check_folders(config); !checked) return complain(checked.error());
  asio::io_context loop;
  SystemClock clock;
  SystemRandom random;
  auto database = storage::Database::open({.path = config.database_path}, loop.get_executor());
  if (!database) return complain(database.error());
  if (const auto migrated = (*database)->migrate(all_migrations()); !migrated) return complain(migrated.error());
  auto key = audit::load_or_create_key(config.data_dir + "/audit.key", random);
  if (!key) return complain(key.error());
  const audit::Trail trail(*key, clock);
  const auto on_event = [&trail](storage::Connection& db, const auth::AuthEvent& event) {
    return audit_auth(trail, db, event);
  };
  const auto id = auth::add_user_now(**database, clock, random, name, read_password(), *known, on_event);
  if (!id) return complain(id.error());
  std::printf("Added %s (%s).\n", name.c_str(), role.c_str());
  return 0;
}

int start_tmux(const config::Config& config) {
  log_setup(LogLevel::warn, config.log_format);
  asio::io_context loop;
  tmux::Tmux tmux({.program = "tmux",
                   .socket_name = config.tmux_socket,
                   .config_file = config.tmux_conf,
                   .tmpdir = config.tmux_tmpdir},
                  loop.get_executor());
  int code = 1;
  auto start = [](tmux::Tmux* server, int* result) -> Task<void> {
    const auto started = co_await server->ensure_server();
    *result = started ? 0 : complain(started.error());
  };
  asio::co_spawn(loop, start(&tmux, &code), asio::detached);
  loop.run();
  return code;
}

int verify_audit(const config::Config& config) {
  asio::io_context loop;
  SystemClock clock;
  SystemRandom random;
  auto database = storage::Database::open({.path = config.database_path}, loop.get_executor());
  if (!database) return complain(database.error());
  auto key = audit::load_or_create_key(config.data_dir + "/audit.key", random);
  if (!key) return complain(key.error());
  const auto report = (*database)->run_now([&key](storage::Connection& db) { return audit::verify(db, *key); });
  if (!report) return complain(report.error());
  if (!report->ok) {
    std::printf("The trail does not hold at row %lld: %s\n", static_cast<long long>(report->first_bad_id),
                report->reason.c_str());
    return 2;
  }
  const audit::Anchor anchor(config.data_dir + "/audit.head", *key, clock);
  const auto head = (*database)->run_now([&anchor](storage::Connection& db) { return anchor.verify(db); });
  if (!head) return complain(head.error());
  if (!head->ok) {
    std::printf("Rows are missing at the end: %s\n", head->reason.c_str());
    return 2;
  }
  std::printf("%lld rows, all in place.\n", static_cast<long long>(report->rows));
  return 0;
}

int back_up(const config::Places& places) {
  log_setup(LogLevel::warn, LogFormat::text);
  const SystemClock clock;
  const auto made = backup::make(
      {.database_path = places.database_path, .folder = places.backup_dir, .keep = places.backup_keep}, clock, {});
  if (!made) return complain(Error(made.error()).in("backup failed"), code_of(made.error()));
  if (!made->warning.empty()) std::fprintf(stderr, "dashboard: old backups stay: %s\n", made->warning.c_str());
  std::printf("%s %llu sha256=%s\n", made->path.c_str(), static_cast<unsigned long long>(made->bytes),
              made->sha256.c_str());
  return 0;
}

int restore(const config::Places& places, const std::string& file, const std::string& target) {
  log_setup(LogLevel::warn, LogFormat::text);
  const SystemClock clock;
  storage::Lease lease(target);
  const auto taken = lease.try_take(this_process(0, clock.wall()));
  if (!taken) return complain(taken.error(), code_of(taken.error()));
  if (!*taken) {
    const auto holder = lease.holder();
    return complain(
        {.kind = ErrorKind::conflict,
         .message = "a dashboard has " + target + (holder && *holder ? " (" + storage::describe(**holder) + ")" : "") +
                    ": stop it first, and every one that waits in standby"},
        config::kExitLease);
  }
  const auto restored = backup::restore(file, target, clock);
  if (!restored) return complain(Error(restored.error()).in(file + " is not restored"), code_of(restored.error()));
  if (restored->from.origin == backup::Origin::foreign)
    std::fprintf(stderr,
                 "dashboard: warning: %s carries no checksum of the dashboard's: only the database's own integrity was "
                 "checked\n",
                 file.c_str());
  if (const SchemaGap gap = schema_gap(restored->from.migrations); !gap.unknown.empty())
    std::fprintf(
        stderr,
        "dashboard: warning: it was made by a newer version, which this one refuses to start with: it knows %s\n",
        gap.unknown.front().c_str());
  else if (target == places.database_path && restored->from.rows.contains("audit_logs")) {
    if (const auto recorded = record_restore(places, file, *restored); !recorded)
      std::fprintf(stderr, "dashboard: warning: the audit trail does not have the restore: %s\n",
                   recorded.error().message.c_str());
  }
  std::printf("Restored %s from %s (%s).\n", target.c_str(), file.c_str(), rows_text(restored->from.rows).c_str());
  if (!restored->kept_as.empty()) std::printf("The old database is kept as %s.\n", restored->kept_as.c_str());
  return 0;
}

int check(const config::Places& places, const std::string& file) {
  log_setup(LogLevel::error, LogFormat::text);
  const bool serving = file == places.database_path;
  const auto state = storage::file_state(file);
  if (!state) return complain(state.error(), code_of(state.error()));
  if (*state == storage::FileState::missing)
    return complain({.kind = ErrorKind::not_found, .message = file + ": no such file"}, config::kExitNoFile);
  if (*state == storage::FileState::notice) {
    const auto notice = storage::read_notice(file);
    return complain({.kind = ErrorKind::corrupt, .message = notice ? *notice : notice.error().message},
                    config::kExitDatabase);
  }
  if (*state == storage::FileState::database) return judge(places, file, file, serving);
  const std::string to = backup::look_draft(std::filesystem::path(file).parent_path().string());
  const auto verified = backup::unpack_and_check(file, to, {});
  if (!verified) return complain(Error(verified.error()).in(file), code_of(verified.error()));
  if (verified->origin == backup::Origin::foreign)
    std::fprintf(stderr, "%s: warning: no checksum of the dashboard's in it\n", file.c_str());
  const int code = judge(places, to, file, false);
  static_cast<void>(::unlink(to.c_str()));
  return code;
}

int show_lease(const config::Places& places) {
  const auto holder = storage::Lease(places.database_path).holder();
  if (!holder) return complain(holder.error());
  if (!*holder) {
    std::puts("null");
    return 1;
  }
  const auto& h = **holder;
  const boost::json::object out{{"pid", h.pid},
                                {"host", h.host},
                                {"port", h.port},
                                {"version", h.version},
                                {"since", iso_micros(h.since)},
                                {"standby", storage::StandbyMark(places.database_path).somebody_waits()}};
  std::puts(boost::json::serialize(out).c_str());
  return 0;
}

int hand_over(const config::Places& places, std::chrono::seconds limit) {
  log_setup(LogLevel::warn, LogFormat::text);
  const storage::Lease lease(places.database_path);
  const auto before = lease.holder();
  if (!before) return complain(before.error());
  if (!*before) return complain({.kind = ErrorKind::unavailable, .message = "nobody serves " + places.database_path});
  const auto began = std::chrono::steady_clock::now();
  if (const auto asked = storage::ask_to_hand_over(places.database_path); !asked)
    return complain(Error(asked.error()).in("no hand-over"));
  const auto same = [&before](const storage::LeaseHolder& h) {
    return h.pid == (*before)->pid && h.host == (*before)->host;
  };
  while (std::chrono::steady_clock::now() - began < limit) {
    const auto now = lease.holder();
    if (now && *now && (*now)->since != (*before)->since && (*now)->since != 0) {
      if (same(**now))
        return complain(
            {.kind = ErrorKind::conflict, .message = "the one that had it took it back: the other did not"});
      const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began);
      std::printf("Handed over in %lld ms to %s.\n", static_cast<long long>(took.count()),
                  storage::describe(**now).c_str());
      return 0;
    }
    std::this_thread::sleep_for(kLook);
  }
  return complain({.kind = ErrorKind::timeout,
                   .message = "nobody took the database within " + std::to_string(limit.count()) + " s"});
}

}  // namespace ccd
