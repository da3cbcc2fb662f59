// One WebSocket of one page: many terminals over it (docs/protocol.md). Authenticated before it is made.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "agents/agents.hpp"
#include "agents/transcripts.hpp"
#include "api/frames.hpp"
#include "api/wire.hpp"
#include "audit/trail.hpp"
#include "auth/auth.hpp"
#include "base/task.hpp"
#include "http/websocket.hpp"
#include "notify/presence.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::api {

// What every socket stands on; all of it outlives the sockets.
struct SocketParts {
  sessions::Hub* hub;
  agents::Agents* agents;
  agents::Transcripts* transcripts;
  storage::Database* database;
  const audit::Trail* trail;
  notify::Presence* presence;
  SessionMessage* session_message;
  TaskGroup* tasks;       // for audit rows, which no key press waits for
  std::string server_id;  // differs at every start of the server
  std::string version;
};

class TerminalSocket {
 public:
  TerminalSocket(SocketParts parts, std::shared_ptr<http::WebSocket> socket, auth::Principal who);
  ~TerminalSocket();
  TerminalSocket(const TerminalSocket&) = delete;
  TerminalSocket& operator=(const TerminalSocket&) = delete;

  // Until the socket closes.
  Task<void> run();
  [[nodiscard]] const auth::Principal& who() const { return who_; }
  void close(std::uint16_t code, std::string reason) { socket_->close(code, std::move(reason)); }

 private:
  class Channel;

  void on_text(const std::string& text);
  void on_binary(const std::string& bytes);
  void on_open(const boost::json::object& message);
  void on_thumbs(const boost::json::object& message);
  void on_watch_transcript(const boost::json::object& message);
  void on_presence(const boost::json::object& message);
  void on_input(const Frame& frame);
  void send(const boost::json::object& message);
  void send_text(std::string message);
  void send_session(const std::string& id);
  void send_session(const sessions::Session& session);
  void subscribe();
  void send_error(std::optional<std::uint32_t> channel, std::string_view code, std::string_view message);
  void audit(std::string action, std::string target, audit::Outcome outcome, std::string detail);
  // False when the socket's queue is full; the channels go on once it has drained.
  bool send_frame(std::string header, std::shared_ptr<const std::string> payload);
  // With the output that came together with it, else right after: an echo that a person waits for is not delayed by its acknowledgement.
  void acknowledge_input(std::uint32_t channel, std::uint64_t highest);
  void flush_input_acks();
  Task<void> refill();
  Task<void> show_thumbs();
  Task<void> receive();

  SocketParts parts_;
  std::shared_ptr<http::WebSocket> socket_;
  auth::Principal who_;
  std::map<std::uint32_t, std::unique_ptr<Channel>> channels_;
  std::unique_ptr<sessions::Hub::Subscription> subscription_;
  std::unique_ptr<notify::Presence::Page> page_;
  std::unique_ptr<agents::Agents::Subscription> agents_subscription_;
  std::map<std::uint32_t, std::uint64_t> input_taken_;  // to be acknowledged: channel to highest number
  std::shared_ptr<TerminalSocket*> self_;               // empty once destroyed, for what was posted before
  Notifier stalled_;
  std::map<std::string, sessions::ThumbPlace> thumbs_;  // by session: what the page has seen of it
  Notifier thumbs_wanted_;
  std::map<agents::TranscriptName, std::unique_ptr<agents::Transcripts::Follow>> transcripts_;
  bool is_stalled_ = false;
};

}  // namespace ccd::api
