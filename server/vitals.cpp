#include "vitals.hpp"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <boost/json.hpp>
#include <fstream>

#include <filesystem>
#include <map>

#include "base/metrics.hpp"

namespace ccd {

namespace {

namespace json = boost::json;

constexpr double kMicro = 1e6;

struct Disk {
  double free = 0;
  double size = 0;
};
// Of the folder, or of the nearest one above that is there.
Disk disk_of(const std::string& folder) {
  struct statvfs found{};
  for (std::filesystem::path path = folder; ::statvfs(path.c_str(), &found) != 0; path = path.parent_path())
    if (path == path.parent_path()) return {};
  return {.free = static_cast<double>(found.f_bavail) * static_cast<double>(found.f_frsize),
          .size = static_cast<double>(found.f_blocks) * static_cast<double>(found.f_frsize)};
}

double size_of(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? static_cast<double>(info.st_size) : 0;
}

// Everything that asks the kernel about files: on the pool, for a disk may hang.
struct Measured {
  Disk data;
  Disk backups;
  double database = 0;
  double log = 0;
  double open_files = 0;
  double resident = 0;
};
Measured measure(const std::string& data_dir, const std::string& backup_dir, const std::string& database) {
  Measured out;
  out.data = disk_of(data_dir);
  out.backups = disk_of(backup_dir);
  out.database = size_of(database);
  out.log = size_of(database + "-wal");
  std::error_code ec;
  for (std::filesystem::directory_iterator files("/proc/self/fd", ec), end; !ec && files != end; files.increment(ec))
    ++out.open_files;
  double pages = 0;
  double resident = 0;
  if (std::ifstream("/proc/self/statm") >> pages >> resident)
    out.resident = resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
  return out;
}

void set(const char* name, const char* help, double value, const MetricLabels& labels = {}) {
  metrics().gauge(name, help, labels).Set(value);
}

void set_process(const Measured& now) {
  set("process_open_fds", "Open file descriptors", now.open_files);
  set("process_resident_bytes", "Resident memory", now.resident);
  struct rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0)
    set("process_max_fds", "Limit of open file descriptors", static_cast<double>(files.rlim_cur));
  struct rusage used{};
  if (::getrusage(RUSAGE_SELF, &used) == 0) {
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / kMicro;
    };
    set("process_cpu_seconds_total", "Processor time used", seconds(used.ru_utime) + seconds(used.ru_stime));
  }
}

void set_disks(const Measured& now) {
  for (const auto& [folder, disk] : {std::pair("data", now.data), std::pair("backups", now.backups)}) {
    set("disk_free_bytes", "Free space of the disk that holds the folder", disk.free, {{"folder", folder}});
    set("disk_size_bytes", "Size of the disk that holds the folder", disk.size, {{"folder", folder}});
  }
  set("database_bytes", "Size of the database file", now.database);
  set("database_wal_bytes", "Size of its write-ahead log", now.log);
}

json::value time_or_null(const std::optional<WallMicros>& at) {
  return at ? json::value(iso_seconds(*at)) : json::value(nullptr);
}

std::string_view word(backup::Schedule::Last last) {
  switch (last) {
    case backup::Schedule::Last::none: return "none";
    case backup::Schedule::Last::good: return "ok";
    case backup::Schedule::Last::failed: return "error";
  }
  return "none";
}

json::object backup_details(const backup::Schedule& backups, WallMicros now) {
  const auto& s = backups.status();
  const auto seconds = backups.options().interval.count();
  json::object out{{"folder", backups.options().source.folder},
                   {"interval_seconds", seconds},
                   {"last_at", time_or_null(s.newest_at)},
                   {"age_seconds", nullptr},
                   {"last_file", s.newest_name},
                   {"last_bytes", s.newest_bytes},
                   {"kept", s.kept},
                   {"last_attempt_at", time_or_null(s.attempted_at)},
                   {"last_result", word(s.last)},
                   {"next_at", time_or_null(s.next_at)}};
  if (s.newest_at) out["age_seconds"] = (now - *s.newest_at) / 1'000'000;
  if (!s.error.empty()) out["error"] = s.error;
  return out;
}

}  // namespace

Task<void> Vitals::refresh() {
  auto work = [data = parts_.config->data_dir, backups = parts_.config->backup_dir,
               database = parts_.config->database_path] { return measure(data, backups, database); };
  const Measured now = co_await run_on(*parts_.pool, std::move(work));
  set_process(now);
  set_disks(now);
  std::map<std::string, int> sessions{{"active", 0}, {"exited", 0}, {"lost", 0}};
  for (const sessions::Session& session : parts_.hub->list())
    ++sessions[std::string(sessions::to_string(session.status))];
  for (const auto& [status, count] : sessions) set("sessions", "Sessions on the list", count, {{"status", status}});
  set("lease_held", "1: this dashboard has the database", parts_.lease->held() ? 1 : 0);
  const health::Report report = co_await parts_.health->run();
  for (const auto& [name, verdict] : report.checks)
    set("health_check", "1: the check of /health is ok", verdict == "ok" ? 1 : 0, {{"check", name}});
}

Task<void> Vitals::run() {
  set("build_info", "Always 1", 1, {{"version", parts_.version}});
  set("process_start_time_seconds", "When it began to serve", static_cast<double>(parts_.clock->wall()) / kMicro);
  for (;;) {
    co_await refresh();
    co_await sleep_for(kVitalsEvery);
  }
}

Task<std::string> Vitals::details() {
  auto work = [data = parts_.config->data_dir, backups = parts_.config->backup_dir,
               database = parts_.config->database_path] { return measure(data, backups, database); };
  const Measured now = co_await run_on(*parts_.pool, std::move(work));
  const health::Report report = co_await parts_.health->run();
  json::object checks;
  for (const auto& [name, verdict] : report.checks) checks[name] = verdict;
  const auto disk = [](const Disk& d) {
    return json::object{{"free_bytes", static_cast<std::int64_t>(d.free)},
                        {"size_bytes", static_cast<std::int64_t>(d.size)}};
  };
  json::object out{{"status", report.status == health::Report::Status::healthy ? "healthy" : "degraded"},
                   {"role", report.role.empty() ? "serving" : report.role},
                   {"checks", std::move(checks)},
                   {"uptime", report.uptime_seconds},
                   {"timestamp", iso_seconds(parts_.clock->wall())},
                   {"version", parts_.version},
                   {"lease", json::object{{"held", parts_.lease->held()}, {"epoch", parts_.database->epoch()}}},
                   {"database", json::object{{"bytes", static_cast<std::int64_t>(now.database)},
                                             {"wal_bytes", static_cast<std::int64_t>(now.log)}}},
                   {"disks", json::object{{"data", disk(now.data)}, {"backups", disk(now.backups)}}},
                   {"backup", backup_details(*parts_.backups, parts_.clock->wall())}};
  co_return json::serialize(out);
}

}  // namespace ccd
