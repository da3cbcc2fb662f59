// What may be typed, what counts as the same, and the queue's tables.
#include "agents/prompt_store.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "agents/typist.hpp"
#include "base/encoding.hpp"
#include "sessions/store.hpp"
#include "storage/testing.hpp"

namespace ccd::agents {
namespace {

TEST(PromptText, LineEndsAreOneAndEndsAreTrimmed) {
  EXPECT_EQ(*prompt_text("a\r\nb\rc\n\n"), "a\nb\nc");
  EXPECT_EQ(*prompt_text("\tindented 😀 \"quotes\" $HOME"), "\tindented 😀 \"quotes\" $HOME");
}

TEST(PromptText, WhatATerminalWouldActOnIsRefused) {
  for (const std::string& text :
       {std::string("a\x1b[201~rm"), std::string("\x03"), std::string("a\0b", 3), std::string("\x7f"),
        std::string("\xc2\x9b"
                    "1m"),
        std::string("\xff"), std::string(" \n\t"), std::string(), std::string(kMaxPromptBytes + 1, 'x')}) {
    const auto made = prompt_text(text);
    ASSERT_FALSE(made) << text.substr(0, 20);
    EXPECT_EQ(made.error().field, "text");
  }
  EXPECT_TRUE(prompt_text("\xc2\xa0no-break"));
}

TEST(SamePrompt, BlanksDoNotCount) {
  EXPECT_TRUE(same_prompt("a\n\tb  c", "a\n    b c"));
  EXPECT_TRUE(same_prompt("a", " a\n"));
  EXPECT_FALSE(same_prompt("a b", "a"));
  EXPECT_FALSE(same_prompt("a", "a b"));
  EXPECT_FALSE(same_prompt("a", "b"));
  EXPECT_FALSE(same_prompt("abc", ""));
}

TEST(SamePrompt, InvisibleCharactersDoNotCount) {
  EXPECT_TRUE(same_prompt("\U0001F469\u200d", "\U0001F469"));
  EXPECT_TRUE(same_prompt("a\u2066b\ufeff\U000e0041", "ab"));
  EXPECT_FALSE(same_prompt("\u2019", "\u2018"));
  EXPECT_FALSE(same_prompt("\u2190", ""));
}

TEST(SamePrompt, AnEventThatWasCutIsTheSame) {
  const std::string sent(claude::kMaxHookText + 1000, 'x');
  EXPECT_TRUE(same_prompt(sent, sent.substr(0, claude::kMaxHookText)));
  EXPECT_FALSE(same_prompt(sent, sent.substr(0, 1000)));
}

TEST(SamePrompt, TheTagsOfAPasteAreNotPartOfIt) {
  EXPECT_TRUE(same_prompt("a\nb", "\n\n<pasted_content id=\"8edb\">\na\nb\n</pasted_content id=\"8edb\">\n"));
  EXPECT_TRUE(same_prompt("do a b", "do <pasted_content id=\"8edb\">\na\n</pasted_content id=\"8edb\">\nb"));
  EXPECT_FALSE(same_prompt("a", "\n\n<pasted_content id=\"8edb\">\nb\n</pasted_content id=\"8edb\">\n"));
  EXPECT_TRUE(same_prompt("pasted_content id=\"", "pasted_content id=\""));
  EXPECT_FALSE(same_prompt("x", "<pasted_content id=\""));
}

TEST(Pastes, AreTheTextInPiecesThatTheClientDoesNotFold) {
  std::string text;
  for (int i = 0; text.size() < 20'000; ++i)
    text += i % 7 == 0 ? "line\n\n" : i % 3 == 0 ? "\U0001F469\u200D\U0001F467" : "words 漢字 ";
  std::string joined, typed = as_pastes(text);
  std::string_view left = typed;
  while (!left.empty()) {
    ASSERT_TRUE(left.starts_with("\x1b[200~"));
    const std::size_t end = left.find("\x1b[201~");
    ASSERT_NE(end, std::string_view::npos);
    const std::string_view piece = left.substr(6, end - 6);
    EXPECT_LE(piece.size(), 800U);
    EXPECT_LE(std::ranges::count(piece, '\n'), 2);
    EXPECT_TRUE(valid_utf8(piece));
    EXPECT_FALSE(piece.empty());
    joined += piece;
    left.remove_prefix(end + 6);
  }
  EXPECT_EQ(joined, text);
  EXPECT_EQ(as_pastes("one\n"), "\x1b[200~one\n\x1b[201~");
  EXPECT_EQ(as_pastes("a \\"), "\x1b[200~a \\ \x1b[201~");
}

class PromptTables : public ::testing::Test {
 protected:
  template <class F>
  auto in_db(F fn) {
    auto result = database_->transact_now(std::move(fn));
    EXPECT_TRUE(result.has_value()) << (result ? "" : result.error().message);
    return result;
  }
  PromptTables() {
    std::vector<storage::Migration> all = sessions::migrations();
    all.push_back({"agents/010-prompts", kPromptTables});
    auto opened = storage::Database::open({.path = folder_ / "test.db"}, loop_.get_executor());
    EXPECT_TRUE(opened && (*opened)->migrate(all));
    database_ = std::move(*opened);
    sessions::Session session;
    session.id = "s1";
    session.project = "/p";
    in_db([&](storage::Connection& db) { return sessions::insert_session(db, session); });
  }
  void add(const std::string& id, PromptState state, WallMicros at, PromptSource source = PromptSource::person) {
    const Prompt prompt{.id = id,
                        .session = "s1",
                        .text = "text of " + id,
                        .source = source,
                        .created_by = "anna",
                        .created_at = at,
                        .state = state};
    in_db([&](storage::Connection& db) { return insert_prompt(db, prompt); });
  }

  storage::TempFolder folder_;
  asio::io_context loop_;
  std::unique_ptr<storage::Database> database_;
};

TEST_F(PromptTables, WhatWasBeingTypedWhenTheDashboardEndedIsUncertain) {
  add("a", PromptState::queued, 2);
  add("b", PromptState::sending, 1);
  add("c", PromptState::sent, 3);
  add("d", PromptState::queued, 1);
  const auto open = *in_db([](storage::Connection& db) { return load_open_prompts(db, 9); });
  ASSERT_EQ(open.size(), 2u);
  EXPECT_EQ(open[0].id, "d");
  const auto all = *in_db([](storage::Connection& db) { return read_prompts(db, "s1", 10); });
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[3].id, "b");
  EXPECT_EQ(all[3].state, PromptState::uncertain);
  EXPECT_EQ(all[3].done_at, 9);
}

TEST_F(PromptTables, OnlyTheNewestThatAreDoneAreKept) {
  for (int i = 0; i < static_cast<int>(kKeptPrompts) + 20; ++i) add("p" + std::to_string(i), PromptState::sent, i);
  add("waits", PromptState::queued, 0);
  in_db([](storage::Connection& db) { return trim_prompts(db, "s1"); });
  const auto left = *in_db([](storage::Connection& db) { return read_prompts(db, "s1", 10'000); });
  EXPECT_EQ(left.size(), kKeptPrompts + 1);
  EXPECT_EQ(left.front().id, "p" + std::to_string(kKeptPrompts + 19));
}

TEST_F(PromptTables, HistoryIsWhatPeopleWroteOnce) {
  add("a", PromptState::sent, 1);
  add("b", PromptState::sent, 2, PromptSource::schedule);
  add("c", PromptState::cancelled, 3);
  add("d", PromptState::uncertain, 4);
  const auto past = *in_db([](storage::Connection& db) { return read_prompt_history(db, "/p", 10); });
  ASSERT_EQ(past.size(), 2U);
  EXPECT_EQ(past[0].beginning, "text of d");
  EXPECT_EQ(past[1].beginning, "text of a");
  EXPECT_EQ(past[1].bytes, 9U);
  EXPECT_TRUE(in_db([](storage::Connection& db) { return read_prompt_history(db, "/other", 10); })->empty());
}

TEST_F(PromptTables, ListsHaveBeginningsAndIdsTheWhole) {
  std::string text;
  while (text.size() < kMaxPromptBytes - 3) text += "漢";
  const Prompt prompt{
      .id = "long", .session = "s1", .text = text, .created_by = "anna", .created_at = 1, .state = PromptState::sent};
  in_db([&](storage::Connection& db) { return insert_prompt(db, prompt); });
  const auto past = *in_db([](storage::Connection& db) { return read_prompt_history(db, "/p", 10); });
  ASSERT_EQ(past.size(), 1U);
  EXPECT_EQ(past[0].id, "long");
  EXPECT_EQ(past[0].bytes, text.size());
  EXPECT_LE(past[0].beginning.size(), 4 * kMaxListedText);
  EXPECT_TRUE(text.starts_with(past[0].beginning));
  EXPECT_EQ((*in_db([](storage::Connection& db) { return find_prompt(db, "long"); }))->text, text);
  EXPECT_FALSE(*in_db([](storage::Connection& db) { return find_prompt(db, "none"); }));
}

TEST_F(PromptTables, WhatWasTakenBackIsNotBegun) {
  for (const PromptState state :
       {PromptState::cancelled, PromptState::sent, PromptState::failed, PromptState::uncertain}) {
    const std::string id(to_string(state));
    add(id, state, 1);
    EXPECT_FALSE(*in_db([&](storage::Connection& db) { return begin_sending(db, id); }));
    EXPECT_EQ((*in_db([&](storage::Connection& db) { return find_prompt(db, id); }))->state, state);
  }
  add("waits", PromptState::queued, 1);
  EXPECT_TRUE(*in_db([](storage::Connection& db) { return begin_sending(db, "waits"); }));
  EXPECT_EQ((*in_db([](storage::Connection& db) { return find_prompt(db, "waits"); }))->state, PromptState::sending);
  EXPECT_TRUE(*in_db([](storage::Connection& db) { return begin_sending(db, "waits"); }))
      << "a taking back that was not written";
  EXPECT_FALSE(*in_db([](storage::Connection& db) { return begin_sending(db, "unknown"); }));
}

TEST_F(PromptTables, SchedulesRulesAndTheSwitchComeBack) {
  const Schedule schedule{.id = "x",
                          .name = "n",
                          .cron = "* * * * *",
                          .session = "s1",
                          .text = "t",
                          .enabled = false,
                          .created_by = "anna",
                          .created_at = 5,
                          .last_at = 7,
                          .last_result = "queued"};
  in_db([&](storage::Connection& db) { return insert_schedule(db, schedule); });
  const auto read = *in_db([](storage::Connection& db) { return load_schedules(db); });
  ASSERT_EQ(read.size(), 1u);
  EXPECT_EQ(read[0].last_at, 7);
  EXPECT_FALSE(read[0].enabled);
  // A change and a firing at the same moment do not undo each other.
  Schedule changed = schedule, fired = schedule;
  changed.text = "other";
  fired.last_at = 9;
  in_db([&](storage::Connection& db) { return update_schedule(db, changed); });
  in_db([&](storage::Connection& db) { return note_schedule_fired(db, fired); });
  const auto both = *in_db([](storage::Connection& db) { return load_schedules(db); });
  EXPECT_EQ(both[0].text, "other");
  EXPECT_EQ(both[0].last_at, 9);
  in_db([](storage::Connection& db) {
    return put_limit_rule(db, {.session = "s1", .text = "Continue.", .created_by = "anna"});
  });
  in_db([](storage::Connection& db) {
    return put_limit_rule(db, {.session = "s1", .text = "Go on.", .created_by = "anna"});
  });
  EXPECT_EQ(in_db([](storage::Connection& db) { return load_limit_rules(db); })->at(0).text, "Go on.");
  EXPECT_FALSE(in_db([](storage::Connection& db) { return load_switch(db); })->stopped);
  in_db([](storage::Connection& db) { return put_switch(db, {.stopped = true, .by = "anna", .at = 3}); });
  EXPECT_TRUE(in_db([](storage::Connection& db) { return load_switch(db); })->stopped);
  EXPECT_FALSE(database_->transact_now([](storage::Connection& db) { return erase_schedule(db, "y"); }));
}

}  // namespace
}  // namespace ccd::agents
