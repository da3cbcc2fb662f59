// pane-start: the first program in every pane that the dashboard makes. It makes sure that the pane stands in the very folder
// that the dashboard checked, then becomes the session's command.
//
//   pane-start FOLDER DEVICE INODE -- COMMAND [ARG ...]
//
// tmux opens a pane's folder by path, later than the check: whoever swaps the folder with a symlink in between would start an
// agent elsewhere. So the check is made again here, on the open folder, and nothing runs when it differs. Exit codes: 64 bad
// arguments, 126 the folder is another one or the command cannot be run, 127 there is no such command.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr int kUsage = 64;
constexpr int kCannotRun = 126;
constexpr int kNoSuchCommand = 127;
constexpr int kFirstCommandWord = 5;

bool enter(const char* folder, unsigned long long device, unsigned long long inode) {
  const int fd = ::open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  struct stat st{};
  if (fd < 0 || ::fstat(fd, &st) != 0) {
    std::fprintf(stderr, "The project folder cannot be opened: %s\n", std::strerror(errno));
    return false;
  }
  if (st.st_dev != device || st.st_ino != inode) {
    std::fprintf(stderr, "The project folder was replaced while the session started; nothing was run.\n");
    return false;
  }
  if (::fchdir(fd) != 0) {
    std::fprintf(stderr, "The project folder cannot be entered: %s\n", std::strerror(errno));
    return false;
  }
  ::close(fd);
  return ::setenv("PWD", folder, 1) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc <= kFirstCommandWord || std::strcmp(argv[4], "--") != 0) {
    std::fprintf(stderr, "usage: pane-start FOLDER DEVICE INODE -- COMMAND [ARG ...]\n");
    return kUsage;
  }
  if (!enter(argv[1], std::strtoull(argv[2], nullptr, 10), std::strtoull(argv[3], nullptr, 10))) return kCannotRun;
  ::execvp(argv[kFirstCommandWord], argv + kFirstCommandWord);
  const int code = errno == ENOENT ? kNoSuchCommand : kCannotRun;
  std::fprintf(stderr, "%s: %s\n", argv[kFirstCommandWord],
               code == kNoSuchCommand ? "no such command" : std::strerror(errno));
  return code;
}
