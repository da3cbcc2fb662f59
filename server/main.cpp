// The program `dashboard`: reads the command line and the settings, then serves or does one operator's task.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "api/api.hpp"
#include "app.hpp"
#include "base/encoding.hpp"
#include "commands.hpp"
#include "config/config.hpp"

namespace {

using namespace ccd;

constexpr const char* kEnvFile = ".env";
// Set for the program that starts itself again after a hand-over.
constexpr const char* kHandedOverName = "DASHBOARD_HANDED_OVER";
constexpr int kHandOverSeconds = 10;

// What is in memory (keys, tokens) is not for core files, nor for other programs of the same user to read.
void keep_memory_private() {
  const struct rlimit none{};
  (void)::setrlimit(RLIMIT_CORE, &none);
  (void)::prctl(PR_SET_DUMPABLE, 0);
}

// The environment over the file named by --env-file, or over ./.env when there is one.
struct Settings {
  config::EnvEntries entries;
  std::string file;  // absolute; empty when there is none
};

Result<Settings> read_settings(const std::string& env_file, bool named) {
  Settings settings;
  auto file = config::read_env_file(env_file);
  if (file) {
    settings.entries = std::move(*file);
    settings.file = std::filesystem::absolute(env_file).string();
  } else if (named || file.error().kind != ErrorKind::not_found) {
    return tl::unexpected(std::move(file).error());
  }
  for (auto& [name, value] : config::environment_entries()) settings.entries.insert_or_assign(name, std::move(value));
  return settings;
}

int refuse(const Error& error) {
  std::fprintf(stderr, "dashboard: %s\n", printable(config::refusal(error)).c_str());
  return config::kExitConfig;
}

// After a hand-over the same process becomes a standby: started anew, so that nothing of before is left in it.
int serve_for_ever(const config::Config& config, char** argv) {
  const Origin origin = std::getenv(kHandedOverName) == nullptr ? Origin::started : Origin::handed_over;
  const int code = ccd::serve(config, origin);
  if (code != kHandedOver) return code;
  ::setenv(kHandedOverName, "1", 1);
  ::execv("/proc/self/exe", argv);
  std::perror("dashboard: start again after the hand-over");
  return 1;
}

std::string absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

// The commands that need no secret.
struct PlaceCommands {
  explicit PlaceCommands(CLI::App& cli)
      : back_up(cli.add_subcommand("backup", "make a backup of the database, while the dashboard runs or not")),
        restore(cli.add_subcommand("restore", "put a backup in the place of the database; the old one is kept")),
        check(cli.add_subcommand("check", "check the database, or a backup, all of it")),
        lease(cli.add_subcommand("lease", "show who has the database")),
        hand_over(
            cli.add_subcommand("hand-over", "let the dashboard that has the database give it to the one in standby")) {
    back_up->add_option("--to", folder, "the folder (default: BACKUP_DIR)");
    restore->add_option("file", file, "dashboard_YYYYMMDD_HHMMSS.db.gz, or a plain database")->required();
    restore->add_option("--to", target, "the database (default: DATABASE_PATH)");
    check->add_option("file", file, "a database or a backup (default: DATABASE_PATH)");
    hand_over->add_option("--wait", seconds, "how long (default: 10 s)")->check(CLI::Range(1, 3600));
  }
  [[nodiscard]] bool wanted() const {
    return back_up->parsed() || restore->parsed() || check->parsed() || lease->parsed() || hand_over->parsed();
  }
  int run(config::Places places) const {
    if (!folder.empty()) places.backup_dir = absolute(folder);
    if (back_up->parsed()) return ccd::back_up(places);
    if (restore->parsed())
      return ccd::restore(places, absolute(file), target.empty() ? places.database_path : absolute(target));
    if (check->parsed()) return ccd::check(places, file.empty() ? places.database_path : absolute(file));
    if (lease->parsed()) return ccd::show_lease(places);
    return ccd::hand_over(places, std::chrono::seconds(seconds));
  }

  CLI::App* back_up;
  CLI::App* restore;
  CLI::App* check;
  CLI::App* lease;
  CLI::App* hand_over;
  std::string folder;
  std::string file;
  std::string target;
  int seconds = kHandOverSeconds;
};

void print_routes() {
  for (const api::RouteInfo& route : api::Api::routes())
    std::printf("%s %s %s\n", route.method.c_str(), route.pattern.c_str(),
                std::string(api::to_string(route.access)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_private();
  CLI::App cli{"Claude Code Dashboard: a control room for many Claude Code agents on this machine"};
  cli.set_version_flag("--version", DASHBOARD_VERSION);
  std::string env_file = kEnvFile;
  CLI::Option* env_option = cli.add_option("--env-file", env_file, "settings, one NAME=value a line (default: .env)");
  CLI::App* serve = cli.add_subcommand("serve", "serve the page and the API (the default)");
  CLI::App* check_config =
      cli.add_subcommand("check-config", "read the settings, say what is wrong with them, and end");
  CLI::App* routes = cli.add_subcommand("routes", "list the API's routes and who may call them");
  CLI::App* tmux_start = cli.add_subcommand("tmux-start", "make sure that the agents' tmux server runs");
  PlaceCommands places(cli);
  CLI::App* audit = cli.add_subcommand("audit", "the audit trail");
  CLI::App* audit_verify = audit->add_subcommand("verify", "check that no row was changed, removed or added");
  audit->require_subcommand(1);
  CLI::App* user = cli.add_subcommand("user", "accounts");
  user->require_subcommand(1);
  CLI::App* user_add = user->add_subcommand("add", "add an account; the password is read from standard input");
  std::string name;
  std::string role = "admin";
  user_add->add_option("name", name, "letters, digits, '.', '_' and '-'")->required();
  user_add->add_option("--role", role, "viewer, member or admin (default: admin)");
  cli.require_subcommand(0, 1);
  CLI11_PARSE(cli, argc, argv);

  if (routes->parsed()) {
    print_routes();
    return 0;
  }
  const auto settings = read_settings(env_file, env_option->count() > 0);
  if (!settings) return refuse(settings.error());
  if (places.wanted()) {
    const auto found = config::make_places(settings->entries, std::filesystem::current_path().string());
    return found ? places.run(*found) : refuse(found.error());
  }
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  auto config = config::make(settings->entries, program, std::filesystem::current_path().string());
  if (!config) return refuse(config.error());
  config->env_file = settings->file;
  if (check_config->parsed()) {
    std::puts("The settings are good.");
    return 0;
  }
  if (user_add->parsed()) return add_user(*config, name, role);
  if (tmux_start->parsed()) return start_tmux(*config);
  if (audit_verify->parsed()) return verify_audit(*config);
  (void)serve;
  return serve_for_ever(*config, argv);
}
