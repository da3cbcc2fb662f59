// Webhooks: whom else the dashboard tells, signed, tried again, and written down until it has arrived. Lives on the loop.
//
// Signed as the Standard Webhooks specification has it: headers webhook-id, webhook-timestamp (seconds) and
// webhook-signature "v1," + base64(HMAC-SHA256(secret, id "." timestamp "." body)). A receiver refuses timestamps more than
// kReplayWindow away, and ids that it has seen.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "notify/http_client.hpp"
#include "notify/parts.hpp"
#include "notify/preference_book.hpp"
#include "notify/store.hpp"

namespace ccd::notify {

inline constexpr std::chrono::minutes kReplayWindow{5};
inline constexpr std::size_t kMaxWebhookName = 64;
// The pauses before the second attempt and those after it; then it has failed.
inline constexpr std::array<std::chrono::seconds, 7> kWebhookPauses{
    std::chrono::seconds(5),  std::chrono::seconds(30), std::chrono::minutes(2), std::chrono::minutes(10),
    std::chrono::minutes(30), std::chrono::hours(2),    std::chrono::hours(5)};
// Under way at once, one for each webhook at most.
inline constexpr std::size_t kMaxWebhooksAtOnce = 8;

// What somebody says of a webhook that is made or changed.
struct WebhookRequest {
  enum class Owner { me, everybody };
  Owner owner = Owner::me;
  std::string name{};
  std::string url{};
  WebhookFormat format = WebhookFormat::json;
  Kinds kinds = Kinds::all();
  bool contents = true;
  bool private_addresses = false;
  bool in_quiet_hours = true;
  bool enabled = true;
};

// A new secret, which is shown this once: "whsec_" and base64.
struct Made {
  Webhook webhook{};
  std::string secret{};
};

class Webhooks {
 public:
  Webhooks(Parts parts, PrivateAddresses private_addresses, std::string page_url, HttpClient* http,
           const PreferenceBook* preferences, TaskGroup* tasks);
  // Blocks; at start.
  Result<> load();
  // Until it is cancelled.
  Task<void> run();

  // The actor's own and, for an admin, everybody's. Secrets are in them: never to be sent.
  [[nodiscard]] std::vector<Webhook> list(const Actor& actor) const;
  // `forbidden` for everybody's, and for private addresses, without being an admin; `invalid` with the field's name; `too_large` over
  // kMaxWebhooksPerOwner. These and the following: not_found for what list() does not have.
  Task<Result<Made>> add(Actor actor, WebhookRequest request);
  Task<Result<Webhook>> change(Actor actor, std::string id, WebhookRequest request);
  Task<Result<Made>> renew_secret(Actor actor, std::string id);
  Task<Result<>> remove(Actor actor, std::string id);
  // One attempt at once; the delivery as it went.
  Task<Result<Delivery>> test(Actor actor, std::string id);
  Task<Result<std::vector<Delivery>>> deliveries(Actor actor, std::string id);

  void opened(const Event& event);
  void closed(const Event& event, const std::string& how, const std::string& by);

 private:
  [[nodiscard]] static Reach reach(const Webhook& webhook);
  [[nodiscard]] const Webhook* find(const Actor& actor, const std::string& id) const;
  [[nodiscard]] bool wants(const Webhook& webhook, Kind kind) const;
  Result<> check(const Actor& actor, WebhookRequest& request) const;
  Task<Result<>> save(Actor actor, Webhook webhook, std::string action);
  void enqueue(std::vector<Delivery> deliveries);
  Task<void> write(std::vector<Delivery> deliveries);
  Task<void> attempt(Delivery delivery);
  Task<Result<HttpAnswer>> post(Webhook webhook, Delivery delivery);
  void judge(Delivery& delivery, const Result<HttpAnswer>& answer) const;
  void note(const Delivery& delivery);
  [[nodiscard]] Delivery make(const Webhook& webhook, std::string type, const Event& event, const std::string& how,
                              const std::string& by) const;

  Parts parts_;
  PrivateAddresses private_addresses_;
  std::string page_url_;
  HttpClient* http_;
  const PreferenceBook* preferences_;
  TaskGroup* tasks_;
  Notifier wake_;
  std::map<std::string, Webhook> webhooks_;  // by id
  std::set<std::string> under_way_;          // ids
};

// The signature's header, for a delivery's id at this moment.
std::string webhook_signature(std::string_view secret, std::string_view id, std::int64_t timestamp,
                              std::string_view body);

}  // namespace ccd::notify
