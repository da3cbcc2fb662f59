// The encoding of commands: what it writes and what it refuses. That tmux reads it back is hostile_strings_test.cpp's matter.
#include "tmux/command.hpp"

#include <gtest/gtest.h>
#include <algorithm>

#include "tmux/tmux.hpp"

namespace ccd::tmux {
namespace {

TEST(Command, EveryByteBecomesPrintableText) {
  std::string all;
  for (int i = 1; i < 256; ++i) all += static_cast<char>(i);
  const auto line = encode({{"set-option", all}, {"x"}});
  ASSERT_TRUE(line);
  EXPECT_TRUE(std::ranges::all_of(*line, [](char c) { return c >= 0x20 && c < 0x7f; }));
  EXPECT_EQ(encode({{"a", "b c", ""}, {"d", ";", "$X~#{}'\""}}).value(),
            R"("a" "b c" "" ; "d" "\073" "\044X\176\043\173\175\047\042")");
}

TEST(Command, RefusesNulAndTooMuch) {
  EXPECT_EQ(encode({{"a", std::string(1, '\0')}}).error().kind, ErrorKind::invalid);
  EXPECT_EQ(encode({{}}).error().kind, ErrorKind::internal);
  EXPECT_EQ(encode({{"a", std::string(kMaxCommandBytes, 'x')}}).error().kind, ErrorKind::too_large);
  EXPECT_TRUE(check_argument("x", std::string(kMaxArgument, 'x')));
  EXPECT_EQ(check_argument("x", std::string(kMaxArgument + 1, 'x')).error().kind, ErrorKind::too_large);
  EXPECT_EQ(check_argument("x", std::string_view("a\0b", 3)).error().field, "x");
}

TEST(Command, FormatsAreDoubledButForStyles) {
  EXPECT_EQ(escape_format("#{pid} #(id) ## a#"), "##{pid} ##(id) #### a##");
  EXPECT_EQ(escape_format("#[x ##[y #[#(z)"), "#[x ##[y #[##(z)");
  EXPECT_EQ(escape_format("plain"), "plain");
  EXPECT_EQ(escape_timed_format("50% #{x} %Y"), "50%% ##{x} %%Y");
}

TEST(Command, NamesAndIds) {
  for (const char* good : {"a", "A_b-9", "9", "_"}) EXPECT_TRUE(valid_name(good)) << good;
  for (const char* bad : {"", "-a", "a b", "a.b", "a:b", "a;b", "é", "a\n", "#", "=a", "$1", "@1", "%1", "{x}"})
    EXPECT_FALSE(valid_name(bad)) << bad;
  EXPECT_TRUE(valid_name(std::string(64, 'x')));
  EXPECT_FALSE(valid_name(std::string(65, 'x')));
  EXPECT_TRUE(valid_id("$0", '$'));
  EXPECT_TRUE(valid_id("%4294967295", '%'));
  for (const char* bad : {"", "$", "0", "@1", "$1 ", "$-1", "$1;", "$99999999999", "$1\n"})
    EXPECT_FALSE(valid_id(bad, '$')) << bad;
  EXPECT_TRUE(valid_variable("A_1"));
  for (const char* bad : {"", "1A", "A-B", "A=B", "A B", "é"}) EXPECT_FALSE(valid_variable(bad)) << bad;
  EXPECT_TRUE(valid_marker("client:17"));
  for (const char* bad : {"", "a+1", "a b", "a;"}) EXPECT_FALSE(valid_marker(bad)) << bad;
}

TEST(Command, PipeCommandLineQuotesForTheShell) {
  EXPECT_EQ(pipe_command_line({"/opt/pane-tap", "it's", "a b", "", "$x`y`\n"}),
            "exec '/opt/pane-tap' 'it'\\''s' 'a b' '' '$x`y`\n'");
}

}  // namespace
}  // namespace ccd::tmux
