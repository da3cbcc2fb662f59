// TapLink against the real pane-tap.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <array>
#include <csignal>
#include <deque>
#include <optional>

#include "base/encoding.hpp"
#include "recording/session_folder.hpp"
#include "recording/tap_link.hpp"
#include "recording/test_support.hpp"

namespace ccd::recording {
namespace {

using namespace test;

class TapLinkTest : public testing::Test {
 protected:
  struct Nak {
    std::uint64_t highest;
    NakReason reason;
  };

  TapLink::Events events() {
    return {.on_ack = [this](const ClientId&, std::uint64_t highest) { acks_.push_back(highest); },
            .on_nak = [this](const ClientId&, std::uint64_t highest,
                             NakReason reason) { naks_.push_back({highest, reason}); },
            .on_down = [this](Error error) { downs_.push_back(std::move(error)); },
            .on_preload = [this](PreloadStatus status, std::uint64_t) { preloads_.push_back(status); },
            .on_live = [this](const LiveBytes& live) { live_.push_back(text_of(live.bytes)); },
            .on_output = [this](std::uint64_t offset,
                                std::span<const std::byte> told) { told_.emplace_back(offset, text_of(told)); },
            .on_grown = [this] { ++grown_; }};
  }
  bool run_until(const std::function<bool()>& holds) {
    return wait_until([&] {
      io_.restart();
      io_.poll();
      return holds();
    });
  }
  Result<> connect(TapLink& link) {
    std::optional<Result<>> result;
    asio::co_spawn(io_, link.connect(), [&](const std::exception_ptr& e, Result<> r) {
      EXPECT_FALSE(e);
      result = std::move(r);
    });
    if (!run_until([&] { return result.has_value(); })) return fail(ErrorKind::internal, "connect() never returned");
    return *result;
  }
  Result<ResizeMarked> resize(TapLink& link, std::uint16_t cols, std::uint16_t rows) {
    std::optional<Result<ResizeMarked>> result;
    asio::co_spawn(io_, link.resize(cols, rows), [&](const std::exception_ptr& e, Result<ResizeMarked> r) {
      EXPECT_FALSE(e);
      result = std::move(r);
    });
    if (!run_until([&] { return result.has_value(); })) return fail(ErrorKind::internal, "resize() never returned");
    return *result;
  }
  static std::span<const std::byte> bytes(std::string_view text) { return as_bytes(text); }

  asio::io_context io_;
  SessionFolder folder_;
  std::vector<std::uint64_t> acks_;
  std::vector<Nak> naks_;
  std::vector<Error> downs_;
  std::vector<PreloadStatus> preloads_;
  std::deque<std::string> live_;
  std::vector<std::pair<std::uint64_t, std::string>> told_;
  int grown_ = 0;
};

TEST_F(TapLinkTest, ConnectsSendsAndIsAcknowledged) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  EXPECT_FALSE(link.up());
  EXPECT_EQ(link.send(client_id(1), 1, bytes("x")).error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(connect(link));
  EXPECT_TRUE(link.up());
  EXPECT_EQ(link.tap().pid, tap.pid());
  EXPECT_EQ(link.tap().version, kTapVersion);
  EXPECT_FALSE(link.tap().holding);
  EXPECT_EQ(connect(link).error().kind, ErrorKind::conflict);
  ASSERT_TRUE(link.send(client_id(1), 1, bytes("ab")));
  ASSERT_TRUE(link.send(client_id(1), 2, bytes("c")));
  ASSERT_TRUE(link.send(client_id(1), 4, bytes("never")));
  ASSERT_TRUE(link.ask_last(client_id(9)));
  ASSERT_TRUE(run_until([&] { return acks_.size() == 3; }));
  EXPECT_EQ(acks_, (std::vector<std::uint64_t>{1, 2, 0}));
  ASSERT_EQ(naks_.size(), 1U);
  EXPECT_EQ(naks_[0].reason, NakReason::gap);
  EXPECT_EQ(naks_[0].highest, 2U);
  EXPECT_EQ(tap.typed_exactly(3), "abc");
}

TEST_F(TapLinkTest, TellsOutputWhileItIsWatched) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  link.watch_output(true);  // nothing happens without a link
  ASSERT_TRUE(connect(link));
  EXPECT_TRUE(link.tap().tells_output());
  link.watch_output(true);
  ASSERT_TRUE(run_until([&] { return grown_ == 1; }));
  ASSERT_TRUE(tap.print("one"));
  ASSERT_TRUE(run_until([&] { return told_.size() == 1; }));
  ASSERT_TRUE(tap.print("two"));
  ASSERT_TRUE(run_until([&] { return told_.size() == 2; }));
  EXPECT_EQ(told_[0], std::pair(std::uint64_t{0}, std::string("one")));
  EXPECT_EQ(told_[1], std::pair(std::uint64_t{3}, std::string("two")));
  // The tap is asked anew on a new connection.
  link.close();
  ASSERT_TRUE(connect(link));
  link.watch_output(true);
  ASSERT_TRUE(run_until([&] { return grown_ == 2; }));
  link.watch_output(false);
  ASSERT_TRUE(link.ask_last(client_id(1)));
  ASSERT_TRUE(run_until([&] { return acks_.size() == 1; }));
  ASSERT_TRUE(tap.print("three"));
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == 11; }));
  ASSERT_TRUE(link.ask_last(client_id(1)));
  ASSERT_TRUE(run_until([&] { return acks_.size() == 2; }));
  EXPECT_EQ(told_.size(), 2U);
  EXPECT_EQ(grown_, 2);
}

TEST_F(TapLinkTest, FolderDeeperThanASocketAddress) {
  std::string deep = folder_.root();
  for (int i = 0; i < 10; ++i) deep += "/a-folder-with-a-long-name";
  ASSERT_TRUE(create_session_folder(deep));
  TapProcess tap(deep);
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), deep, events());
  ASSERT_TRUE(connect(link));
  ASSERT_TRUE(link.send(client_id(1), 1, bytes("deep")));
  EXPECT_EQ(tap.typed_exactly(4), "deep");
}

TEST_F(TapLinkTest, WithoutATapSaysWhy) {
  TapLink link(io_.get_executor(), folder_.path(), events());
  EXPECT_EQ(connect(link).error().kind, ErrorKind::not_found);
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  tap.kill_now();  // leaves its socket
  EXPECT_EQ(connect(link).error().kind, ErrorKind::unavailable);
  EXPECT_TRUE(downs_.empty());
}

TEST_F(TapLinkTest, TapThatDoesNotAnswerIsATimeout) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder_.path() + "/tap.sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  TapLink link(io_.get_executor(), folder_.path(), events());
  EXPECT_EQ(connect(link).error().kind, ErrorKind::timeout);
  EXPECT_FALSE(link.up());
}

TEST_F(TapLinkTest, KilledTapIsReportedOnceAndANewOneContinues) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  ASSERT_TRUE(link.send(client_id(1), 1, bytes("one")));
  ASSERT_TRUE(run_until([&] { return !acks_.empty(); }));
  tap.kill_now();
  ASSERT_TRUE(run_until([&] { return !downs_.empty(); }));
  EXPECT_EQ(downs_[0].kind, ErrorKind::unavailable);
  EXPECT_FALSE(link.up());
  EXPECT_FALSE(link.send(client_id(1), 2, bytes("two")));

  TapProcess next(folder_.path());
  ASSERT_TRUE(next.wait_ready());
  ASSERT_TRUE(connect(link));
  ASSERT_TRUE(link.send(client_id(1), 1, bytes("one")));  // as if the first ACK had been lost
  ASSERT_TRUE(link.send(client_id(1), 2, bytes("two")));
  ASSERT_TRUE(run_until([&] { return acks_.size() == 3; }));
  EXPECT_EQ(next.typed_exactly(3), "two");
  EXPECT_EQ(downs_.size(), 1U);
}

TEST_F(TapLinkTest, QueueIsBoundedAndNothingOfItIsLost) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  std::string expected;
  std::uint64_t number = 0;
  Result<> sent;
  int full_in_a_row = 0;
  // The pane reads nothing: batches until everything on the way is full and stays so.
  while (full_in_a_row < 50) {
    const std::string batch = pattern(30'000, number + 1);
    sent = link.send(client_id(1), number + 1, bytes(batch));
    full_in_a_row = sent ? 0 : full_in_a_row + 1;
    if (sent) {
      ++number;
      expected += batch;
    }
    io_.restart();
    io_.run_for(std::chrono::milliseconds(1));
    ASSERT_LT(expected.size(), 20'000'000U);
  }
  EXPECT_EQ(sent.error().kind, ErrorKind::unavailable);
  EXPECT_EQ(link.send(client_id(1), number + 1, bytes(std::string(kMaxInputBytes + 1, 'x'))).error().kind,
            ErrorKind::too_large);
  std::string got;
  ASSERT_TRUE(run_until([&] {
    got += tap.typed(65536, std::chrono::milliseconds(0));
    return got.size() == expected.size();
  }));
  EXPECT_TRUE(got == expected);
  ASSERT_TRUE(run_until([&] { return !acks_.empty() && acks_.back() == number; }));
  EXPECT_TRUE(downs_.empty());
}

TEST_F(TapLinkTest, PreloadOfManyPartsIsAnswered) {
  TapProcess tap(folder_.path(), {"--hold-ms", "60000"});
  ASSERT_TRUE(tap.print("held"));
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  EXPECT_TRUE(link.tap().holding);
  const std::string screen = pattern(3'000'000, 1);
  ASSERT_TRUE(link.preload(bytes(screen)));
  ASSERT_TRUE(run_until([&] { return !preloads_.empty(); }));
  EXPECT_EQ(preloads_[0], PreloadStatus::taken);
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == screen.size() + 4; }));
  EXPECT_TRUE(folder_.log() == screen + "held");
  ASSERT_TRUE(link.preload(bytes("again")));
  ASSERT_TRUE(run_until([&] { return preloads_.size() == 2; }));
  EXPECT_EQ(preloads_[1], PreloadStatus::too_late);
  EXPECT_EQ(link.preload(bytes(std::string(kMaxPreloadBytes + 1, 'x'))).error().kind, ErrorKind::too_large);
}

TEST_F(TapLinkTest, EmptyPreloadEndsTheHold) {
  TapProcess tap(folder_.path(), {"--hold-ms", "60000"});
  ASSERT_TRUE(tap.print("held"));
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  ASSERT_TRUE(link.preload({}));
  ASSERT_TRUE(run_until([&] { return !preloads_.empty(); }));
  EXPECT_EQ(folder_.log(), "held");
}

TEST_F(TapLinkTest, ResizeIsMarkedBeforeItReturns) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  EXPECT_EQ(resize(link, 80, 24).error().kind, ErrorKind::unavailable);
  ASSERT_TRUE(connect(link));
  EXPECT_TRUE(link.tap().marks_resizes());
  ASSERT_TRUE(tap.print("before"));
  ASSERT_TRUE(wait_until([&] { return folder_.log_end() == 6; }));
  EXPECT_EQ(resize(link, 100, 30).value(), ResizeMarked::yes);
  const std::vector<Mark> sizes = folder_.marks(MarkKind::resize);
  ASSERT_EQ(sizes.size(), 1U);
  EXPECT_EQ(sizes[0].offset, 6U);
  EXPECT_EQ(size_of_value(sizes[0].value), (PaneSize{.cols = 100, .rows = 30}));
  EXPECT_EQ(resize(link, 0, 30).error().kind, ErrorKind::invalid);
}

TEST_F(TapLinkTest, ResizeThatTheTapCannotReadEndsWithTheLink) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  tap.signal(SIGSTOP);
  std::optional<Result<ResizeMarked>> result;
  asio::co_spawn(io_, link.resize(80, 24), [&](const std::exception_ptr&, Result<ResizeMarked> r) { result = r; });
  io_.poll();
  EXPECT_FALSE(result);
  link.close();
  ASSERT_TRUE(run_until([&] { return result.has_value(); }));
  EXPECT_EQ(result->error().kind, ErrorKind::unavailable);
  tap.signal(SIGCONT);
  ASSERT_TRUE(connect(link));
  EXPECT_EQ(resize(link, 90, 24).value(), ResizeMarked::yes);
  tap.signal(SIGSTOP);
  EXPECT_EQ(resize(link, 91, 24).error().kind, ErrorKind::timeout);
  tap.signal(SIGCONT);
  // The late answer to the one before is not taken for this one's.
  EXPECT_EQ(resize(link, 92, 24).value(), ResizeMarked::yes);
  EXPECT_EQ(size_of_value(folder_.marks(MarkKind::resize).back().value).cols, 92);
}

// A tap that was started before an upgrade of the dashboard: it skips the frames that it does not know.
TEST_F(TapLinkTest, TapOfVersionOneTakesInputAndMarksNoSizes) {
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  (folder_.path() + "/tap.sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  TapLink link(io_.get_executor(), folder_.path(), events());
  std::optional<Result<>> connected;
  asio::co_spawn(io_, link.connect(), [&](const std::exception_ptr&, Result<> r) { connected = r; });
  io_.poll();
  const UniqueFd tap(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(tap);
  const std::string hello("\x0a\0\0\0\x01\x01\0\0\0\x07\0\0\0\0", 14);
  ASSERT_EQ(::send(tap.get(), hello.data(), hello.size(), 0), 14);
  ASSERT_TRUE(run_until([&] { return connected.has_value(); }));
  ASSERT_TRUE(*connected);
  EXPECT_EQ(link.tap().version, 1U);
  EXPECT_FALSE(link.tap().marks_resizes());
  EXPECT_EQ(resize(link, 80, 24).value(), ResizeMarked::never);
  ASSERT_TRUE(link.send(client_id(1), 1, bytes("x")));
  std::array<char, 256> got{};
  const ssize_t n = ::recv(tap.get(), got.data(), got.size(), 0);
  EXPECT_EQ(n, 13 + 30) << "the hello and the input, and nothing that it does not know";
}

TEST_F(TapLinkTest, OutputThatTheDiskDoesNotTakeComesOverTheLink) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  EXPECT_EQ(resize(link, 80, 24).value(), ResizeMarked::yes);  // so the tap knows by now what this link wants
  const rlimit small{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
  ASSERT_EQ(::prlimit(tap.pid(), RLIMIT_FSIZE, &small, nullptr), 0);
  const std::string text = pattern(50'000, 1);
  ASSERT_TRUE(tap.print(text));
  std::string shown;
  ASSERT_TRUE(run_until([&] {
    for (; !live_.empty(); live_.pop_front()) shown += live_.front();
    return 4096 + shown.size() == text.size();
  }));
  EXPECT_TRUE(text.substr(4096) == shown);
}

TEST_F(TapLinkTest, CloseIsQuiet) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  TapLink link(io_.get_executor(), folder_.path(), events());
  ASSERT_TRUE(connect(link));
  link.close();
  EXPECT_FALSE(link.up());
  ASSERT_TRUE(connect(link));
  tap.kill_now();
  ASSERT_TRUE(run_until([&] { return !downs_.empty(); }));
  EXPECT_EQ(downs_.size(), 1U);
}

TEST_F(TapLinkTest, CallbackMayDestroyTheLink) {
  TapProcess tap(folder_.path());
  ASSERT_TRUE(tap.wait_ready());
  std::unique_ptr<TapLink> link;
  int calls = 0;
  link = std::make_unique<TapLink>(io_.get_executor(), folder_.path(),
                                   TapLink::Events{.on_ack =
                                                       [&](const ClientId&, std::uint64_t) {
                                                         ++calls;
                                                         link.reset();
                                                       },
                                                   .on_nak = {},
                                                   .on_down = {}});
  ASSERT_TRUE(connect(*link));
  ASSERT_TRUE(link->send(client_id(1), 1, bytes("a")));
  ASSERT_TRUE(link->send(client_id(1), 2, bytes("b")));
  ASSERT_TRUE(run_until([&] { return calls > 0; }));
  EXPECT_EQ(tap.typed_exactly(2), "ab");
  io_.restart();
  io_.run_for(std::chrono::milliseconds(5));
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace ccd::recording
