#include "storage/lease_door.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/encoding.hpp"
#include "base/log.hpp"

namespace ccd::storage {

namespace {

namespace local = asio::local;
constexpr auto kQuiet = asio::as_tuple(asio::use_awaitable);
constexpr std::string_view kAsk = "hand-over\n";
// A line with a reason.
constexpr std::size_t kMaxLine = 512;

std::string socket_path(const std::string& database_path) { return database_path + ".lease.sock"; }

struct flock mark(short type) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  return lock;
}

// A socket's address has room for 107 bytes; the folder's descriptor makes any path short. Whoever uses it keeps `folder` open.
struct Address {
  UniqueFd folder;
  std::string path;
};
Result<Address> short_address(const std::string& path) {
  const std::filesystem::path file(path);
  Address address{.folder = UniqueFd(::open(file.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), .path = {}};
  if (!address.folder) return fail_errno("open the folder of " + path);
  address.path = "/proc/self/fd/" + std::to_string(address.folder.get()) + "/" + file.filename().string();
  if (address.path.size() >= sizeof(sockaddr_un::sun_path))
    return fail(ErrorKind::invalid, "the database's name is too long");
  return address;
}

bool same_user(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

}  // namespace

Result<> StandbyMark::set() {
  UniqueFd fd(::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("open " + path_);
  struct flock lock = mark(F_RDLCK);
  if (::fcntl(fd.get(), F_OFD_SETLK, &lock) != 0) return fail_errno("lock " + path_);
  held_ = std::move(fd);
  return {};
}

bool StandbyMark::somebody_waits() const {
  const UniqueFd fd(::open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct flock lock = mark(F_WRLCK);
  return fd && ::fcntl(fd.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

LeaseDoor::LeaseDoor(asio::any_io_executor executor, const std::string& database_path, std::function<void()> asked)
    : database_path_(database_path),
      path_(socket_path(database_path)),
      asked_(std::move(asked)),
      acceptor_(std::move(executor)) {}

Result<> LeaseDoor::open() {
  if (::unlink(path_.c_str()) != 0 && errno != ENOENT) return fail_errno("remove the old " + path_);
  const auto address = TRY(short_address(path_));
  boost::system::error_code ec;
  acceptor_.open(local::stream_protocol(), ec);
  if (!ec) acceptor_.bind(local::stream_protocol::endpoint(address.path), ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return fail(ErrorKind::io, "listen at " + path_ + ": " + ec.message());
  if (::chmod(path_.c_str(), 0600) != 0) return fail_errno("chmod 600 " + path_);
  return {};
}

Task<void> LeaseDoor::run() {
  while (acceptor_.is_open()) {
    auto [ec, peer] = co_await acceptor_.async_accept(kQuiet);
    if (ec == asio::error::operation_aborted || !acceptor_.is_open()) co_return;
    // One at a time: each is answered at once.
    if (!ec) co_await answer(std::move(peer));
  }
}

Task<void> LeaseDoor::answer(local::stream_protocol::socket peer) {
  if (!same_user(peer.native_handle())) co_return;
  // A client that sends nothing must not keep others out.
  asio::steady_timer late(peer.get_executor(), kDoorLimit);
  auto give_up = [&peer](const boost::system::error_code& expired) {
    boost::system::error_code ignored;
    if (!expired) peer.close(ignored);
  };
  late.async_wait(give_up);
  std::string line;
  auto buffer = asio::dynamic_buffer(line, kMaxLine);
  const auto [read_error, size] = co_await asio::async_read_until(peer, buffer, '\n', kQuiet);
  std::string reply;
  if (read_error || line != kAsk) reply = "no only hand-over is understood here\n";
  else if (!StandbyMark(database_path_).somebody_waits())
    reply = "no nobody waits in standby (start another dashboard with STANDBY=yes)\n";
  else reply = "yes\n";
  const auto [write_error, wrote] = co_await asio::async_write(peer, asio::buffer(reply), kQuiet);
  late.cancel();
  if (reply != "yes\n" || promised_) co_return;
  promised_ = true;
  log_info("storage", "asked to hand the database over", {{"told", !write_error}});
  asked_();
}

void LeaseDoor::close() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

Result<> ask_to_hand_over(const std::string& database_path) {
  const auto address = TRY(short_address(socket_path(database_path)));
  const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("make a socket");
  const timeval limit{.tv_sec = kDoorLimit.count(), .tv_usec = 0};
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
  static_cast<void>(::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit));
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address.path.c_str(), address.path.size() + 1);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return fail(ErrorKind::unavailable, "nobody serves this database");
    return fail_errno("reach the dashboard that has the database");
  }
  if (!same_user(fd.get()))
    return fail(ErrorKind::forbidden, "the dashboard that has the database belongs to another user");
  if (::send(fd.get(), kAsk.data(), kAsk.size(), MSG_NOSIGNAL) < 0) return fail_errno("ask for the database");
  std::string reply;
  std::array<char, kMaxLine> part{};
  while (!reply.ends_with('\n') && reply.size() < kMaxLine) {
    const ssize_t size = ::recv(fd.get(), part.data(), part.size(), 0);
    if (size < 0) return fail_errno("hear from the dashboard that has the database");
    if (size == 0) break;
    reply.append(part.data(), static_cast<std::size_t>(size));
  }
  if (reply == "yes\n") return {};
  if (reply.starts_with("no ")) return fail(ErrorKind::conflict, printable(reply.substr(3, reply.size() - 4)));
  return fail(ErrorKind::unavailable, "the dashboard that has the database gave no answer");
}

}  // namespace ccd::storage
