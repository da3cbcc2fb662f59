// The program `dashboard`: reads the command line and the settings, then serves or does one operator's task.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api.hpp"
#include "app.hpp"
#include "base/encoding.hpp"
#include "config/config.hpp"

namespace {

using namespace ccd;

constexpr const char* kEnvFile = ".env";

// What is in memory (keys, tokens) is not for core files, nor for other programs of the same user to read.
void keep_memory_private() {
  const struct rlimit none {};
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

void print_routes() {
  for (const api::RouteInfo& route : api::Api::routes())
    std::printf("%s %s %s\n", route.method.c_str(), route.pattern.c_str(), std::string(api::to_string(route.access)).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  keep_memory_private();
  CLI::App cli{"Claude Code Dashboard: a control room for many Claude Code agents on this machine"};
  cli.set_version_flag("--version", DASHBOARD_VERSION);
  std::string env_file = kEnvFile;
  CLI::Option* env_option = cli.add_option("--env-file", env_file, "settings, one NAME=value a line (default: .env)");
  CLI::App* serve = cli.add_subcommand("serve", "serve the page and the API (the default)");
  CLI::App* check = cli.add_subcommand("check-config", "read the settings, say what is wrong with them, and end");
  CLI::App* routes = cli.add_subcommand("routes", "list the API's routes and who may call them");
  CLI::App* tmux_start = cli.add_subcommand("tmux-start", "make sure that the agents' tmux server runs");
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
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  auto config = config::make(settings->entries, program, std::filesystem::current_path().string());
  if (!config) return refuse(config.error());
  config->env_file = settings->file;
  if (check->parsed()) {
    std::puts("The settings are good.");
    return 0;
  }
  if (user_add->parsed()) return add_user(*config, name, role);
  if (tmux_start->parsed()) return start_tmux(*config);
  if (audit_verify->parsed()) return verify_audit(*config);
  (void)serve;
  return ccd::serve(*config);
}
