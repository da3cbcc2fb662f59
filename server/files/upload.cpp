// Everything by descriptors: the project's folder as open.hpp opens it, then single components without following links.
#include "files/upload.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/unique_fd.hpp"
#include "files/open.hpp"

namespace ccd::files {
namespace {

constexpr mode_t kOwnerOnly = 0600;
constexpr mode_t kOwnerFolder = 0700;
constexpr std::size_t kMaxHint = 60;

Result<UniqueFd> upload_folder(const UniqueFd& project) {
  const std::string name(kUploadFolder);
  if (::mkdirat(project.get(), name.c_str(), kOwnerFolder) != 0 && errno != EEXIST)
    return fail_errno("make the folder for uploads");
  UniqueFd folder(::openat(project.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder)
    return fail(ErrorKind::conflict, std::string(kUploadFolder) + " in the project is not a folder: move it away");
  return folder;
}

Result<> write_new(const UniqueFd& folder, const std::string& name, std::string_view bytes) {
  const UniqueFd file(
      ::openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kOwnerOnly));
  if (!file) return fail_errno("make the file");
  while (!bytes.empty()) {
    const ssize_t n = ::write(file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = n < 0 ? errno : EIO;
      (void)::unlinkat(folder.get(), name.c_str(), 0);
      return fail_errno("write the file", error);
    }
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<std::size_t> count_entries(const UniqueFd& folder) {
  UniqueFd copy(::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!copy) return fail_errno("open the folder for uploads");
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::fdopendir(copy.get()), &::closedir);
  if (!dir) return fail_errno("read the folder for uploads");
  (void)copy.release();
  std::size_t count = 0;
  while (::readdir(dir.get()) != nullptr) ++count;  // NOLINT(concurrency-mt-unsafe): one thread reads it
  return count;
}

std::string plain_name(std::string_view hint) {
  const std::size_t slash = hint.find_last_of("/\\");
  if (slash != std::string_view::npos) hint.remove_prefix(slash + 1);
  hint = hint.substr(0, hint.rfind('.'));
  std::string out;
  for (const char c : hint.substr(0, kMaxHint)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (plain) out += c;
    else if (!out.ends_with('-')) out += '-';
  }
  return out.empty() ? "picture" : out;
}

}  // namespace

std::string_view picture_extension(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "png";
  if (bytes.starts_with("\xff\xd8\xff")) return "jpg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "gif";
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") return "webp";
  return {};
}

Result<std::string> save_upload(const Roots& roots, std::string_view project, std::string_view bytes,
                                std::string_view hint, std::string_view unique, WallMicros now) {
  const std::string_view extension = picture_extension(bytes);
  if (extension.empty()) return fail(ErrorKind::invalid, "this is not a PNG, JPEG, GIF or WebP picture");
  if (bytes.size() > kMaxUploadBytes) return fail(ErrorKind::too_large, "a picture is at most 10 MiB");
  const ConfinedPath where = TRY(roots.locate(project));
  const Opened opened = TRY(open_confined(where, Kind::folder));
  const UniqueFd folder = TRY(upload_folder(opened.fd));
  if (TRY(count_entries(folder)) >= kMaxUploads)
    return fail(ErrorKind::conflict, "there are 1000 uploads in " + std::string(kUploadFolder) + ": remove some first");
  // Pictures for an agent are no part of the project. Somebody's own .gitignore there stays.
  if (const auto ignored = write_new(folder, ".gitignore", "*\n");
      !ignored && ignored.error().kind != ErrorKind::conflict)
    return tl::unexpected(ignored.error());
  std::string stamp = iso_seconds(now);
  std::erase_if(stamp, [](char c) { return c == '-' || c == ':'; });
  const std::string name = stamp + "-" + plain_name(hint) + "-" + std::string(unique) + "." + std::string(extension);
  TRY(write_new(folder, name, bytes));
  return where.display() + "/" + std::string(kUploadFolder) + "/" + name;
}

}  // namespace ccd::files
