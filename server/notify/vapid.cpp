#include "notify/vapid.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <array>
#include <boost/json.hpp>
#include <cerrno>
#include <filesystem>

#include "base/encoding.hpp"
#include "base/unique_fd.hpp"

namespace ccd::notify {

namespace {

constexpr std::size_t kMaxKeyFile = 4096;

Result<P256Key> load(int fd, const std::string& path) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return fail_errno("look at " + path);
  if (!S_ISREG(info.st_mode) || info.st_size > static_cast<off_t>(kMaxKeyFile))
    return fail(ErrorKind::corrupt, path + " is no key file");
  if (info.st_uid != ::geteuid())
    return fail(ErrorKind::forbidden, path + " belongs to another user; the push key must be the dashboard's own");
  if ((info.st_mode & 0077) != 0)
    return fail(ErrorKind::forbidden, "other users can use the push key: chmod 600 " + path +
                                          " (who has read it can push to every subscribed browser)");
  std::array<char, kMaxKeyFile> text{};
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  if (size < 0) return fail_errno("read " + path);
  auto key = P256Key::from_pem(std::string_view(text.data(), static_cast<std::size_t>(size)));
  if (!key)
    return fail(ErrorKind::corrupt,
                path + " holds no key for push messages: restore it, or remove it and subscribe every browser anew");
  return key;
}

// Written whole under another name and then linked: a crash leaves no half key, and a key that is there is never replaced.
Result<> create(const std::string& path, Random& random) {
  const P256Key key = TRY(P256Key::generate());
  const std::string pem = TRY(key.to_pem());
  const std::string draft = path + "." + random.hex(8) + ".new";
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("make the push key " + draft);
  const bool written =
      ::write(fd.get(), pem.data(), pem.size()) == static_cast<ssize_t>(pem.size()) && ::fsync(fd.get()) == 0;
  const int write_error = errno;
  const bool linked = written && ::link(draft.c_str(), path.c_str()) == 0;
  const int link_error = errno;
  ::unlink(draft.c_str());
  if (!written) return fail_errno("write the push key " + path, write_error);
  if (!linked && link_error != EEXIST) return fail_errno("make the push key " + path, link_error);
  const UniqueFd folder(::open(std::filesystem::path(path).parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return fail_errno("sync the folder of " + path);
  return {};
}

}  // namespace

Result<P256Key> Vapid::load_or_create_key(const std::string& path, Random& random) {
  const auto open = [&] { return UniqueFd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)); };
  UniqueFd fd = open();
  if (!fd && errno == ENOENT) {
    TRY(create(path, random));
    fd = open();
  }
  if (!fd && errno == ELOOP) return fail(ErrorKind::invalid, path + " is a symbolic link; the push key must be a file");
  if (!fd) return fail_errno("open the push key " + path);
  return load(fd.get(), path);
}

std::string Vapid::public_key() const { return base64url_encode(key_.public_point()); }

Result<std::string> Vapid::authorization(std::string_view origin, WallMicros now) const {
  const auto expires =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::microseconds(now)) + kVapidLifetime;
  const std::string token = TRY(vapid_token(key_, origin, expires.count(), contact_));
  return "vapid t=" + token + ", k=" + public_key();
}

Result<std::string> vapid_token(const P256Key& key, std::string_view audience, std::int64_t expires,
                                std::string_view contact) {
  boost::json::object claims{{"aud", audience}, {"exp", expires}};
  if (!contact.empty()) claims["sub"] = contact;
  const std::string header = R"({"typ":"JWT","alg":"ES256"})";
  const std::string signed_part =
      base64url_encode(as_bytes(header)) + "." + base64url_encode(as_bytes(boost::json::serialize(claims)));
  const auto signature = TRY(key.sign(signed_part));
  return signed_part + "." + base64url_encode(signature);
}

}  // namespace ccd::notify
