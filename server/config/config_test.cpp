// Settings: defaults, and a refusal that names the variable for each bad value.
#include "config/config.hpp"

#include <gtest/gtest.h>

namespace ccd::config {
namespace {

EnvEntries good() {
  return {{"JWT_SECRET", "q3FvX8r2ZkLw0yTn5BsHc7GdMj1PaEiU9oRxVtKz"},
          {"ALLOWED_PROJECT_ROOTS", "/srv/projects"},
          {"ALLOWED_FILE_ROOTS", "/srv/projects:/srv/docs"}};
}

Result<Config> with(const std::string& name, const std::string& value) {
  EnvEntries env = good();
  env[name] = value;
  return make(env, "/opt/x/dashboard", "/opt/x");
}

TEST(Config, DefaultsAreSafe) {
  const auto config = make(good(), "/opt/x/dashboard", "/opt/x");
  ASSERT_TRUE(config) << refusal(config.error());
  EXPECT_EQ(config->host, "127.0.0.1");
  EXPECT_EQ(config->port, 3000);
  EXPECT_EQ(config->data_dir, "/opt/x/data");
  EXPECT_EQ(config->database_path, "/opt/x/data/dashboard.db");
  EXPECT_EQ(config->tmux_socket, "claude-dashboard");
  EXPECT_EQ(config->claude_command, std::vector<std::string>{"claude"});
  EXPECT_EQ(config->file_roots, (std::vector<std::string>{"/srv/projects", "/srv/docs"}));
  EXPECT_EQ(config->access_log, "/tmp/access.log");
  EXPECT_EQ(config->setup_peers, auth::SetupPeers::loopback);
}

struct Bad {
  const char* name;
  const char* value;
};

class BadValue : public testing::TestWithParam<Bad> {};

TEST_P(BadValue, IsRefusedByName) {
  const auto config = with(GetParam().name, GetParam().value);
  ASSERT_FALSE(config) << GetParam().name << "=" << GetParam().value;
  EXPECT_EQ(config.error().field, GetParam().name);
  EXPECT_EQ(refusal(config.error()).find('\n'), std::string::npos);
  EXPECT_GT(config.error().message.size(), 20U) << "says what would be right";
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadValue,
    testing::Values(Bad{"PORT", "abc"}, Bad{"PORT", "70000"}, Bad{"PORT", "-1"}, Bad{"PORT", "3000 "},
                    Bad{"PORT", "0x10"}, Bad{"HOST", "0.0.0.0"}, Bad{"HOST", "::"}, Bad{"JWT_SECRET", ""},
                    Bad{"JWT_SECRET", "short"}, Bad{"JWT_SECRET", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
                    Bad{"ALLOWED_PROJECT_ROOTS", ""}, Bad{"ALLOWED_PROJECT_ROOTS", "projects"},
                    Bad{"ALLOWED_PROJECT_ROOTS", "/"}, Bad{"ALLOWED_FILE_ROOTS", "/srv/.."},
                    Bad{"ALLOWED_FILE_ROOTS", "/a:b"}, Bad{"DATA_DIR", "/srv/a b"}, Bad{"DATA_DIR", "/srv/$(id)"},
                    Bad{"TMUX_SOCKET", "a/b"}, Bad{"TMUX_SOCKET", "-x"}, Bad{"PUBLIC_ORIGINS", "example.org"},
                    Bad{"PUBLIC_ORIGINS", "https://*.example.org"}, Bad{"TRUSTED_PROXIES", "proxy"},
                    Bad{"LOG_LEVEL", "loud"}, Bad{"LOG_FORMAT", "xml"}, Bad{"RECORD_BYTES_PER_SESSION", "12"},
                    Bad{"METRICS_TOKEN", "short"}, Bad{"SETUP_FROM", "anywhere"}, Bad{"CLAUDE_COMMAND", "   "},
                    Bad{"BACKUP_INTERVAL", "24"}, Bad{"BACKUP_INTERVAL", "0h"}, Bad{"BACKUP_INTERVAL", "9999999999d"},
                    Bad{"BACKUP_INTERVAL", "-1h"}, Bad{"BACKUP_INTERVAL", "daily"},
                    Bad{"NOTIFY_PRIVATE_ADDRESSES", "maybe"}, Bad{"NOTIFY_PROXY", "proxy:3128"},
                    Bad{"NOTIFY_PROXY", "https://proxy:3128"}, Bad{"NOTIFY_PROXY", "http://user:pw@proxy:3128"},
                    Bad{"NOTIFY_PROXY", "http://proxy:3128/path"}, Bad{"NOTIFY_CA_FILE", "/nowhere/ca.pem"},
                    Bad{"NOTIFY_CONTACT", "ops@example.org"}, Bad{"NOTIFY_CONTACT", "mailto:a b"},
                    Bad{"BACKUP_KEEP", "0"}, Bad{"BACKUP_KEEP", "many"}, Bad{"STANDBY", "maybe"},
                    Bad{"TMUX_START", "always"}));

TEST(Config, BackupsAndUpgrades) {
  const auto usual = make(good(), "/opt/x/dashboard", "/opt/x");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->backup_dir, "/opt/x/backups");
  EXPECT_EQ(usual->backup_interval, std::chrono::hours(24));
  EXPECT_EQ(usual->backup_keep, 30U);
  EXPECT_EQ(usual->standby, Standby::refuse);
  EXPECT_EQ(usual->tmux_start, tmux::ServerStart::when_needed);
  EXPECT_EQ(with("BACKUP_INTERVAL", "90m")->backup_interval, std::chrono::minutes(90));
  EXPECT_EQ(with("BACKUP_INTERVAL", "7d")->backup_interval, std::chrono::hours(168));
  EXPECT_EQ(with("BACKUP_INTERVAL", "off")->backup_interval, std::chrono::seconds(0));
  EXPECT_EQ(with("STANDBY", "yes")->standby, Standby::wait);
  EXPECT_EQ(with("TMUX_START", "never")->tmux_start, tmux::ServerStart::never);
}

TEST(Config, WhatIsSentOut) {
  const auto usual = make(good(), "/opt/x/dashboard", "/opt/x");
  ASSERT_TRUE(usual);
  EXPECT_EQ(usual->notify_private_addresses, notify::PrivateAddresses::no);
  EXPECT_EQ(usual->notify_proxy + usual->notify_ca_file + usual->notify_contact, "");
  EXPECT_EQ(with("NOTIFY_PRIVATE_ADDRESSES", "webhooks")->notify_private_addresses, notify::PrivateAddresses::webhooks);
  EXPECT_EQ(with("NOTIFY_PROXY", "http://127.0.0.1:3128")->notify_proxy, "http://127.0.0.1:3128");
  EXPECT_EQ(with("NOTIFY_PROXY", "http://proxy.lan:3128/")->notify_proxy, "http://proxy.lan:3128");
  EXPECT_EQ(with("NOTIFY_CA_FILE", "/etc/hostname")->notify_ca_file, "/etc/hostname");
  EXPECT_EQ(with("NOTIFY_CONTACT", "mailto:ops@example.org")->notify_contact, "mailto:ops@example.org");
}

TEST(Config, PlacesNeedNoSecret) {
  const auto places = make_places({{"DATA_DIR", "/srv/data/"}, {"BACKUP_DIR", "/mnt/backups"}}, "/opt/x");
  ASSERT_TRUE(places);
  EXPECT_EQ(places->data_dir, "/srv/data");
  EXPECT_EQ(places->database_path, "/srv/data/dashboard.db");
  EXPECT_EQ(places->backup_dir, "/mnt/backups");
  EXPECT_EQ(places->backup_keep, 30U);
}

TEST(Config, ARefusalNeverShowsTheSecret) {
  const std::string secret = "password-password-password-password";
  const auto config = with("JWT_SECRET", secret);
  ASSERT_FALSE(config);
  EXPECT_EQ(refusal(config.error()).find(secret), std::string::npos);
}

TEST(Config, OtherHostsNeedAPublicOrigin) {
  EnvEntries env = good();
  env["HOST"] = "0.0.0.0";
  env["PUBLIC_ORIGINS"] = "https://agents.example.org";
  EXPECT_TRUE(make(env, "/opt/x/dashboard", "/opt/x"));
}

TEST(Config, TheCommandIsSplitAtBlanks) {
  const auto config = with("CLAUDE_COMMAND", "/usr/bin/claude  --model opus");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->claude_command, (std::vector<std::string>{"/usr/bin/claude", "--model", "opus"}));
}

}  // namespace
}  // namespace ccd::config
