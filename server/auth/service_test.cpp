// The login service on a real database: first account, logins, refresh families, revocation, guessing, restarts.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/post.hpp>
#include <fstream>
#include <set>

#include "auth/auth.hpp"
#include "auth/jwt.hpp"
#include "base/encoding.hpp"
#include "storage/testing.hpp"

namespace ccd::auth {
namespace {
using namespace std::chrono_literals;

const std::string kSecret = "a secret of the tests, 32 or more bytes";
const std::string kPassword = "maple-orbit-37";
const std::string kOrigin = "http://localhost:3000";
constexpr HashCost kCheap{.memory_kib = 64, .passes = 1};

Source local(const std::string& device = {}) { return {"127.0.0.1", "test browser", device, Via::direct}; }
Source from(const std::string& ip, const std::string& device = {}) { return {ip, "test browser", device, Via::direct}; }

class ServiceTest : public testing::Test {
 protected:
  void SetUp() override {
    database_ = storage::open_or_fail(path_, loop_);
    ASSERT_TRUE(database_->migrate(migrations()));
    open();
  }
  // As a restart of the process does it.
  void open(const std::string& secret = kSecret) {
    service_.reset();
    Options options{.jwt_secret = secret, .data_dir = folder_.path()};
    options.hash_cost = kCheap;
    options.setup_peers = setup_peers_;
    auto on_event = [this](storage::Connection&, const AuthEvent& event) -> Result<> {
      if (fail_events_) return fail(ErrorKind::unavailable, "no room for the audit trail");
      events_.push_back(event);
      return {};
    };
    auto opened = Service::open(options, {loop_.get_executor(), database_.get(), &clock_, &random_, &pool_, on_event});
    ASSERT_TRUE(opened) << opened.error().message;
    service_ = std::move(*opened);
    service_->on_revoked([this](const std::string& id) { revoked_.push_back(id); });
  }
  template <class T>
  T run(Task<T> task) {
    return storage::finish(loop_, std::move(task));
  }
  Login setup() { return run(service_->setup(*service_->setup_code(), "ann", kPassword, local())).value(); }
  Login login(const Source& source = local()) { return run(service_->login("ann", kPassword, source)).value(); }
  bool alive(const Login& login) { return service_->authenticate(login.access_token).has_value(); }
  std::int64_t count(const std::string& sql) {
    return database_->run_now([&](storage::Connection& c) { return c.one(sql, storage::kFirstNumber); })->value();
  }
  std::vector<std::string> kinds() {
    std::vector<std::string> names;
    for (const AuthEvent& event : events_) names.emplace_back(to_string(event.kind));
    return names;
  }

  storage::TempFolder folder_;
  const std::string path_ = folder_ / "test.db";
  asio::io_context loop_;
  asio::thread_pool pool_{2};
  ManualClock clock_{1'800'000'000'000'000};
  SystemRandom random_;
  SetupPeers setup_peers_ = SetupPeers::loopback;
  std::vector<AuthEvent> events_;
  bool fail_events_ = false;
  std::vector<std::string> revoked_;
  std::unique_ptr<storage::Database> database_;
  std::unique_ptr<Service> service_;
};

// --- The first account ---------------------------------------------------------------------------------------------------

TEST_F(ServiceTest, SetupMakesTheFirstAdminOnce) {
  ASSERT_TRUE(service_->setup_required());
  const std::string file = folder_ / "setup-code";
  struct stat info{};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600U);
  std::string code;
  std::ifstream(file) >> code;
  EXPECT_EQ(code, service_->setup_code());
  EXPECT_EQ(code.size(), 23U);
  // As people type it.
  for (char& c : code) c = static_cast<char>(std::toupper(c));
  const auto made = run(service_->setup(" " + code + "\n", "ann", kPassword, local()));
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->who.role, Role::admin);
  EXPECT_TRUE(alive(*made));
  EXPECT_FALSE(service_->setup_required());
  EXPECT_FALSE(service_->setup_code());
  EXPECT_NE(::stat(file.c_str(), &info), 0);
  const auto again = run(service_->setup(code, "bob", kPassword, local()));
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(kinds(), std::vector<std::string>{"setup"});
  open();
  EXPECT_FALSE(service_->setup_required());
}

TEST_F(ServiceTest, SetupIsForTheMachineItself) {
  const std::string code = *service_->setup_code();
  for (Source source : {from("192.168.1.9"), from("2001:db8::1"), from("")})
    EXPECT_EQ(run(service_->setup(code, "ann", kPassword, source)).error().kind, ErrorKind::forbidden) << source.ip;
  Source tunnel = local();
  tunnel.via = Via::forwarded;
  EXPECT_EQ(run(service_->setup(code, "ann", kPassword, tunnel)).error().kind, ErrorKind::forbidden);
  setup_peers_ = SetupPeers::any_direct;
  open();
  tunnel.ip = "172.17.0.1";
  EXPECT_EQ(run(service_->setup(*service_->setup_code(), "ann", kPassword, tunnel)).error().kind, ErrorKind::forbidden);
  EXPECT_TRUE(run(service_->setup(*service_->setup_code(), "ann", kPassword, from("172.17.0.1"))));
}

TEST_F(ServiceTest, TenWrongSetupCodesMakeANewOne) {
  const std::string first = *service_->setup_code();
  for (int i = 0; i < kSetupTries; ++i) {
    ASSERT_EQ(service_->setup_code(), first) << i;
    std::string wrong = first;
    wrong[static_cast<std::size_t>(i)] = wrong[static_cast<std::size_t>(i)] == '0' ? '1' : '0';
    const auto refused = run(service_->setup(i == 5 ? first + "-" + first : wrong, "ann", kPassword, local()));
    EXPECT_EQ(refused.error().kind, ErrorKind::unauthorized);
    EXPECT_EQ(refused.error().message.find(first), std::string::npos);
    clock_.advance(11min);
  }
  EXPECT_NE(service_->setup_code(), first);
  EXPECT_EQ(run(service_->setup(first, "ann", kPassword, local())).error().kind, ErrorKind::unauthorized);
  clock_.advance(11min);
  EXPECT_TRUE(run(service_->setup(*service_->setup_code(), "ann", kPassword, local())));
}

TEST_F(ServiceTest, BadNameOrPasswordLeavesTheSetupCodeGood) {
  const std::string code = *service_->setup_code();
  for (const char* name : {"", "a b", "../x", "ann\n", "caf\xc3\xa9", "ann;", "<b>"})
    EXPECT_EQ(run(service_->setup(code, name, kPassword, local())).error().field, "name") << name;
  EXPECT_EQ(run(service_->setup(code, std::string(65, 'a'), kPassword, local())).error().field, "name");
  EXPECT_EQ(run(service_->setup(code, "ann", "short", local())).error().field, "password");
  EXPECT_TRUE(run(service_->setup(code, "ann", kPassword, local())));
}

TEST_F(ServiceTest, TwoSetupsAtOnceMakeOneAccount) {
  const std::string code = *service_->setup_code();
  int made = 0;
  int conflicts = 0;
  for (const char* name : {"ann", "bob", "cid"}) {
    asio::co_spawn(loop_, service_->setup(code, name, kPassword, local()),
                   [&](std::exception_ptr, Result<Login> result) {
                     made += result ? 1 : 0;
                     conflicts += !result && result.error().kind == ErrorKind::conflict ? 1 : 0;
                   });
  }
  loop_.run();
  EXPECT_EQ(made, 1);
  EXPECT_EQ(conflicts, 2);
  EXPECT_EQ(count("SELECT count(*) FROM users"), 1);
}

// --- Logging in ----------------------------------------------------------------------------------------------------------

TEST_F(ServiceTest, LoginGivesAPrincipal) {
  setup();
  const Login made = run(service_->login("ANN", kPassword, local())).value();
  const auto who = service_->authenticate(made.access_token);
  ASSERT_TRUE(who);
  EXPECT_EQ(who->user_name, "ann");
  EXPECT_EQ(who->user_id, made.who.user_id);
  EXPECT_EQ(who->session_id, made.who.session_id);
  EXPECT_EQ(who->role, Role::admin);
  EXPECT_EQ(made.access_seconds, 600);
}

TEST_F(ServiceTest, WrongPasswordAndUnknownUserAreOneAnswer) {
  setup();
  const Error wrong = run(service_->login("ann", "not the password", local())).error();
  const Error nobody = run(service_->login("bob", "not the password", local())).error();
  const Error impossible = run(service_->login("ann'--", "not the password", local())).error();
  for (const Error& e : {wrong, nobody, impossible}) {
    EXPECT_EQ(e.kind, ErrorKind::unauthorized);
    EXPECT_EQ(e.message, wrong.message);
  }
  ASSERT_EQ(kinds(), (std::vector<std::string>{"setup", "login_failed", "login_failed"}));
  EXPECT_EQ(events_[1].target, "ann");
  EXPECT_EQ(events_[2].target, "") << "what was typed may be a password";
}

TEST_F(ServiceTest, DisabledUserIsOut) {
  const Login made = setup();
  ASSERT_TRUE(database_->run_now([](storage::Connection& c) { return c.run("UPDATE users SET disabled_at = 1"); }));
  EXPECT_EQ(run(service_->login("ann", kPassword, local())).error().kind, ErrorKind::unauthorized);
  EXPECT_FALSE(run(service_->refresh(made.refresh_token, local())));
  EXPECT_FALSE(alive(made));
  EXPECT_EQ(revoked_, std::vector<std::string>{made.who.session_id});
}

TEST_F(ServiceTest, NoLoginWithoutItsAuditRow) {
  setup();
  fail_events_ = true;
  EXPECT_EQ(run(service_->login("ann", kPassword, local())).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(count("SELECT count(*) FROM login_sessions"), 1);
  EXPECT_EQ(run(service_->login("ann", "not the password", local())).error().kind, ErrorKind::unauthorized);
}

TEST_F(ServiceTest, SecretsAreNotInTheDatabase) {
  const Login made = setup();
  ASSERT_TRUE(database_->run_now([](storage::Connection& c) { return c.exec("PRAGMA wal_checkpoint(TRUNCATE)"); }));
  std::ifstream file(path_, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  ASSERT_NE(bytes.find("argon2id"), std::string::npos);
  const std::string mac = made.refresh_token.substr(made.refresh_token.rfind('.') + 1);
  for (const std::string& secret :
       {kPassword, made.access_token, made.refresh_token, mac, made.device_token, kSecret}) {
    EXPECT_EQ(bytes.find(secret), std::string::npos);
    const auto raw = base64url_decode(secret);
    EXPECT_TRUE(!raw || bytes.find(as_text(*raw)) == std::string::npos);
  }
}

TEST_F(ServiceTest, FiftyFirstLoginEndsTheOneUsedLongestAgo) {
  const Login first = setup();
  clock_.advance(1s);
  const Login second = login();
  clock_.advance(1s);
  ASSERT_TRUE(run(service_->refresh(first.refresh_token, local())));
  for (std::size_t i = 2; i < kMaxLoginsPerUser; ++i) {
    clock_.advance(1s);
    login();
  }
  EXPECT_TRUE(alive(second));
  clock_.advance(1s);
  login();
  EXPECT_FALSE(alive(second));
  EXPECT_TRUE(alive(first));
  EXPECT_EQ(revoked_, std::vector<std::string>{second.who.session_id});
  EXPECT_EQ(run(service_->logins(first.who))->size(), kMaxLoginsPerUser);
}

// --- Tokens --------------------------------------------------------------------------------------------------------------

TEST_F(ServiceTest, AuthenticateRefusesWhatIsNotLive) {
  const Login made = setup();
  EXPECT_FALSE(service_->authenticate(""));
  EXPECT_FALSE(service_->authenticate("expired"));
  EXPECT_FALSE(service_->authenticate(made.refresh_token));
  EXPECT_FALSE(service_->authenticate(made.device_token));
  // A right token of another secret, and one signed with the secret itself instead of the key derived from it.
  Claims claims;
  claims.sub = made.who.user_id;
  claims.sid = made.who.session_id;
  claims.role = "admin";
  claims.jti = "x";
  claims.iat = claims.nbf = clock_.wall() / 1'000'000;
  claims.exp = claims.iat + 600;
  EXPECT_FALSE(service_->authenticate(sign(claims, kSecret)));
  clock_.advance(599s);
  EXPECT_TRUE(alive(made));
  clock_.advance(1s);
  EXPECT_FALSE(alive(made));
  EXPECT_TRUE(alive(run(service_->refresh(made.refresh_token, local())).value()));
}

TEST_F(ServiceTest, RestartKeepsLoginsAndAnotherSecretEndsThem) {
  const Login made = setup();
  open();
  EXPECT_TRUE(alive(made));
  const Login next = run(service_->refresh(made.refresh_token, local())).value();
  open("another secret of the tests, 32 bytes");
  EXPECT_FALSE(alive(made));
  EXPECT_FALSE(run(service_->refresh(next.refresh_token, local())));
  open();
  EXPECT_TRUE(run(service_->refresh(next.refresh_token, local()))) << "a wrong MAC must not end a login";
}

TEST_F(ServiceTest, RefreshRotatesAndReuseEndsTheLogin) {
  const Login first = setup();
  const Login second = run(service_->refresh(first.refresh_token, local())).value();
  EXPECT_NE(first.refresh_token, second.refresh_token);
  EXPECT_EQ(first.who.session_id, second.who.session_id);
  EXPECT_EQ(second.device_token, "");
  clock_.advance(10s);
  const Login twin = run(service_->refresh(first.refresh_token, local())).value();
  EXPECT_EQ(twin.refresh_token, second.refresh_token) << "within the grace the same successor";
  clock_.advance(1ms);
  const std::string ticket = service_->issue_ticket(second.who, kOrigin).value();
  EXPECT_EQ(run(service_->refresh(first.refresh_token, from("203.0.113.66"))).error().kind, ErrorKind::unauthorized);
  EXPECT_FALSE(alive(second));
  EXPECT_FALSE(service_->redeem_ticket(ticket, kOrigin));
  EXPECT_FALSE(run(service_->refresh(second.refresh_token, local())));
  EXPECT_EQ(revoked_, std::vector<std::string>{first.who.session_id});
  ASSERT_EQ(kinds(), (std::vector<std::string>{"setup", "refresh_reused"}));
  EXPECT_EQ(events_[1].ip, "203.0.113.66");
  open();
  EXPECT_FALSE(alive(second));
}

TEST_F(ServiceTest, VeryOldRefreshTokenIsStillKnownAsReuse) {
  const Login first = setup();
  Login now = first;
  for (int i = 0; i < 200; ++i) {
    clock_.advance(10min);
    now = run(service_->refresh(now.refresh_token, local())).value();
  }
  EXPECT_LE(count("SELECT count(*) FROM refresh_tokens"), 2);
  EXPECT_FALSE(run(service_->refresh(first.refresh_token, local())));
  EXPECT_FALSE(alive(now));
  EXPECT_EQ(kinds().back(), "refresh_reused");
}

TEST_F(ServiceTest, QuickChainKeepsEveryTokenOfTheGrace) {
  const Login first = setup();
  std::vector<std::string> tokens{first.refresh_token};
  for (int i = 0; i < 10; ++i) {
    clock_.advance(100ms);
    tokens.push_back(run(service_->refresh(tokens.back(), local()))->refresh_token);
  }
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i)
    EXPECT_EQ(run(service_->refresh(tokens[i], local()))->refresh_token, tokens[i + 1]) << i;
  EXPECT_TRUE(alive(first));
}

TEST_F(ServiceTest, ForgedRefreshTokensEndNothing) {
  const Login made = setup();
  const Login next = run(service_->refresh(made.refresh_token, local())).value();
  clock_.advance(1min);
  const std::string& token = next.refresh_token;
  const std::string id = token.substr(0, token.find('.'));
  const std::string mac = token.substr(token.rfind('.') + 1);
  for (const std::string& forged :
       {std::string(), std::string("."), std::string(".."), id + ".0." + mac, id + ".2." + mac, id + ".01." + mac,
        id + ".+1." + mac, id + ".-1." + mac, id + ". 1." + mac, id + ".1." + mac + "=", id + ".1.", id + ".1",
        "x" + token, token + ".", id + ".99999999999999999999." + mac, std::string(1 << 20, '.'), made.access_token})
    EXPECT_EQ(run(service_->refresh(forged, local())).error().kind, ErrorKind::unauthorized) << forged.substr(0, 100);
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(run(service_->refresh(changed, local()))) << i;
  }
  EXPECT_TRUE(alive(next));
  EXPECT_TRUE(run(service_->refresh(token, local())));
}

TEST_F(ServiceTest, RefreshEndsWithItsLifetime) {
  const Login made = setup();
  clock_.advance(24h * 29);
  const Login next = run(service_->refresh(made.refresh_token, local())).value();
  clock_.advance(24h * 29);
  const Login later = run(service_->refresh(next.refresh_token, local())).value();
  clock_.advance(24h * 30);
  EXPECT_FALSE(run(service_->refresh(later.refresh_token, local())));
  EXPECT_EQ(count("SELECT count(*) FROM login_sessions"), 0);
}

TEST_F(ServiceTest, ThousandRefreshesAtOnceLoseNoFamily) {
  std::vector<Login> logins{setup()};
  for (int i = 1; i < 10; ++i) logins.push_back(login());
  std::map<std::string, std::set<std::string>> successors;
  int refused = 0;
  for (int round = 0; round < 100; ++round) {
    for (const Login& one : logins) {
      asio::co_spawn(loop_, service_->refresh(one.refresh_token, local()),
                     [&, id = one.who.session_id](std::exception_ptr, Result<Login> result) {
                       if (result) successors[id].insert(result->refresh_token);
                       else ++refused;
                     });
    }
  }
  loop_.restart();
  loop_.run();
  EXPECT_EQ(refused, 0);
  EXPECT_EQ(successors.size(), 10U);
  for (const auto& [id, tokens] : successors) {
    ASSERT_EQ(tokens.size(), 1U);
    EXPECT_TRUE(run(service_->refresh(*tokens.begin(), local())));
  }
  EXPECT_TRUE(revoked_.empty());
}

// --- Revocation ----------------------------------------------------------------------------------------------------------

TEST_F(ServiceTest, LogoutCountsAtOnce) {
  const Login gone = setup();
  const Login stays = login();
  const std::string ticket = service_->issue_ticket(gone.who, kOrigin).value();
  ASSERT_TRUE(run(service_->logout(gone.who)));
  EXPECT_FALSE(alive(gone));
  EXPECT_FALSE(service_->redeem_ticket(ticket, kOrigin));
  EXPECT_FALSE(service_->issue_ticket(gone.who, kOrigin));
  EXPECT_FALSE(run(service_->refresh(gone.refresh_token, local())));
  EXPECT_TRUE(alive(stays));
  EXPECT_EQ(revoked_, std::vector<std::string>{gone.who.session_id});
  EXPECT_EQ(kinds().back(), "logout");
  open();
  EXPECT_FALSE(alive(gone));
  EXPECT_TRUE(alive(stays));
}

TEST_F(ServiceTest, LogoutCountsAlsoWhenTheDiskFails) {
  const Login gone = setup();
  fail_events_ = true;
  EXPECT_FALSE(run(service_->logout(gone.who)));
  EXPECT_FALSE(alive(gone));
  EXPECT_FALSE(run(service_->refresh(gone.refresh_token, local())));
}

TEST_F(ServiceTest, LogoutAllIsOfOneUser) {
  const Login one = setup();
  const Login two = login();
  ASSERT_TRUE(run(service_->add_user(one.who, "bob", "orbit-maple-73", Role::member)));
  const Login bob = run(service_->login("bob", "orbit-maple-73", local())).value();
  ASSERT_TRUE(run(service_->logout_all(two.who)));
  EXPECT_FALSE(alive(one));
  EXPECT_FALSE(alive(two));
  EXPECT_TRUE(alive(bob));
}

TEST_F(ServiceTest, RevokeLoginIsForItsOwnerOrAnAdmin) {
  const Login ann = setup();
  ASSERT_TRUE(run(service_->add_user(ann.who, "bob", "orbit-maple-73", Role::member)));
  const Login bob = run(service_->login("bob", "orbit-maple-73", local())).value();
  const Login phone = run(service_->login("bob", "orbit-maple-73", local())).value();
  EXPECT_EQ(run(service_->revoke_login(bob.who, ann.who.session_id)).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run(service_->revoke_login(bob.who, "x")).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(run(service_->revoke_login(bob.who, phone.who.session_id)));
  EXPECT_FALSE(alive(phone));
  EXPECT_TRUE(alive(bob));
  EXPECT_TRUE(run(service_->revoke_login(ann.who, bob.who.session_id)));
  EXPECT_FALSE(alive(bob));
  EXPECT_TRUE(alive(ann));
  EXPECT_TRUE(run(service_->logins(bob.who))->empty());
}

TEST_F(ServiceTest, PasswordChangeEndsEveryLogin) {
  const Login one = setup();
  const Login two = login();
  EXPECT_EQ(run(service_->change_password(one.who, "not the password", "garden-window-9", local())).error().field,
            "old_password");
  EXPECT_EQ(run(service_->change_password(one.who, kPassword, "short", local())).error().field, "password");
  EXPECT_TRUE(alive(two));
  const auto fresh = run(service_->change_password(one.who, kPassword, "garden-window-9", local(one.device_token)));
  ASSERT_TRUE(fresh) << fresh.error().message;
  EXPECT_TRUE(alive(*fresh));
  EXPECT_FALSE(alive(one));
  EXPECT_FALSE(alive(two));
  EXPECT_NE(fresh->device_token, one.device_token);
  EXPECT_FALSE(run(service_->refresh(two.refresh_token, local())));
  EXPECT_FALSE(run(service_->login("ann", kPassword, local())));
  EXPECT_TRUE(run(service_->login("ann", "garden-window-9", local())));
  EXPECT_EQ(revoked_.size(), 2U);
}

TEST_F(ServiceTest, PasswordChangedByAnotherProcessEndsTheLoginAtItsRefresh) {
  const Login made = setup();
  ASSERT_TRUE(database_->run_now([](storage::Connection& c) { return c.run("UPDATE users SET epoch = epoch + 1"); }));
  EXPECT_FALSE(run(service_->refresh(made.refresh_token, local())));
  EXPECT_FALSE(alive(made));
}

// --- Users ---------------------------------------------------------------------------------------------------------------

TEST_F(ServiceTest, UsersAreForAdmins) {
  const Login ann = setup();
  ASSERT_TRUE(run(service_->add_user(ann.who, "bob", "orbit-maple-73", Role::viewer)));
  const Login bob = run(service_->login("bob", "orbit-maple-73", local())).value();
  EXPECT_EQ(bob.who.role, Role::viewer);
  EXPECT_EQ(run(service_->add_user(bob.who, "eve", "orbit-maple-73", Role::admin)).error().kind, ErrorKind::forbidden);
  EXPECT_EQ(run(service_->users(bob.who)).error().kind, ErrorKind::forbidden);
  EXPECT_EQ(run(service_->add_user(ann.who, "BOB", "orbit-maple-73", Role::viewer)).error().kind, ErrorKind::conflict);
  EXPECT_EQ(run(service_->add_user(ann.who, "b b", "orbit-maple-73", Role::viewer)).error().field, "name");
  EXPECT_EQ(run(service_->add_user(ann.who, "eve", "eve", Role::viewer)).error().field, "password");
  const auto users = run(service_->users(ann.who)).value();
  ASSERT_EQ(users.size(), 2U);
  EXPECT_EQ(users[1].name, "bob");
}

TEST_F(ServiceTest, UserOfAnotherProcessIsSeen) {
  ASSERT_TRUE(service_->setup_required());
  {
    asio::io_context other_loop;
    auto other = storage::open_or_fail(path_, other_loop);
    AuthEvent told;
    const auto tell = [&](storage::Connection&, const AuthEvent& event) -> Result<> {
      told = event;
      return {};
    };
    ASSERT_TRUE(add_user_now(*other, clock_, random_, "ann", kPassword, Role::admin, tell, kCheap));
    EXPECT_EQ(told.kind, AuthEvent::Kind::user_added);
    EXPECT_EQ(told.target, "ann");
    EXPECT_EQ(add_user_now(*other, clock_, random_, "Ann", kPassword, Role::admin, {}, kCheap).error().kind,
              ErrorKind::conflict);
    EXPECT_FALSE(add_user_now(*other, clock_, random_, "bob", "short", Role::admin, {}, kCheap));
  }
  EXPECT_FALSE(run(service_->look_for_users()).value());
  EXPECT_FALSE(service_->setup_required());
  EXPECT_TRUE(run(service_->login("ann", kPassword, local())));
}

// --- Guessing ------------------------------------------------------------------------------------------------------------

TEST_F(ServiceTest, GuessesFromManySourcesReachFewHashesAndTheOwnerGetsIn) {
  const Login owner = setup();
  events_.clear();
  int unauthorized = 0;
  int throttled = 0;
  double slowest = 0;
  for (int i = 0; i < 10'000; ++i) {
    clock_.advance(360ms);
    const std::string ip = "10.1." + std::to_string(i % 500 / 250) + "." + std::to_string(i % 250);
    const auto guess =
        run(service_->login(i % 2 == 0 ? "ann" : "user" + std::to_string(i), "not the password", from(ip)));
    ASSERT_FALSE(guess);
    (guess.error().kind == ErrorKind::too_many ? throttled : unauthorized) += 1;
    if (i % 1000 != 999) continue;
    const auto before = std::chrono::steady_clock::now();
    EXPECT_TRUE(run(service_->login("ann", kPassword, from("198.51.100.7", owner.device_token))));
    slowest = std::max(slowest, std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count());
  }
  std::cout << unauthorized << " of 10000 guesses reached the hash, " << throttled << " throttled; slowest owner login "
            << slowest << " s\n";
  EXPECT_LE(unauthorized, 100);
  EXPECT_LE(slowest, 2);
  EXPECT_EQ(std::count_if(events_.begin(), events_.end(), [](const AuthEvent& e) { return is_failure(e.kind); }),
            unauthorized);
  // A restart gives no tries back, and knows the device.
  open();
  EXPECT_EQ(run(service_->login("ann", "not the password", from("10.9.9.9"))).error().kind, ErrorKind::too_many);
  EXPECT_TRUE(run(service_->login("ann", kPassword, from("198.51.100.7", owner.device_token))));
}

TEST_F(ServiceTest, DeviceIsOfOneAccount) {
  const Login ann = setup();
  ASSERT_TRUE(run(service_->add_user(ann.who, "bob", "orbit-maple-73", Role::member)));
  const Login bob = run(service_->login("bob", "orbit-maple-73", local())).value();
  int admitted = 0;
  for (int i = 0; i < 30; ++i) {
    const auto guess = run(service_->login("ann", "not the password", from("203.0.113.9", bob.device_token)));
    admitted += guess.error().kind == ErrorKind::unauthorized ? 1 : 0;
  }
  EXPECT_EQ(admitted, 4) << "another account's device is no privilege";
  EXPECT_NE(run(service_->login("ann", kPassword, local(bob.device_token)))->device_token, bob.device_token);
  EXPECT_EQ(run(service_->login("ann", kPassword, local(ann.device_token)))->device_token, ann.device_token);
}

TEST_F(ServiceTest, ProgramsDoNotPushBrowsersOut) {
  const Login browser = setup();
  Source program = local();
  program.remember = Remember::nothing;
  for (std::size_t i = 0; i < kMaxDevicesPerUser + 5; ++i) EXPECT_EQ(login(program).device_token, "");
  EXPECT_EQ(count("SELECT count(*) FROM known_devices"), 1);
  EXPECT_EQ(login(local(browser.device_token)).device_token, browser.device_token);
  for (std::size_t i = 0; i < kMaxDevicesPerUser; ++i) {
    clock_.advance(1s);
    login();
  }
  EXPECT_EQ(count("SELECT count(*) FROM known_devices"), static_cast<std::int64_t>(kMaxDevicesPerUser));
  EXPECT_NE(login(local(browser.device_token)).device_token, browser.device_token) << "the oldest went";
}

TEST_F(ServiceTest, GuessingTheOldPasswordInATakenSessionIsBounded) {
  const Login ann = setup();
  int tried = 0;
  for (int i = 0; i < 100; ++i) {
    const auto guess =
        run(service_->change_password(ann.who, "not the password", "garden-window-9", from("203.0.113.9")));
    tried += guess.error().kind == ErrorKind::invalid ? 1 : 0;
  }
  EXPECT_LE(tried, 14);
}

TEST_F(ServiceTest, CallerThatGoesAwayHasHadItsTry) {
  setup();
  int ended = 0;
  for (int i = 0; i < 50; ++i) {
    asio::cancellation_signal stop;
    asio::co_spawn(loop_, service_->login("ann", "not the password", from("203.0.113.9")),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, Result<Login>) { ++ended; }));
    asio::post(loop_, [&] { stop.emit(asio::cancellation_type::terminal); });
    loop_.restart();
    loop_.run();
  }
  EXPECT_EQ(ended, 50);
  EXPECT_EQ(run(service_->login("ann", kPassword, from("203.0.113.9"))).error().kind, ErrorKind::too_many);
}

TEST_F(ServiceTest, ShortSecretIsRefused) {
  const auto opened = Service::open({.jwt_secret = std::string(31, 'x'), .data_dir = folder_.path()},
                                    {loop_.get_executor(), database_.get(), &clock_, &random_, &pool_, {}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().field, "JWT_SECRET");
}

}  // namespace
}  // namespace ccd::auth
