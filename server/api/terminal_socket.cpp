#include "api/terminal_socket.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>

#include "api/errors.hpp"
#include "api/wire.hpp"
#include "base/encoding.hpp"
#include "base/log.hpp"
#include "base/metrics.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

// Terminals open at once on one page: a wall of them, with room.
constexpr std::size_t kMaxChannels = 64;
// Data queued on one socket before its terminals wait: a quarter of what the socket may hold, so that messages always fit.
constexpr std::size_t kQueueHigh = 1024 * 1024;
constexpr std::size_t kQueueLow = 256 * 1024;
constexpr std::size_t kClientIdHexDigits = 32;
constexpr std::uint16_t kCloseBadMessage = 1008;
constexpr int kMaxJsonDepth = 8;
// A person looks at small pictures of many sessions: twice a second is live.
constexpr auto kThumbPause = std::chrono::milliseconds(500);
constexpr std::size_t kMaxThumbs = 200;
constexpr std::size_t kMaxTranscripts = 16;      // followed by one page: a conversation, and some of its subagents
constexpr std::size_t kThumbQueue = 256 * 1024;  // small pictures wait for the terminals
constexpr std::int64_t kMaxScrollback = 10'000;
constexpr std::int64_t kMaxIdleMs = 24 * 3600 * 1000;  // a day: longer is no different
constexpr int kMinCols = 10;
constexpr int kMaxCols = 1000;
constexpr int kMinRows = 3;
constexpr int kMaxRows = 500;

std::optional<recording::ClientId> client_id(std::string_view text) {
  const auto bytes = hex_decode(text);
  if (text.size() != kClientIdHexDigits || !bytes) return std::nullopt;
  recording::ClientId id{};
  std::ranges::copy(*bytes, id.begin());
  return id;
}

std::optional<std::int64_t> whole(const json::object& message, std::string_view field, std::int64_t low,
                                  std::int64_t high) {
  const json::value* value = message.if_contains(field);
  const std::int64_t* number = value ? value->if_int64() : nullptr;
  if (!number || *number < low || *number > high) return std::nullopt;
  return *number;
}

std::optional<std::uint32_t> channel_of(const json::object& message) {
  const auto number = whole(message, "channel", 0, 0xFFFFFFFFLL);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

struct Size {
  int cols;
  int rows;
};
std::optional<Size> size_of(const json::object& message) {
  const auto cols = whole(message, "cols", kMinCols, kMaxCols);
  const auto rows = whole(message, "rows", kMinRows, kMaxRows);
  if (!cols || !rows) return std::nullopt;
  return Size{static_cast<int>(*cols), static_cast<int>(*rows)};
}

std::string_view word(const json::object& message, std::string_view field) {
  const json::value* value = message.if_contains(field);
  return value && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

}  // namespace

// One terminal on the page.
class TerminalSocket::Channel final : public sessions::Viewer {
 public:
  Channel(TerminalSocket* socket, std::uint32_t number, std::string session, bool takes_echo)
      : socket_(socket), number_(number), session_(std::move(session)), takes_echo_(takes_echo) {}
  ~Channel() override {
    attachment_.reset();
    if (typed_bytes_ > 0)
      socket_->audit("session.input", session_, audit::Outcome::ok,
                     json::serialize(json::object{{"bytes", typed_bytes_}}));
  }

  bool data(std::uint64_t offset, std::shared_ptr<const std::string> bytes) override {
    const auto taken = takes_echo_ ? socket_->input_taken_.find(number_) : socket_->input_taken_.end();
    if (taken == socket_->input_taken_.end())
      return socket_->send_frame(frame_header(FrameType::data, number_, offset), std::move(bytes));
    if (!socket_->send_frame(echo_header(number_, offset, taken->second), std::move(bytes))) return false;
    socket_->input_taken_.erase(taken);
    return true;
  }
  bool snapshot(std::uint64_t offset, const sessions::Mirror::Snapshot& snapshot) override {
    if (!socket_->send_frame(frame_header(FrameType::snapshot, number_, offset), snapshot.bytes)) return false;
    socket_->send({{"type", "history"}, {"channel", number_}, {"lines", snapshot.lines}, {"kept", snapshot.kept}});
    return true;
  }
  void input_taken(std::uint64_t highest) override { socket_->acknowledge_input(number_, highest); }
  void input_reset() override { socket_->send({{"type", "input_reset"}, {"channel", number_}}); }
  void input_refused(std::string_view why) override { socket_->send_error(number_, "input_refused", why); }
  void size(int cols, int rows, bool yours) override {
    cols_ = cols;
    rows_ = rows;
    yours_ = yours;
    if (opened_)
      socket_->send({{"type", "size"}, {"channel", number_}, {"cols", cols}, {"rows", rows}, {"yours", yours}});
  }

  void people(const std::vector<sessions::Person>& people) override {
    people_ = people;
    if (opened_) tell_people();
  }

  void open(std::unique_ptr<sessions::Attachment> attachment, std::uint64_t end) {
    attachment_ = std::move(attachment);
    opened_ = true;
    socket_->send({{"type", "opened"},
                   {"channel", number_},
                   {"session", session_},
                   {"offset", attachment_->offset()},
                   {"end", end},
                   {"cols", cols_},
                   {"rows", rows_},
                   {"yours", yours_},
                   {"credit", sessions::kViewerCredit}});
    tell_people();
    attachment_->resume();
  }
  [[nodiscard]] sessions::Attachment& attachment() { return *attachment_; }
  [[nodiscard]] const std::string& session() const { return session_; }
  void count_typed(std::size_t bytes) { typed_bytes_ += bytes; }

 private:
  void tell_people() {
    json::array list;
    for (const sessions::Person& person : people_)
      list.push_back({{"name", person.name},
                      {"you", person.name == socket_->who_.user_name},
                      {"typing", person.typing},
                      {"holds", person.holds},
                      {"viewers", person.viewers}});
    socket_->send({{"type", "people"}, {"channel", number_}, {"people", std::move(list)}});
  }

  TerminalSocket* socket_;
  std::uint32_t number_;
  std::string session_;
  bool takes_echo_;
  std::unique_ptr<sessions::Attachment> attachment_;
  bool opened_ = false;
  int cols_ = 0;
  int rows_ = 0;
  bool yours_ = false;
  std::uint64_t typed_bytes_ = 0;
  std::vector<sessions::Person> people_;
};

TerminalSocket::TerminalSocket(SocketParts parts, std::shared_ptr<http::WebSocket> socket, auth::Principal who)
    : parts_(std::move(parts)),
      socket_(std::move(socket)),
      who_(std::move(who)),
      self_(std::make_shared<TerminalSocket*>(this)),
      stalled_(parts_.tasks->executor()),
      thumbs_wanted_(parts_.tasks->executor()) {}

TerminalSocket::~TerminalSocket() = default;

Task<void> TerminalSocket::run() {
  using namespace asio::experimental::awaitable_operators;
  send({{"type", "hello"}, {"server", parts_.server_id}, {"version", parts_.version}});
  // Subscribed before the lists are read, and every message is the whole state: nothing can fall in between.
  subscribe();
  for (const sessions::Session& session : parts_.hub->list()) send_session(session);
  for (const agents::AttentionItem& item : parts_.agents->open_items())
    send({{"type", "attention"}, {"item", attention_json(item, Inputs::listed)}});
  send({{"type", "sessions_complete"}});
  co_await (receive() || refill() || show_thumbs());
  subscription_.reset();
  page_.reset();
  agents_subscription_.reset();
  transcripts_.clear();
  channels_.clear();
}

void TerminalSocket::subscribe() {
  sessions::Hub::Listener listener;
  listener.changed = [this](const sessions::Session& session) { send_session(session); };
  listener.removed = [this](const std::string& id) { send({{"type", "session_removed"}, {"id", id}}); };
  subscription_ = parts_.hub->subscribe(std::move(listener));
  agents::Listener agent;
  agent.changed = [this](const std::string& id) { send_session(id); };
  agent.attention_opened = [this](const agents::AttentionItem& item) {
    send({{"type", "attention"}, {"item", attention_json(item, Inputs::listed)}});
  };
  agent.attention_changed = agent.attention_opened;
  agent.attention_closed = [this](const agents::AttentionItem& item, agents::Closed how, const std::string& by) {
    send({{"type", "attention_closed"}, {"id", item.id}, {"how", to_string(how)}, {"by", by}});
  };
  agents_subscription_ = parts_.agents->subscribe(std::move(agent));
}

void TerminalSocket::send_session(const sessions::Session& session) {
  send_text(parts_.session_message->of(session, parts_.agents->view(session.id)));
}

void TerminalSocket::send_session(const std::string& id) {
  if (const auto session = parts_.hub->find(id)) send_session(*session);
}

Task<void> TerminalSocket::receive() {
  for (;;) {
    const auto message = co_await socket_->receive();
    if (!message) co_return;
    if (message->binary) on_binary(message->data);
    else on_text(message->data);
  }
}

// After the queue was full: waits until it has drained, then lets every terminal go on.
Task<void> TerminalSocket::refill() {
  for (;;) {
    while (!is_stalled_) co_await stalled_.wait();
    co_await socket_->drained(kQueueLow);
    if (socket_->closed()) co_return;
    is_stalled_ = false;
    for (const auto& [number, channel] : channels_) channel->attachment().resume();
  }
}

Task<void> TerminalSocket::show_thumbs() {
  for (;;) {
    while (thumbs_.empty()) co_await thumbs_wanted_.wait();
    for (auto& [session, seen] : thumbs_) {
      // Behind: the next round tells what is true then.
      if (socket_->closed() || socket_->queued_bytes() > kThumbQueue) break;
      if (const auto thumb = parts_.hub->thumb(session, seen)) send(thumb_json(session, *thumb));
    }
    co_await sleep_for(kThumbPause);
  }
}

bool TerminalSocket::send_frame(std::string header, std::shared_ptr<const std::string> payload) {
  if (socket_->closed()) return false;
  if (is_stalled_ || socket_->queued_bytes() > kQueueHigh) {
    is_stalled_ = true;
    stalled_.notify();
    return false;
  }
  return socket_->send_binary(std::move(header), std::move(payload)).has_value();
}

void TerminalSocket::acknowledge_input(std::uint32_t channel, std::uint64_t highest) {
  const bool waiting = !input_taken_.empty();
  input_taken_[channel] = highest;
  if (waiting) return;
  asio::post(parts_.tasks->executor(), [weak = std::weak_ptr<TerminalSocket*>(self_)] {
    if (const auto self = weak.lock()) (*self)->flush_input_acks();
  });
}

void TerminalSocket::flush_input_acks() {
  // Small and bounded by what the page sent: they may pass the data's own limit.
  for (const auto& [number, taken] : input_taken_)
    (void)socket_->send_binary(frame_header(FrameType::ack_input, number, taken));
  input_taken_.clear();
}

void TerminalSocket::send(const json::object& message) { send_text(json::serialize(message)); }

void TerminalSocket::send_text(std::string message) {
  const auto sent = socket_->send_text(std::move(message));
  // State messages are never dropped one by one: a page that is so far behind starts anew.
  if (!sent && sent.error().kind == ErrorKind::too_large)
    socket_->close(http::close_code::kTryAgainLater, "too far behind");
}

void TerminalSocket::send_error(std::optional<std::uint32_t> channel, std::string_view code, std::string_view message) {
  json::object out{{"type", "error"}, {"code", code}, {"message", message}};
  if (channel) out["channel"] = *channel;
  send(out);
}

void TerminalSocket::audit(std::string action, std::string target, audit::Outcome outcome, std::string detail) {
  audit::Record record{.actor = who_.user_name,
                       .ip = socket_->remote_ip,
                       .action = std::move(action),
                       .target = std::move(target),
                       .outcome = outcome,
                       .detail = std::move(detail)};
  auto write = [](const audit::Trail* trail, storage::Database* database, audit::Record row) -> Task<void> {
    const auto written = co_await trail->append_now(*database, std::move(row));
    if (!written) log_error("api", "an audit row could not be written", {{"error", written.error().message}});
  };
  parts_.tasks->spawn("api.audit", write(parts_.trail, parts_.database, std::move(record)));
}

void TerminalSocket::on_binary(const std::string& bytes) {
  const auto frame = parse_client_frame(bytes);
  if (!frame)
    return send_error(std::nullopt, "bad_frame", "a frame is u8 type (3 or 4), u32 channel, u64 number, payload");
  const auto found = channels_.find(frame->channel);
  // A frame for a channel that was just closed is no mistake of the page.
  if (found == channels_.end()) return;
  if (frame->type == FrameType::ack_output) return found->second->attachment().ack_output(frame->number);
  on_input(*frame);
}

void TerminalSocket::on_input(const Frame& frame) {
  Channel& channel = *channels_.at(frame.channel);
  if (!auth::at_least(who_.role, auth::Role::member))
    return send_error(frame.channel, "forbidden", "your role may watch, but not type");
  if (frame.payload.empty() || frame.payload.size() > kMaxInputBytes)
    return send_error(frame.channel, "bad_frame", "an input has 1 to 16384 bytes");
  const auto taken = channel.attachment().input(frame.number, frame.payload);
  if (!taken) return send_error(frame.channel, "no_input", public_message(taken.error()));
  channel.count_typed(frame.payload.size());
}

void TerminalSocket::on_text(const std::string& text) {
  json::parse_options options;
  options.max_depth = kMaxJsonDepth;
  boost::system::error_code ec;
  const json::value value = json::parse(text, ec, {}, options);
  if (ec || !value.is_object())
    return send_error(std::nullopt, "bad_message", "a text message is a JSON object with a type");
  const json::object& message = value.get_object();
  const std::string_view type = word(message, "type");
  if (type == "open") return on_open(message);
  if (type == "thumbs") return on_thumbs(message);
  if (type == "watch_transcript") return on_watch_transcript(message);
  if (type == "presence") return on_presence(message);
  if (type != "close" && type != "resize" && type != "fit" && type != "scrollback")
    return;  // later pages may say more than this server knows
  const auto number = channel_of(message);
  if (!number) return send_error(std::nullopt, "bad_message", "channel must be a whole number from 0 to 4294967295");
  const auto found = channels_.find(*number);
  if (found == channels_.end()) return;
  if (type == "close") {
    channels_.erase(found);
    return send({{"type", "closed"}, {"channel", *number}, {"reason", "asked"}});
  }
  if (type == "scrollback") {
    const auto lines = whole(message, "lines", 1, kMaxScrollback);
    if (!lines) return send_error(*number, "bad_message", "lines must be 1 to 10000");
    return found->second->attachment().scrollback(static_cast<std::uint64_t>(*lines));
  }
  // Only who may type may change the size under the others.
  if (!auth::at_least(who_.role, auth::Role::member)) return;
  if (type == "fit") return found->second->attachment().fit();
  const auto size = size_of(message);
  if (!size) return send_error(*number, "bad_message", "cols must be 10 to 1000 and rows 3 to 500");
  found->second->attachment().resize(size->cols, size->rows);
}

// Keeps what has been seen of sessions that stay on the list.
void TerminalSocket::on_thumbs(const json::object& message) {
  const json::value* list = message.if_contains("sessions");
  if (!list || !list->is_array() || list->get_array().size() > kMaxThumbs)
    return send_error(std::nullopt, "bad_message", "sessions must be a list of at most 200 ids");
  std::map<std::string, sessions::ThumbPlace> wanted;
  for (const json::value& id : list->get_array()) {
    if (!id.is_string()) return send_error(std::nullopt, "bad_message", "sessions must be a list of ids");
    const std::string name(id.get_string());
    const auto known = thumbs_.find(name);
    wanted.emplace(name, known == thumbs_.end() ? sessions::ThumbPlace{} : known->second);
  }
  thumbs_ = std::move(wanted);
  thumbs_wanted_.notify();
}

// Whether somebody looks at this page, and how long ago they used it: then nothing needs to ring elsewhere.
void TerminalSocket::on_presence(const json::object& message) {
  const json::value* visible = message.if_contains("visible");
  const auto idle = whole(message, "idle_ms", 0, kMaxIdleMs);
  if (!visible || !visible->is_bool() || !idle)
    return send_error(std::nullopt, "bad_message", "presence has visible (true or false) and idle_ms (0 to 86400000)");
  using Visibility = notify::Presence::Page::Visibility;
  if (!page_) page_ = parts_.presence->open(who_.user_id);
  page_->tell(visible->get_bool() ? Visibility::visible : Visibility::hidden, std::chrono::milliseconds(*idle));
}

// Those that stay on the list are followed on, without being told anew.
void TerminalSocket::on_watch_transcript(const json::object& message) {
  constexpr std::string_view kRule =
      "transcripts must be a list of at most 16 objects with a session and an agent (or null)";
  const json::value* list = message.if_contains("transcripts");
  if (!list || !list->is_array() || list->get_array().size() > kMaxTranscripts)
    return send_error(std::nullopt, "bad_message", kRule);
  std::map<agents::TranscriptName, std::unique_ptr<agents::Transcripts::Follow>> wanted;
  for (const json::value& item : list->get_array()) {
    if (!item.is_object()) return send_error(std::nullopt, "bad_message", kRule);
    agents::TranscriptName name{.session = std::string(word(item.get_object(), "session")),
                                .agent = std::string(word(item.get_object(), "agent"))};
    if (!agents::valid_agent_id(name.agent)) return send_error(std::nullopt, "bad_message", kRule);
    wanted.emplace(std::move(name), nullptr);
  }
  for (auto& [name, follow] : wanted) {
    if (const auto known = transcripts_.find(name); known != transcripts_.end()) {
      follow = std::move(known->second);
      continue;
    }
    auto grown = [this, name = name](const agents::TranscriptExtent& extent) {
      send({{"type", "transcript"},
            {"session", name.session},
            {"agent", name.agent.empty() ? json::value(nullptr) : json::value(name.agent)},
            {"file", extent.file},
            {"end", extent.bytes}});
    };
    auto started = parts_.transcripts->follow(name, std::move(grown));
    if (!started) send_error(std::nullopt, error_code(started.error().kind), public_message(started.error()));
    else follow = std::move(*started);
  }
  std::erase_if(wanted, [](const auto& entry) { return entry.second == nullptr; });
  transcripts_ = std::move(wanted);
}

void TerminalSocket::on_open(const json::object& message) {
  const auto number = channel_of(message);
  if (!number) return send_error(std::nullopt, "bad_message", "channel must be a whole number from 0 to 4294967295");
  if (!channels_.contains(*number) && channels_.size() >= kMaxChannels)
    return send_error(*number, "too_many_channels", "at most 64 terminals on one page");
  const std::string session(word(message, "session"));
  sessions::AttachRequest request;
  const auto client = client_id(word(message, "client"));
  if (!client) return send_error(*number, "bad_message", "client must be 32 hexadecimal digits");
  request.client = *client;
  // Who may only watch never changes the pane's size.
  if (auth::at_least(who_.role, auth::Role::member)) {
    const auto size = size_of(message);
    if (!size) return send_error(*number, "bad_message", "cols must be 10 to 1000 and rows 3 to 500");
    request.cols = size->cols;
    request.rows = size->rows;
  }
  request.name = who_.user_name;
  if (word(message, "from") != "screen") {
    const auto from = whole(message, "from", 0, INT64_MAX);
    if (!from) return send_error(*number, "bad_message", "from must be \"screen\" or an offset");
    request.from = static_cast<std::uint64_t>(*from);
  }
  channels_.erase(*number);  // opening an open channel starts it anew
  const json::value* echo = message.if_contains("echo");
  auto channel = std::make_unique<Channel>(this, *number, session, echo && echo->is_bool() && echo->get_bool());
  auto attachment = parts_.hub->attach(session, channel.get(), std::move(request));
  if (!attachment) {
    audit("session.attach", session, audit::Outcome::error, "");
    return send_error(
        *number,
        attachment.error().kind == ErrorKind::not_found ? "unknown_session" : error_code(attachment.error().kind),
        public_message(attachment.error()));
  }
  audit("session.attach", session, audit::Outcome::ok, "");
  const auto extent = parts_.hub->extent(session);
  Channel& placed = *(channels_[*number] = std::move(channel));
  placed.open(std::move(*attachment), extent ? extent->end : 0);
}

}  // namespace ccd::api
