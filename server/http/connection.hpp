// One TCP connection: requests one after another, then perhaps a WebSocket. Internal to the room.
#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "http/parser.hpp"
#include "http/response_head.hpp"
#include "http/shared.hpp"
#include "http/websocket_stream.hpp"

namespace ccd::http {

// A connection in the reserve answers the health probes and nothing else, once.
enum class Admission { normal, reserve };

class ClientConnection {
 public:
  using Socket = asio::generic::stream_protocol::socket;
  ClientConnection(Shared* shared, Socket socket, asio::ip::address peer, Door door, Admission admission);

  // Until the connection ends. Run once.
  Task<void> serve();
  // Ends what has taken too long; called every Options::sweep_interval.
  void sweep(std::chrono::steady_clock::time_point now);
  // Nothing new: an idle connection ends now, a WebSocket is closed with 1012, a running request is answered first.
  void drain();
  // Ends now.
  void cut();

  [[nodiscard]] const asio::ip::address& peer() const { return peer_; }

 private:
  enum class Phase { idle, request, handler, answer, lingering };
  // close: the client is told by the end of the stream, and what it still sends is read away. cut: nobody is there to
  // be told.
  enum class Next { request, close, cut };

  // These four: false when the connection ended. True with refusal_ set: to be answered with it.
  Task<bool> read_request();
  Task<bool> read_head();
  Task<bool> read_body();
  Task<bool> read_more(std::size_t most);
  // The caller keeps the bytes until it is done.
  Task<bool> write(std::array<asio::const_buffer, 2> parts);
  Task<bool> write_file(std::string head, FileSlice slice);
  Task<Next> answer();
  Task<Response> call_handler();
  Task<void> peer_gone();
  Task<bool> send(Response response, Persistence persistence);
  Task<Next> send_refusal();
  Task<void> upgrade(Upgrade upgrade, std::vector<std::pair<std::string, std::string>> headers);
  Task<void> linger();

  [[nodiscard]] std::optional<Refusal> admit() const;
  void complete_request();
  void record(int status, std::uint64_t bytes);
  void limit(Phase phase, std::chrono::steady_clock::duration time);

  Shared* shared_;
  Socket socket_;
  asio::ip::address peer_;
  Door door_;
  Admission admission_;
  bool first_ = true;  // nothing has been asked yet
  Phase phase_ = Phase::idle;
  std::chrono::steady_clock::time_point deadline_;
  bool expired_ = false;                 // sweep() cancelled what was going on
  std::string buffer_;                   // received, not yet parsed
  std::optional<RequestParser> parser_;  // while a request is being read
  std::size_t body_limit_ = 0;           // of the request that is being read
  std::shared_ptr<Request> request_;     // from its head on
  Head head_;                            // of request_
  std::optional<Refusal> refusal_;
  std::chrono::steady_clock::time_point started_;
  std::shared_ptr<WebSocketStream> websocket_;
};

}  // namespace ccd::http
