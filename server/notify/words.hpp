// What notifications say, on a lock screen and in a webhook. Pure.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "notify/event.hpp"
#include "notify/preferences.hpp"

namespace ccd::notify {

// Characters of a text that a notification shows; systems show less by themselves, until it is unfolded.
inline constexpr std::size_t kMaxShown = 400;
inline constexpr std::size_t kMaxTitle = 80;
inline constexpr std::size_t kMaxNamesListed = 4;

// A text as a notification shows it, in one line: nothing in it is invisible, nothing reorders it, and blanks cannot push the rest out of
// view. Line ends become ⏎, runs of blanks are counted, control and formatting characters are written as \u{HEX}.
struct Shown {
  std::string text{};
  bool whole = true;  // false: cut, with a mark that says how much is missing
};
Shown shown(std::string_view text, std::size_t limit);

struct Words {
  std::string title{};
  std::string body{};
  bool whole = true;  // the body shows all of what is asked
};
// Of one event, or of several together. Without contents neither names nor texts are in it.
Words words_of(const std::vector<std::shared_ptr<const Event>>& events, bool contents);
// Of one that has been settled: "Allowed by anna".
std::string settled_words(std::string_view how, std::string_view by);

// The message for the service worker (web/src/worker), JSON.
struct PushText {
  std::string type{};  // "show", "settled", "test"
  std::string tag{};
  Words words{};
  std::string address{};  // within the page
  std::string item{};     // what `token` is for
  std::string token{};    // empty: nothing can be answered from here
  bool allow = false;     // with a token: both, or deny alone
  bool urgent = false;    // stays until it is answered
  WallMicros at = 0;
  std::size_t waiting = 0;  // for the app's badge
};
std::string push_text(const PushText& text);

// What a webhook is sent: "json" is documented in docs/openapi.yaml, "text" is what Slack and its like take.
enum class WebhookFormat { json, text };
std::string_view to_string(WebhookFormat format);
std::optional<WebhookFormat> webhook_format_from(std::string_view word);
// `type`: "attention.opened", "attention.closed" or "test"; `how` and `by` of a closed one.
std::string webhook_body(WebhookFormat format, std::string_view type, const Event& event, bool contents,
                         std::string_view page_url, WallMicros now, std::string_view how, std::string_view by);

// Where a page shows the event: "/s/NAME"; "/" without contents or of several.
std::string address_of(const Event& event, bool contents);

}  // namespace ccd::notify
