// Requests that the dashboard makes on its own account: POST over libcurl, one thread from the first request on, every part of it bounded.
//
// No redirects, no cookies, no proxies but the one in the settings; certificates are verified. What an address resolves to is judged
// when the socket is opened (target.hpp), so a name that changes its mind between two look-ups gains nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/error.hpp"
#include "base/task.hpp"
#include "notify/target.hpp"

namespace ccd::notify {

inline constexpr std::size_t kMaxAtOnce = 32;            // requests under way; more wait
inline constexpr std::size_t kMaxQueuedRequests = 1024;  // then `unavailable`
inline constexpr std::chrono::seconds kConnectLimit{10};
inline constexpr std::chrono::seconds kRequestLimit{20};
inline constexpr std::size_t kMaxKeptAnswer =
    2048;  // bytes of an answer's body that are kept, for the log of deliveries
inline constexpr std::size_t kMaxAnswer = 64 * 1024;         // more are not read: the status is known by then
inline constexpr std::size_t kMaxAnswerHeaders = 64 * 1024;  // then the request has failed

struct HttpRequest {
  Target target;
  Reach reach{};
  std::vector<std::string> headers{};  // "Name: value"
  std::string body{};
};

struct HttpAnswer {
  int status = 0;
  std::string body{};  // its beginning
  std::optional<std::chrono::seconds> retry_after{};
  std::chrono::milliseconds took{0};
};

class HttpClient {
 public:
  struct Options {
    std::string proxy{};    // "http://host:port", asked to CONNECT; then it alone decides what can be reached
    std::string ca_file{};  // certificates in PEM that are trusted instead of the system's
  };

  // `executor` is the loop; it outlives the client.
  HttpClient(asio::any_io_executor executor, Options options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // The answer, whatever its status. `timeout`; `forbidden` when the address may not be reached; `unavailable` with the reason in words
  // (no such host, refused, a certificate that is not valid, the queue is full). A caller that is cancelled does not hear of it any more.
  Task<Result<HttpAnswer>> post(HttpRequest request);
  // Ends what runs (`cancelled`) and the thread; soon.
  void stop();

 private:
  struct Job;
  using JobPtr = std::shared_ptr<Job>;

  Result<> begin();
  void run();
  void finish(const JobPtr& job, Result<HttpAnswer> result);
  void set_up(Job& job) const;

  asio::any_io_executor executor_;
  const Options options_;
  std::mutex mutex_;       // guards what follows
  void* multi_ = nullptr;  // CURLM, from the first request on: made before the thread that uses it
  std::deque<JobPtr> queue_;
  std::size_t open_ = 0;  // queued or under way
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ccd::notify
