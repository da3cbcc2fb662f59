#include "storage/fault_vfs.hpp"

#include <sqlite3.h>
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <limits>
#include <utility>

namespace ccd::storage {

namespace {

constexpr std::size_t kSector = 512;

struct State {
  sqlite3_vfs* real = nullptr;
  std::int64_t calls = 0;
  std::int64_t first_failing = std::numeric_limits<std::int64_t>::max();
  std::int64_t last_failing = 0;
  std::int64_t failed = 0;
  FaultVfs::As as = FaultVfs::As::io_error;
  bool recording = false;
  std::vector<FileChange> changes;
};
State state;

struct File {
  sqlite3_file base;
  char name[256];
  bool new_name;  // SQLite syncs the folder with a new journal's first sync
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};
File* of(sqlite3_file* file) { return reinterpret_cast<File*>(file); }

bool must_fail() {
  ++state.calls;
  if (state.calls < state.first_failing || state.calls > state.last_failing) return false;
  ++state.failed;
  return true;
}
int write_failure() { return state.as == FaultVfs::As::disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE; }

void keep(FileChange::What what, const char* name, std::int64_t offset = 0, std::string data = {}) {
  if (state.recording) state.changes.push_back({.what = what, .file = name, .offset = offset, .data = std::move(data)});
}

int x_close(sqlite3_file* f) { return of(f)->real()->pMethods->xClose(of(f)->real()); }
int x_read(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return of(f)->real()->pMethods->xRead(of(f)->real(), to, size, at);
}
int x_write(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  if (must_fail()) return write_failure();
  keep(FileChange::What::write, of(f)->name, at,
       std::string(static_cast<const char*>(from), static_cast<std::size_t>(size)));
  return of(f)->real()->pMethods->xWrite(of(f)->real(), from, size, at);
}
int x_truncate(sqlite3_file* f, sqlite3_int64 size) {
  if (must_fail()) return SQLITE_IOERR_TRUNCATE;
  keep(FileChange::What::truncate, of(f)->name, size);
  return of(f)->real()->pMethods->xTruncate(of(f)->real(), size);
}
int x_sync(sqlite3_file* f, int flags) {
  if (must_fail()) {
    keep(FileChange::What::failed_sync, of(f)->name);
    return SQLITE_IOERR_FSYNC;
  }
  keep(FileChange::What::sync, of(f)->name);
  if (std::exchange(of(f)->new_name, false)) keep(FileChange::What::sync_folder, "");
  return of(f)->real()->pMethods->xSync(of(f)->real(), flags);
}
int x_size(sqlite3_file* f, sqlite3_int64* size) { return of(f)->real()->pMethods->xFileSize(of(f)->real(), size); }
int x_lock(sqlite3_file* f, int level) { return of(f)->real()->pMethods->xLock(of(f)->real(), level); }
int x_unlock(sqlite3_file* f, int level) { return of(f)->real()->pMethods->xUnlock(of(f)->real(), level); }
int x_check(sqlite3_file* f, int* held) { return of(f)->real()->pMethods->xCheckReservedLock(of(f)->real(), held); }
int x_control(sqlite3_file* f, int op, void* arg) {
  return of(f)->real()->pMethods->xFileControl(of(f)->real(), op, arg);
}
int x_sector(sqlite3_file* f) { return of(f)->real()->pMethods->xSectorSize(of(f)->real()); }
int x_device(sqlite3_file* f) { return of(f)->real()->pMethods->xDeviceCharacteristics(of(f)->real()); }
int x_shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** at) {
  return of(f)->real()->pMethods->xShmMap(of(f)->real(), page, size, extend, at);
}
int x_shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  return of(f)->real()->pMethods->xShmLock(of(f)->real(), offset, n, flags);
}
void x_shm_barrier(sqlite3_file* f) { of(f)->real()->pMethods->xShmBarrier(of(f)->real()); }
int x_shm_unmap(sqlite3_file* f, int remove) { return of(f)->real()->pMethods->xShmUnmap(of(f)->real(), remove); }

const sqlite3_io_methods kMethods{2,          x_close,       x_read,      x_write,   x_truncate, x_sync,   x_size,
                                  x_lock,     x_unlock,      x_check,     x_control, x_sector,   x_device, x_shm_map,
                                  x_shm_lock, x_shm_barrier, x_shm_unmap, nullptr,   nullptr};

int open_file(sqlite3_vfs*, sqlite3_filename path, sqlite3_file* f, int flags, int* out_flags) {
  auto* file = of(f);
  file->base.pMethods = nullptr;
  const std::string name = path == nullptr ? "temp" : std::filesystem::path(path).filename().string();
  std::strncpy(file->name, name.c_str(), sizeof file->name - 1);
  constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  file->new_name = (flags & kJournals) != 0 && path != nullptr && !std::filesystem::exists(path);
  const int code = state.real->xOpen(state.real, path, file->real(), flags, out_flags);
  if (file->real()->pMethods != nullptr) file->base.pMethods = &kMethods;
  return code;
}
int remove_file(sqlite3_vfs*, const char* path, int sync_folder) {
  keep(FileChange::What::remove, std::filesystem::path(path).filename().c_str());
  if (sync_folder != 0) keep(FileChange::What::sync_folder, "");
  return state.real->xDelete(state.real, path, sync_folder);
}

sqlite3_vfs vfs;

}  // namespace

FaultVfs::FaultVfs() {
  state = State{};
  state.real = sqlite3_vfs_find(nullptr);
  vfs = *state.real;
  vfs.zName = "fault";
  vfs.pNext = nullptr;
  vfs.szOsFile = static_cast<int>(sizeof(File)) + state.real->szOsFile;
  vfs.xOpen = open_file;
  vfs.xDelete = remove_file;
  if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) std::abort();
}

FaultVfs::~FaultVfs() {
  sqlite3_vfs_unregister(&vfs);
  sqlite3_vfs_register(state.real, 1);
}

void FaultVfs::fail_from(std::int64_t nth, std::int64_t times, As as) {
  state.first_failing = state.calls + nth;
  state.last_failing = state.first_failing + times - 1;
  state.failed = 0;
  state.as = as;
}
std::int64_t FaultVfs::failed() const { return state.failed; }
void FaultVfs::record() { state.recording = true; }
void FaultVfs::forget() { state.changes.clear(); }
const std::vector<FileChange>& FaultVfs::changes() const { return state.changes; }

namespace {

void put(std::string& content, std::size_t offset, std::string_view data) {
  if (content.size() < offset + data.size()) content.resize(offset + data.size(), '\0');
  std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
}

// The part of an unsynced change that reached the disk.
void apply_in_part(std::string& content, const FileChange& change, std::mt19937& random) {
  std::bernoulli_distribution reached(0.5);
  const auto offset = static_cast<std::size_t>(change.offset);
  if (change.what == FileChange::What::truncate || change.what == FileChange::What::remove) {
    if (reached(random)) content.resize(offset, '\0');
    return;
  }
  for (std::size_t at = 0; at < change.data.size();) {
    const std::size_t size = std::min(kSector - (offset + at) % kSector, change.data.size() - at);
    if (reached(random)) put(content, offset + at, std::string_view(change.data).substr(at, size));
    at += size;
  }
}

}  // namespace

// A removal is certain once its folder is synced; what was done to the file before it no longer matters.
void Platter::settle_removal(const std::string& file, std::vector<FileChange>& waiting) {
  const auto removal = [](const FileChange& w) { return w.what == FileChange::What::remove; };
  const auto last = std::find_if(waiting.rbegin(), waiting.rend(), removal);
  if (last == waiting.rend()) return;
  durable_[file].clear();
  waiting.erase(waiting.begin(), last.base());
}

void Platter::apply(const FileChange& change) {
  using What = FileChange::What;
  auto& waiting = waiting_[change.file];
  if (change.what == What::write || change.what == What::truncate || change.what == What::remove) {
    waiting.push_back(change);
    return;
  }
  if (change.what == What::sync_folder) {
    for (auto& [file, pending] : waiting_) settle_removal(file, pending);
    return;
  }
  auto& content = durable_[change.file];
  for (const auto& w : waiting) {
    if (change.what == What::failed_sync) apply_in_part(content, w, random_);
    else if (w.what != What::write) content.resize(static_cast<std::size_t>(w.offset), '\0');
    else put(content, static_cast<std::size_t>(w.offset), w.data);
  }
  waiting.clear();
}

std::map<std::string, std::string> Platter::after_power_cut(std::mt19937& random) const {
  auto files = durable_;
  for (const auto& [file, waiting] : waiting_) {
    for (const auto& w : waiting) apply_in_part(files[file], w, random);
  }
  return files;
}

}  // namespace ccd::storage
