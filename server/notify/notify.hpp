// Telling people who are not looking: push messages, webhooks, and who is at a page. The door of the room; lives on the loop.
//
// It hears of what opens and closes in the inbox (agents/), and knows nothing else of agents.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "notify/http_client.hpp"
#include "notify/parts.hpp"
#include "notify/preference_book.hpp"
#include "notify/presence.hpp"
#include "notify/pushes.hpp"
#include "notify/webhooks.hpp"

namespace ccd::notify {

struct Options {
  std::string data_dir{};  // holds push.key
  std::string page_url{};  // "https://agents.example.org": links in webhooks
  std::string contact{};   // "mailto:" or "https:", for the operators of push services
  PrivateAddresses private_addresses = PrivateAddresses::no;
  HttpClient::Options http{};
};

class Notify {
 public:
  // Reads or makes the key, reads the tables, which exist already. Blocks; at start.
  static Result<std::unique_ptr<Notify>> open(Options options, Parts parts);
  ~Notify();
  Notify(const Notify&) = delete;
  Notify& operator=(const Notify&) = delete;

  void start();
  // Ends what is being sent. Webhooks that wait are sent after the next start.
  Task<void> stop();

  // Texts that are not UTF-8 are made so; long ones are cut.
  void opened(Event event);
  void was_open(Event event);  // as pushes.hpp
  // Still open, but told otherwise: from now on it is judged by this.
  void changed(Event event);
  // How, in a word: "allowed", "seen", "ended".
  void closed(const std::string& id, const std::string& how, const std::string& by);

  [[nodiscard]] Pushes& pushes() { return *pushes_; }
  [[nodiscard]] Webhooks& webhooks() { return *webhooks_; }
  [[nodiscard]] PreferenceBook& preferences() { return preferences_; }
  [[nodiscard]] Presence& presence() { return presence_; }
  [[nodiscard]] PrivateAddresses private_addresses() const { return options_.private_addresses; }

 private:
  Notify(Options options, Parts parts);

  Options options_;
  Parts parts_;
  TaskGroup tasks_;
  HttpClient http_;
  PreferenceBook preferences_;
  Presence presence_;
  std::unique_ptr<Pushes> pushes_;
  std::unique_ptr<Webhooks> webhooks_;
  std::map<std::string, std::shared_ptr<const Event>> open_;
};

}  // namespace ccd::notify
