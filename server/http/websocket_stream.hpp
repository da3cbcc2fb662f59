// The server's side of a WebSocket, as connection.cpp drives it. Internal to the room.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/request.hpp"
#include "http/response.hpp"
#include "http/server.hpp"
#include "http/websocket.hpp"

namespace ccd::http {

// What is wrong with the request as a WebSocket handshake (RFC 6455, 4.2.1); none: it can be accepted.
std::optional<Response> refuse_handshake(const Request& request);

class WebSocketStream : public WebSocket {
 public:
  // Sends the 101 with `headers` and `subprotocol` added. False: the peer is gone. `request` passed refuse_handshake().
  virtual Task<bool> accept(std::shared_ptr<Request> request,
                            std::vector<std::pair<std::string, std::string>> headers) = 0;
  // Sends what is queued, pings, and the close frame; returns when the socket is closed. Run once, after accept().
  virtual Task<void> write_loop() = 0;
  // Keeps the ping and close limits; called every Options::sweep_interval.
  virtual void sweep(std::chrono::steady_clock::time_point now) = 0;
  // Closes the TCP connection without a close frame. Everything pending ends.
  virtual void cut() = 0;
  // Returns when write_loop() has returned.
  virtual Task<void> ended() = 0;
};

// `options` and `clock` outlive it.
std::shared_ptr<WebSocketStream> make_websocket(asio::generic::stream_protocol::socket socket, const Options* options,
                                                const Clock* clock);

}  // namespace ccd::http
