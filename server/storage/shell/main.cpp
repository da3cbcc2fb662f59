// The program `sqlite3` for operators: the command line forms that runbooks print, on the SQLite that the server itself is built with.
//
// Debian 12's own is 3.40.1, which can damage a write-ahead log when it writes beside the server. This one understands
// `sqlite3 [OPTIONS] FILE [SQL or .COMMAND]...` and reads standard input when nothing is given to run. It is no console editor.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

// How long a statement waits for the server's lock.
constexpr int kBusyMillis = 10'000;
constexpr int kPagesPerStep = 256;
// A copy that finds the file locked tries again for as long.
constexpr int kCopyPauseMillis = 10;
constexpr int kCopyTries = kBusyMillis / kCopyPauseMillis;

constexpr const char* kUsage =
    "usage: sqlite3 [OPTIONS] FILE [SQL or .COMMAND]...\n"
    "  -readonly      open for reading only\n"
    "  -list -csv -json -line   form of the rows (default: list, values separated by |)\n"
    "  -header -noheader        column names in the first row\n"
    "  -separator TEXT          between the values of a list\n"
    "  -version\n"
    "commands: .backup FILE  .tables  .schema [TABLE]  .quit\n";

enum class Form { list, csv, json, line };

struct Look {
  Form form = Form::list;
  bool header = false;
  std::string separator = "|";
};

std::string_view text_of(sqlite3_stmt* statement, int column) {
  const auto* data = sqlite3_column_text(statement, column);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
  return data == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(data), size);
}

std::string json_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    char code[8];
    if (c == '"' || c == '\\') out += {'\\', c};
    else if (static_cast<unsigned char>(c) < 0x20) out += (std::snprintf(code, sizeof code, "\\u%04x", c), code);
    else out += c;
  }
  return out + "\"";
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string json_value(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_NULL: return "null";
    case SQLITE_INTEGER:
    case SQLITE_FLOAT: return std::string(text_of(statement, column));
    default: return json_string(text_of(statement, column));
  }
}

// The row's values, or its names.
std::string joined(sqlite3_stmt* statement, const Look& look, bool names) {
  std::string out;
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    if (i > 0) out += look.form == Form::csv ? "," : look.separator;
    const std::string_view value = names ? std::string_view(sqlite3_column_name(statement, i)) : text_of(statement, i);
    out += look.form == Form::csv ? csv_field(value) : std::string(value);
  }
  return out + (look.form == Form::csv ? "\r\n" : "\n");
}

std::string row_text(sqlite3_stmt* statement, const Look& look, int row) {
  if (look.form == Form::list || look.form == Form::csv)
    return (row == 0 && look.header ? joined(statement, look, true) : "") + joined(statement, look, false);
  std::string out = look.form == Form::json ? (row == 0 ? "[{" : ",\n{") : (row == 0 ? "" : "\n");
  for (int i = 0; i < sqlite3_column_count(statement); ++i) {
    const char* name = sqlite3_column_name(statement, i);
    if (look.form == Form::line) out += std::string(name) + " = " + std::string(text_of(statement, i)) + "\n";
    else out += (i > 0 ? "," : "") + json_string(name) + ":" + json_value(statement, i);
  }
  return look.form == Form::json ? out + "}" : out;
}

class Shell {
 public:
  explicit Shell(Look look) : look_(std::move(look)) {}
  ~Shell() { sqlite3_close_v2(database_); }
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  bool open(const std::string& file, bool read_only) {
    const int flags = read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    if (sqlite3_open_v2(file.c_str(), &database_, flags, nullptr) != SQLITE_OK) return complain();
    sqlite3_busy_timeout(database_, kBusyMillis);
    return true;
  }

  bool run(const std::string& text) { return text.starts_with('.') ? command(text) : sql(text); }

 private:
  bool complain() const {
    std::fflush(stdout);
    std::fprintf(stderr, "Error: %s\n", sqlite3_errmsg(database_));
    return false;
  }

  bool sql(const std::string& text) {
    const char* rest = text.c_str();
    while (*rest != '\0') {
      sqlite3_stmt* statement = nullptr;
      if (sqlite3_prepare_v2(database_, rest, -1, &statement, &rest) != SQLITE_OK) return complain();
      if (statement == nullptr) continue;  // a comment or a blank
      int rows = 0;
      int code = SQLITE_ROW;
      while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        const std::string row = row_text(statement, look_, rows++);
        std::fwrite(row.data(), 1, row.size(), stdout);
      }
      if (look_.form == Form::json && rows > 0) std::fputs("]\n", stdout);
      sqlite3_finalize(statement);
      if (code != SQLITE_DONE) return complain();
    }
    return true;
  }

  bool command(const std::string& text) {
    const std::size_t blank = text.find_first_of(" \t");
    const std::string name = text.substr(0, blank);
    std::string argument = blank == std::string::npos ? "" : text.substr(text.find_first_not_of(" \t", blank));
    if (argument.size() >= 2 && (argument.front() == '\'' || argument.front() == '"') &&
        argument.back() == argument.front())
      argument = argument.substr(1, argument.size() - 2);
    if (name == ".tables")
      return sql(
          "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1");
    if (name == ".schema") {
      char* query =
          sqlite3_mprintf("SELECT sql || ';' FROM sqlite_master WHERE sql IS NOT NULL AND (%Q = '' OR tbl_name = %Q)",
                          argument.c_str(), argument.c_str());
      const bool good = sql(query);
      sqlite3_free(query);
      return good;
    }
    if (name == ".backup" && !argument.empty()) return backup(argument);
    if (name == ".quit" || name == ".exit") return true;
    std::fprintf(stderr, "Error: no such command here: %s\n%s", name.c_str(), kUsage);
    return false;
  }

  // One moment's copy, as a file without a write-ahead log, so that it can be put anywhere by itself.
  bool backup(const std::string& to) {
    // Sessions and password hashes are not for everybody.
    const int made = ::open(to.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (made >= 0) ::close(made);
    sqlite3* copy = nullptr;
    bool good = sqlite3_open_v2(to.c_str(), &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) == SQLITE_OK;
    good = good &&
           sqlite3_exec(database_, "BEGIN; SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr) == SQLITE_OK;
    sqlite3_backup* work = good ? sqlite3_backup_init(copy, "main", database_, "main") : nullptr;
    int code = work == nullptr ? SQLITE_ERROR : SQLITE_OK;
    for (int tries = 0; code == SQLITE_OK;) {
      code = sqlite3_backup_step(work, kPagesPerStep);
      if ((code == SQLITE_BUSY || code == SQLITE_LOCKED) && ++tries < kCopyTries) {
        sqlite3_sleep(kCopyPauseMillis);
        code = SQLITE_OK;
      }
    }
    sqlite3_backup_finish(work);
    sqlite3_exec(database_, "COMMIT", nullptr, nullptr, nullptr);
    good = code == SQLITE_DONE &&
           sqlite3_exec(copy, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr) == SQLITE_OK;
    if (!good) std::fprintf(stderr, "Error: backup to %s: %s\n", to.c_str(), sqlite3_errmsg(copy));
    sqlite3_close_v2(copy);
    return good;
  }

  const Look look_;
  sqlite3* database_ = nullptr;
};

// Lines of commands at once, SQL when a statement is complete.
bool run_input(Shell& shell) {
  std::string waiting;
  for (std::string line; std::getline(std::cin, line);) {
    if (waiting.empty() && line.starts_with('.')) {
      if (line == ".quit" || line == ".exit") return true;
      if (!shell.run(line)) return false;
      continue;
    }
    waiting += line + "\n";
    if (sqlite3_complete(waiting.c_str()) == 0) continue;
    if (!shell.run(waiting)) return false;
    waiting.clear();
  }
  return waiting.find_first_not_of(" \t\r\n") == std::string::npos || shell.run(waiting);
}

int wrong_use(const char* what) {
  std::fprintf(stderr, "sqlite3: %s\n%s", what, kUsage);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  Look look;
  bool read_only = false;
  int next = 1;
  for (; next < argc && argv[next][0] == '-'; ++next) {
    std::string_view option = argv[next];
    if (option.starts_with("--")) option.remove_prefix(1);
    if (option == "-readonly") read_only = true;
    else if (option == "-list") look.form = Form::list;
    else if (option == "-csv") look.form = Form::csv;
    else if (option == "-json") look.form = Form::json;
    else if (option == "-line") look.form = Form::line;
    else if (option == "-header") look.header = true;
    else if (option == "-noheader") look.header = false;
    else if (option == "-batch" || option == "-bail") continue;
    else if (option == "-separator" && next + 1 < argc) look.separator = argv[++next];
    else if (option == "-version") return std::puts(sqlite3_libversion()) < 0 ? 1 : 0;
    else return wrong_use((std::string(option) + ": no such option").c_str());
  }
  if (next == argc) return wrong_use("which database?");
  Shell shell(std::move(look));
  if (!shell.open(argv[next++], read_only)) return 1;
  if (next == argc) return run_input(shell) ? 0 : 1;
  for (; next < argc; ++next)
    if (!shell.run(argv[next])) return 1;
  return 0;
}
