// Names, kinds and activity words.
#include "sessions/session.hpp"

#include <gtest/gtest.h>

namespace ccd::sessions {
namespace {

TEST(SessionName, OnlyPlainWords) {
  for (const char* good : {"a", "api-auth", "A_9", "0"}) EXPECT_TRUE(valid_session_name(good)) << good;
  EXPECT_TRUE(valid_session_name(std::string(64, 'x')));
  for (const std::string bad : {"", "-a", "a b", "a;b", "a.b", "a:b", "#(id)", "a\nb", "\xc3\xa9", "a\"", "$x"})
    EXPECT_FALSE(valid_session_name(bad)) << bad;
  EXPECT_FALSE(valid_session_name(std::string(65, 'x')));
  EXPECT_FALSE(valid_session_name(std::string_view("a\0b", 3)));
}

TEST(SessionKind, ByTheProgramsName) {
  EXPECT_EQ(kind_of({"claude", "--model", "x"}), Kind::claude);
  EXPECT_EQ(kind_of({"/usr/local/bin/claude"}), Kind::claude);
  EXPECT_EQ(kind_of({"/bin/bash", "-l"}), Kind::shell);
  EXPECT_EQ(kind_of({"python3"}), Kind::other);
  EXPECT_EQ(kind_of({}), Kind::other);
}

Session claude_with_title(std::string title) {
  Session s;
  s.kind = Kind::claude;
  s.title = std::move(title);
  return s;
}

TEST(SessionActivity, ClaudesTitleTells) {
  EXPECT_EQ(activity_of(claude_with_title("\xe2\xa0\x82 Refactor"), 0), Activity::working);  // U+2802
  EXPECT_EQ(activity_of(claude_with_title("\xe2\x97\x90 Refactor"), 0), Activity::working);  // U+25D0
  EXPECT_EQ(activity_of(claude_with_title("\xe2\x97\x91 Refactor"), 0), Activity::working);  // U+25D1
  EXPECT_EQ(activity_of(claude_with_title("\xe2\x9c\xb3 Claude Code"), 0), Activity::idle);  // U+2733
  EXPECT_EQ(activity_of(claude_with_title("bash"), 0), Activity::unknown);
}

TEST(SessionActivity, OutputTellsForOthers) {
  Session s;
  s.kind = Kind::shell;
  EXPECT_EQ(activity_of(s, 100), Activity::unknown);
  s.last_output_at = 10'000'000;
  EXPECT_EQ(activity_of(s, 12'000'000), Activity::working);
  EXPECT_EQ(activity_of(s, 14'000'000), Activity::idle);
  s.status = Status::lost;
  EXPECT_EQ(activity_of(s, 14'000'000), Activity::lost);
}

TEST(SessionStatus, WordsRoundTrip) {
  for (const Status s : {Status::active, Status::exited, Status::lost, Status::archived})
    EXPECT_EQ(status_from(to_string(s)), s);
  EXPECT_FALSE(status_from("gone"));
}

}  // namespace
}  // namespace ccd::sessions
