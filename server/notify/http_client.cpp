#include "notify/http_client.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <algorithm>
#include <array>
#include <map>

#include "notify/curl_library.hpp"

namespace ccd::notify {

namespace {

constexpr int kPollMs = 60'000;  // new work and the end wake it

struct FreeEasy {
  void operator()(CURL* easy) const { curl_library()->easy_cleanup(easy); }
};
struct FreeList {
  void operator()(curl_slist* list) const { curl_library()->slist_free_all(list); }
};

std::string address_text(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> out{};
  return ::getnameinfo(address, size, out.data(), out.size(), nullptr, 0, NI_NUMERICHOST) == 0 ? out.data() : "?";
}

}  // namespace

struct HttpClient::Job {
  explicit Job(const asio::any_io_executor& executor, HttpRequest asked) : request(std::move(asked)), done(executor) {}

  HttpRequest request;
  // On the client's thread while it runs.
  std::unique_ptr<CURL, FreeEasy> easy{};
  std::unique_ptr<curl_slist, FreeList> headers{};
  std::array<char, CURL_ERROR_SIZE> words{};
  std::string body{};
  std::size_t received = 0;
  std::size_t header_bytes = 0;
  std::string refused{};  // the address that it may not connect to
  bool proxied = false;
  bool enough = false;  // kMaxAnswer has been read
  // On the loop.
  Notifier done;
  std::optional<Result<HttpAnswer>> result{};

  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static std::size_t take_body(char* data, std::size_t one, std::size_t size, void* self);
  static std::size_t take_header(char* data, std::size_t one, std::size_t size, void* self);
  [[nodiscard]] Result<HttpAnswer> outcome(CURLcode code) const;
};

// Called for each address that the name has, one after the other.
curl_socket_t HttpClient::Job::open_socket(void* self, curlsocktype purpose, curl_sockaddr* address) {
  auto* job = static_cast<Job*>(self);
  const bool allowed =
      purpose == CURLSOCKTYPE_IPCXN &&
      (job->proxied || may_connect(class_of(address->addr), job->request.target.secure, job->request.reach));
  if (!allowed) {
    job->refused = address_text(&address->addr, address->addrlen);
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

std::size_t HttpClient::Job::take_body(char* data, std::size_t one, std::size_t size, void* self) {
  auto* job = static_cast<Job*>(self);
  const std::size_t bytes = one * size;
  job->received += bytes;
  job->body.append(data, std::min(bytes, kMaxKeptAnswer - std::min(job->body.size(), kMaxKeptAnswer)));
  job->enough = job->received > kMaxAnswer;
  return job->enough ? 0 : bytes;
}

std::size_t HttpClient::Job::take_header(char* /*data*/, std::size_t one, std::size_t size, void* self) {
  auto* job = static_cast<Job*>(self);
  job->header_bytes += one * size;
  return job->header_bytes > kMaxAnswerHeaders ? 0 : one * size;
}

Result<HttpAnswer> HttpClient::Job::outcome(CURLcode code) const {
  const CurlLibrary& curl = *curl_library();
  long status = 0;
  curl.easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && enough && status != 0)) {
    curl_off_t retry = 0;
    curl_off_t micros = 0;
    curl.easy_getinfo(easy.get(), CURLINFO_RETRY_AFTER, &retry);
    curl.easy_getinfo(easy.get(), CURLINFO_TOTAL_TIME_T, &micros);
    HttpAnswer answer{.status = static_cast<int>(status), .body = body};
    if (retry > 0) answer.retry_after = std::chrono::seconds(retry);
    answer.took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(micros));
    return answer;
  }
  const std::string& host = request.target.host;
  if (!refused.empty())
    return fail(ErrorKind::forbidden, host + " has the address " + refused +
                                          ", which the dashboard may not send to (see NOTIFY_PRIVATE_ADDRESSES)");
  if (code == CURLE_OPERATION_TIMEDOUT) return fail(ErrorKind::timeout, host + " did not answer in time");
  return fail(ErrorKind::unavailable, host + ": " + (words[0] != '\0' ? words.data() : curl.easy_strerror(code)));
}

HttpClient::HttpClient(asio::any_io_executor executor, Options options)
    : executor_(std::move(executor)), options_(std::move(options)) {}

HttpClient::~HttpClient() {
  stop();
  if (thread_.joinable()) thread_.join();
  if (multi_ != nullptr) curl_library()->multi_cleanup(static_cast<CURLM*>(multi_));
}

void HttpClient::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  if (multi_ != nullptr) curl_library()->multi_wakeup(static_cast<CURLM*>(multi_));
}

// With the mutex held, by the first request: until then there is no thread. Its target was parsed, so libcurl is loaded.
Result<> HttpClient::begin() {
  if (multi_ != nullptr) return {};
  const CurlLibrary* curl = curl_library();
  if (curl == nullptr) return fail(ErrorKind::unavailable, kNoCurl);
  multi_ = curl->multi_init();
  if (multi_ == nullptr) return fail(ErrorKind::unavailable, "libcurl has no memory");
  thread_ = std::thread([this] { run(); });
  return {};
}

Task<Result<HttpAnswer>> HttpClient::post(HttpRequest request) {
  auto job = std::make_shared<Job>(executor_, std::move(request));
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) co_return fail(ErrorKind::cancelled, "the dashboard is stopping");
    if (open_ >= kMaxQueuedRequests) co_return fail(ErrorKind::unavailable, "too many requests are waiting to be sent");
    CO_TRY(begin());
    ++open_;
    queue_.push_back(job);
    curl_library()->multi_wakeup(static_cast<CURLM*>(multi_));
  }
  while (!job->result) {
    co_await job->done.wait();
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
      co_return fail(ErrorKind::cancelled, "nobody waits for the answer any more");
  }
  co_return std::move(*job->result);
}

void HttpClient::finish(const JobPtr& job, Result<HttpAnswer> result) {
  {
    const std::lock_guard lock(mutex_);
    --open_;
  }
  auto tell = [job, result = std::move(result)]() mutable {
    job->result = std::move(result);
    job->done.notify();
  };
  asio::post(executor_, std::move(tell));
}

void HttpClient::set_up(Job& job) const {
  const CurlLibrary& curl = *curl_library();
  CURL* easy = job.easy.get();
  const HttpRequest& request = job.request;
  curl_slist* list = nullptr;
  for (const std::string& header : request.headers) list = curl.slist_append(list, header.c_str());
  list = curl.slist_append(list, "Expect:");
  list = curl.slist_append(list, "Accept:");
  job.headers.reset(list);
  job.proxied = !options_.proxy.empty();
  curl.easy_setopt(easy, CURLOPT_PRIVATE, &job);
  curl.easy_setopt(easy, CURLOPT_ERRORBUFFER, job.words.data());
  curl.easy_setopt(easy, CURLOPT_URL, request.target.url.c_str());
  curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, request.target.secure ? "https" : "http");
  curl.easy_setopt(easy, CURLOPT_POST, 1L);
  curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  curl.easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  curl.easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl.easy_setopt(easy, CURLOPT_USERAGENT, "claude-code-dashboard");
  curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a look-up that hangs does not hold up the end
  curl.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                   static_cast<long>(std::chrono::milliseconds(kConnectLimit).count()));
  curl.easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::chrono::milliseconds(kRequestLimit).count()));
  curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  curl.easy_setopt(easy, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  curl.easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl.easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!options_.ca_file.empty()) curl.easy_setopt(easy, CURLOPT_CAINFO, options_.ca_file.c_str());
  curl.easy_setopt(easy, CURLOPT_PROXY, options_.proxy.c_str());  // empty: none, whatever the environment says
  if (job.proxied) curl.easy_setopt(easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
  curl.easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &Job::open_socket);
  curl.easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &job);
  curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Job::take_body);
  curl.easy_setopt(easy, CURLOPT_WRITEDATA, &job);
  curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Job::take_header);
  curl.easy_setopt(easy, CURLOPT_HEADERDATA, &job);
  // A connection that was let into a private network is nobody else's: kept ones are handed to whoever asks for the same host.
  if (request.reach.addresses != Reach::Addresses::public_only) {
    curl.easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl.easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  }
}

void HttpClient::run() {
  const CurlLibrary& curl = *curl_library();
  CURLM* multi = static_cast<CURLM*>(multi_);
  std::map<Job*, JobPtr> running;
  const auto end = [&](Job* job, Result<HttpAnswer> result) {
    curl.multi_remove_handle(multi, job->easy.get());
    const JobPtr held = running.at(job);
    running.erase(job);
    held->easy.reset();
    finish(held, std::move(result));
  };
  for (;;) {
    std::vector<JobPtr> begin;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      stopping = stopping_;
      while (!queue_.empty() && (stopping || running.size() + begin.size() < kMaxAtOnce)) {
        begin.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    for (const JobPtr& job : begin) {
      job->easy.reset(stopping ? nullptr : curl.easy_init());
      if (!job->easy) {
        finish(job, fail(stopping ? ErrorKind::cancelled : ErrorKind::unavailable, "the request could not be begun"));
        continue;
      }
      set_up(*job);
      running.emplace(job.get(), job);
      curl.multi_add_handle(multi, job->easy.get());
    }
    if (stopping) {
      while (!running.empty()) end(running.begin()->first, fail(ErrorKind::cancelled, "the dashboard is stopping"));
      return;
    }
    int left = 0;
    curl.multi_perform(multi, &left);
    while (const CURLMsg* message = curl.multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* self = nullptr;
      curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &self);
      auto* job = reinterpret_cast<Job*>(self);
      end(job, job->outcome(message->data.result));
    }
    // Places that became free are taken at once.
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      more = !queue_.empty() && running.size() < kMaxAtOnce;
    }
    if (!more) curl.multi_poll(multi, nullptr, 0, kPollMs, nullptr);
  }
}

}  // namespace ccd::notify
