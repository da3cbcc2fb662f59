// What notifications say: exact, visible, cut with a mark; and what a webhook's body holds.
#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "base/encoding.hpp"
#include "notify/digest.hpp"
#include "notify/push_encryption.hpp"
#include "notify/webhooks.hpp"
#include "notify/words.hpp"

namespace ccd::notify {
namespace {

TEST(Shown, NothingIsInvisible) {
  struct Row {
    const char* text;
    const char* shown;
  };
  for (const Row& row : {Row{"npm test -- --watch=false", "npm test -- --watch=false"},
                         Row{"", ""},
                         Row{"echo \"$HOME\" | cat", "echo \"$HOME\" | cat"},
                         Row{"a\nb", "a ⏎ b"},
                         Row{"a\r\nb\n", "a ⏎ b"},
                         Row{"a\rb", "a\\u{d}b"},
                         Row{"a\tb", "a b"},
                         Row{"ls          ; rm -rf ~", "ls␣×10 ; rm -rf ~"},
                         Row{"ls\n\n\n\n\n\nrm -rf ~", "ls⏎×6 rm -rf ~"},
                         Row{"a\xc2\xa0\xe3\x80\x80\xe2\x80\x89 b", "a␣×4 b"},
                         Row{"a\x1b[2Jb", "a\\u{1b}[2Jb"},
                         Row{"a\x07", "a\\u{7}"},
                         Row{"exe\xe2\x80\xaegpj.txt", "exe\\u{202e}gpj.txt"},
                         Row{"a\xe2\x80\x8b"
                             "b",
                             "a\\u{200b}b"},
                         Row{"\xef\xbb\xbfx", "\\u{feff}x"},
                         Row{"\xf3\xa0\x81\xa1z", "\\u{e0061}z"},
                         Row{"caf\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x9a\x80", "café 日 🚀"},
                         Row{"\xff\xfe", "��"},
                         Row{"\xe2\x82", "��"},
                         Row{"\xc0\xaf", "��"}}) {
    const Shown got = shown(row.text, 100);
    EXPECT_EQ(got.text, row.shown);
    EXPECT_TRUE(got.whole) << row.text;
  }
}

TEST(Shown, ACutIsVisibleAndCounted) {
  const std::string long_command = "echo " + std::string(1000, 'x') + "; rm -rf ~";
  const Shown cut = shown(long_command, 20);
  EXPECT_FALSE(cut.whole);
  EXPECT_EQ(cut.text, "echo " + std::string(15, 'x') + " […995 more characters]");
  EXPECT_TRUE(shown(std::string(20, 'x'), 20).whole);
  EXPECT_FALSE(shown(std::string(21, 'x'), 20).whole);
  // Characters, not bytes.
  std::string rockets;
  for (int i = 0; i < 20; ++i) rockets += "🚀";
  EXPECT_TRUE(shown(rockets, 20).whole);
  EXPECT_EQ(shown(rockets + "🚀", 20).text, rockets + " […1 more characters]");
}

std::shared_ptr<const Event> event(Kind kind, const std::string& name, const std::string& text = "",
                                   const std::string& tool = "Bash") {
  return std::make_shared<const Event>(Event{.id = "0123456789abcdef0123",
                                             .kind = kind,
                                             .session = "abcdefghijklmnopqrst",
                                             .session_name = name,
                                             .project = "/srv/projects/api",
                                             .tool = tool,
                                             .text = text,
                                             .answerable = true});
}

TEST(Words, SayWhatIsAsked) {
  const Words asks = words_of({event(Kind::permission, "api-auth", "rm -rf build")}, true);
  EXPECT_EQ(asks.title, "api-auth asks: Bash");
  EXPECT_EQ(asks.body, "rm -rf build");
  EXPECT_TRUE(asks.whole);
  EXPECT_FALSE(words_of({event(Kind::permission, "api-auth", std::string(kMaxShown + 1, 'x'))}, true).whole);
  Event partly = *event(Kind::permission, "api-auth", "Write a.txt");
  partly.whole = false;
  EXPECT_FALSE(words_of({std::make_shared<const Event>(partly)}, true).whole)
      << "what is not in the text was not shown";
  EXPECT_EQ(words_of({event(Kind::done, "web")}, true).title, "web is done");
}

TEST(Words, WithoutContentsNothingLeaves) {
  const std::vector<std::shared_ptr<const Event>> secret{
      event(Kind::permission, "secret-project", "cat /etc/shadow", "mcp__secret")};
  const Words words = words_of(secret, false);
  for (const std::string& text : {words.title, words.body}) {
    EXPECT_EQ(text.find("secret"), std::string::npos) << text;
    EXPECT_EQ(text.find("shadow"), std::string::npos) << text;
  }
  EXPECT_FALSE(words.whole);
  EXPECT_EQ(address_of(*secret.front(), false), "/");
  EXPECT_EQ(settled_words("allowed_always", ""), "Allowed from now on");
  EXPECT_EQ(settled_words("denied", "ann"), "Denied by ann");
  EXPECT_EQ(settled_words("of a newer version", ""), "Settled");
}

TEST(Words, ManyAreCountedAndNamed) {
  std::vector<std::shared_ptr<const Event>> done;
  for (int i = 0; i < 7; ++i) done.push_back(event(Kind::done, "w" + std::to_string(i)));
  done.push_back(event(Kind::failure, "w0"));
  const Words words = words_of(done, true);
  EXPECT_EQ(words.title, "Agents: 7 done, 1 failed");
  EXPECT_EQ(words.body, "w0, w1, w2, w3 and 3 more");
  std::vector<std::shared_ptr<const Event>> asks;
  for (int i = 0; i < 5; ++i) asks.push_back(event(Kind::permission, "s" + std::to_string(i)));
  EXPECT_EQ(words_of(asks, true).title, "5 agents wait for you");
  EXPECT_EQ(words_of(asks, false).body.find("s1"), std::string::npos);
}

TEST(Words, AddressesAreEscaped) {
  EXPECT_EQ(address_of(*event(Kind::done, "api-auth"), true), "/s/api-auth");
  EXPECT_EQ(address_of(*event(Kind::done, "a b/../?#é"), true), "/s/a%20b%2F..%2F%3F%23%C3%A9");
}

TEST(PushText, AWholeMessageFitsWhateverIsInIt) {
  std::string rockets;
  for (std::size_t i = 0; i < 2 * kMaxShown; ++i) rockets += "🚀";
  PushText text{.type = "show",
                .tag = "0123456789abcdef0123",
                .words = words_of({event(Kind::permission, std::string(200, 'n'), rockets)}, true),
                .address = address_of(*event(Kind::done, rockets), true),
                .item = "0123456789abcdef0123",
                .token = std::string(43, 't'),
                .allow = true};
  const auto parsed = boost::json::parse(push_text(text)).as_object();
  EXPECT_EQ(parsed.at("actions"), (boost::json::array{"allow", "deny"}));
  text.allow = false;
  EXPECT_EQ(boost::json::parse(push_text(text)).at("actions"), (boost::json::array{"deny"}));
  text.token.clear();
  EXPECT_FALSE(boost::json::parse(push_text(text)).as_object().contains("actions"));
}

TEST(WebhookBody, TextForPeople) {
  const std::string body = webhook_body(WebhookFormat::text, "attention.opened",
                                        *event(Kind::permission, "api", "echo <!channel> & <https://evil|x>"), true,
                                        "https://agents.example.org", 0, "", "");
  const auto text = std::string(boost::json::parse(body).at("text").as_string());
  EXPECT_EQ(text,
            "api asks: Bash\necho &lt;!channel&gt; &amp; &lt;https://evil|x&gt;\nhttps://agents.example.org/s/api");
}

TEST(WebhookBody, JsonForPrograms) {
  const auto body =
      boost::json::parse(webhook_body(WebhookFormat::json, "attention.closed", *event(Kind::permission, "api", "make"),
                                      true, "https://a.example", 1'795'000'000'000'000, "denied", "ann"))
          .as_object();
  EXPECT_EQ(body.at("type"), "attention.closed");
  EXPECT_EQ(body.at("timestamp"), "2026-11-18T11:06:40.000000Z");
  EXPECT_EQ(body.at("data").at("text"), "make");
  EXPECT_EQ(body.at("data").at("how"), "denied");
  EXPECT_EQ(body.at("data").at("by"), "ann");
  const auto bare =
      boost::json::parse(webhook_body(WebhookFormat::json, "attention.closed", *event(Kind::permission, "api", "make"),
                                      false, "https://a.example", 0, "denied", "ann"));
  for (const char* hidden : {"text", "session", "session_name", "project", "tool", "by"})
    EXPECT_FALSE(bare.at("data").as_object().contains(hidden)) << hidden;
}

TEST(Digest, KnownValues) {
  EXPECT_EQ(hex_encode(as_bytes(sha256("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2.
  EXPECT_EQ(hex_encode(as_bytes(hmac_sha256("Jefe", "what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  for (const auto& [plain, coded] :
       {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foobar", "Zm9vYmFy"}})
    EXPECT_EQ(base64_encode(plain), coded);
}

TEST(WebhookSignature, StandardWebhooksExample) {
  // The specification's own example: secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.
  const std::string secret(
      "\x31\xf2\x90\xf6\xbf\x06\x29\x8a\xab\x4f\x08\xd4\x3c\x3f\x08\x2c\xf6\x48\xa3\x62\xda\x2d\xa4\xb0", 24);
  EXPECT_EQ(webhook_signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

}  // namespace
}  // namespace ccd::notify
