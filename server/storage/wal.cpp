#include "storage/wal.hpp"

#include <sqlite3.h>
#include <algorithm>
#include <array>
#include <memory>

namespace ccd::storage {

namespace {

// A file of SQLite's own file layer, so that tests can stand in for the disk.
class VfsFile {
 public:
  explicit VfsFile(const std::string& database_path)
      : name_(sqlite3_create_filename(database_path.c_str(), (database_path + "-journal").c_str(),
                                      (database_path + "-wal").c_str(), 0, nullptr)),
        vfs_(sqlite3_vfs_find(nullptr)),
        memory_(new char[static_cast<std::size_t>(vfs_->szOsFile)]()),
        file_(reinterpret_cast<sqlite3_file*>(memory_.get())) {}
  ~VfsFile() {
    if (file_->pMethods != nullptr) file_->pMethods->xClose(file_);
    sqlite3_free_filename(name_);
  }
  VfsFile(const VfsFile&) = delete;
  VfsFile& operator=(const VfsFile&) = delete;

  [[nodiscard]] bool exists() {
    int found = 0;
    return vfs_->xAccess(vfs_, sqlite3_filename_wal(name_), SQLITE_ACCESS_EXISTS, &found) == SQLITE_OK && found != 0;
  }
  int rewrite() {
    int flags = 0;
    int code = vfs_->xOpen(vfs_, sqlite3_filename_wal(name_), file_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_WAL, &flags);
    sqlite3_int64 size = 0;
    if (code == SQLITE_OK) code = file_->pMethods->xFileSize(file_, &size);
    std::array<char, 64 * 1024> block;
    for (sqlite3_int64 at = 0; code == SQLITE_OK && at < size;) {
      const int part = static_cast<int>(std::min<sqlite3_int64>(block.size(), size - at));
      code = file_->pMethods->xRead(file_, block.data(), part, at);
      if (code == SQLITE_OK) code = file_->pMethods->xWrite(file_, block.data(), part, at);
      at += part;
    }
    return code == SQLITE_OK && size > 0 ? file_->pMethods->xSync(file_, SQLITE_SYNC_NORMAL) : code;
  }

 private:
  sqlite3_filename name_;
  sqlite3_vfs* vfs_;
  std::unique_ptr<char[]> memory_;
  sqlite3_file* file_;
};

}  // namespace

Result<> rewrite_wal(Connection& connection, const std::string& database_path) {
  VfsFile log(database_path);
  if (!log.exists()) return {};
  const auto lock = TRY(Transaction::begin(connection));
  const int code = log.rewrite();
  if (code == SQLITE_OK) return {};
  return fail(code == SQLITE_FULL ? ErrorKind::unavailable : ErrorKind::io,
              "make the write-ahead log of " + database_path + " durable: " + sqlite3_errstr(code));
}

}  // namespace ccd::storage
