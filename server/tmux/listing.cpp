#include "tmux/listing.hpp"

#include <array>
#include <charconv>
#include <set>

#include "base/encoding.hpp"
#include "tmux/command.hpp"
#include "tmux/tmux.hpp"

namespace ccd::tmux {
namespace {

constexpr char kSeparator = '\x1f';

// What a field may hold decides how it is asked for.
enum class Source {
  tmux,    // tmux's own numbers and ids
  people,  // a text that a person or a program chose
};

struct Field {
  std::string_view name;
  Source source;
  int columns;  // the value is cut at this width; 0: not cut
};

constexpr int kPathColumns = 0;  // PATH_MAX bounds it
enum Index {
  id,
  window,
  session,
  pid,
  cols,
  rows,
  dead,
  status,
  signal,
  pipe,
  created,
  activity,
  alternate,
  mode,
  name,
  title,
  command,
  start_path,
  path,
  dashboard_id,
  clients,
  kFieldCount
};
constexpr std::array<Field, kFieldCount> kFields{{
    {"pane_id", Source::tmux, 0},
    {"window_id", Source::tmux, 0},
    {"session_id", Source::tmux, 0},
    {"pane_pid", Source::tmux, 0},
    {"pane_width", Source::tmux, 0},
    {"pane_height", Source::tmux, 0},
    {"pane_dead", Source::tmux, 0},
    {"pane_dead_status", Source::tmux, 0},
    {"pane_dead_signal", Source::tmux, 0},
    {"pane_pipe", Source::tmux, 0},
    {"session_created", Source::tmux, 0},
    {"window_activity", Source::tmux, 0},
    {"alternate_on", Source::tmux, 0},
    {"pane_in_mode", Source::tmux, 0},
    {"session_name", Source::people, 256},
    {"pane_title", Source::people, 256},
    {"pane_current_command", Source::people, 64},
    {"pane_start_path", Source::people, kPathColumns},
    {"pane_current_path", Source::people, kPathColumns},
    {"@ccd_id", Source::people, 64},
    {"session_attached_list", Source::people, 4096},
}};

std::string make_format() {
  std::string format;
  for (const Field& field : kFields) {
    if (!format.empty()) format += kSeparator;
    format += "#{";
    if (field.columns > 0) format += '=' + std::to_string(field.columns) + ';';
    if (field.source == Source::people) format += "s/[\x01-\x1f\x7f]/?/:";
    else if (field.columns > 0) format.back() = ':';
    format += field.name;
    format += '}';
  }
  return format;
}

template <class Number>
bool read_number(std::string_view text, Number& into) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), into);
  return ec == std::errc() && end == text.data() + text.size();
}

// Control connections are called client-PID, terminals by their device.
int terminals(std::string_view client_list) {
  int count = 0;
  while (!client_list.empty()) {
    const std::size_t comma = client_list.find(',');
    const std::string_view one = client_list.substr(0, comma);
    if (!one.empty() && !one.starts_with("client-")) ++count;
    client_list = comma == std::string_view::npos ? std::string_view() : client_list.substr(comma + 1);
  }
  return count;
}

std::string utf8_or_printable(std::string_view text) { return valid_utf8(text) ? std::string(text) : printable(text); }

bool read_pane(const std::array<std::string_view, kFieldCount>& f, Pane& pane) {
  constexpr WallMicros kMicros = 1'000'000;
  pane.pane_id = f[id];
  pane.window_id = f[window];
  pane.session_id = f[session];
  if (!valid_id(f[id], '%') || !valid_id(f[window], '@') || !valid_id(f[session], '$')) return false;
  if (!read_number(f[pid], pane.pid) || !read_number(f[cols], pane.cols) || !read_number(f[rows], pane.rows))
    return false;
  if (!read_number(f[created], pane.created) || !read_number(f[activity], pane.activity)) return false;
  pane.created *= kMicros;
  pane.activity *= kMicros;
  pane.dead = f[dead] == "1";
  int value = 0;
  constexpr int kSignalled = 128;
  if (pane.dead && read_number(f[status], value)) pane.exit_status = value;
  else if (pane.dead && read_number(f[signal], value)) pane.exit_status = kSignalled + value;
  pane.piped = f[pipe] == "1";
  pane.alternate = f[alternate] == "1";
  pane.in_mode = !f[mode].empty() && f[mode] != "0";
  pane.session_name = utf8_or_printable(f[name]);
  pane.title = utf8_or_printable(f[title]);
  pane.command = utf8_or_printable(f[command]);
  pane.start_path = f[start_path];
  pane.path = f[path];
  pane.dashboard_id = valid_name(f[dashboard_id]) ? std::string(f[dashboard_id]) : std::string();
  pane.attached_clients = terminals(f[clients]);
  return true;
}

}  // namespace

const std::string& pane_format() {
  static const std::string format = make_format();
  return format;
}

Result<std::vector<Pane>> parse_panes(std::string_view lines) {
  std::vector<Pane> panes;
  std::set<std::string, std::less<>> seen;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    std::array<std::string_view, kFieldCount> fields;
    for (std::size_t i = 0; i < kFieldCount; ++i) {
      const std::size_t stop = line.find(kSeparator);
      if ((stop == std::string_view::npos) != (i + 1 == kFieldCount))
        return fail(ErrorKind::internal, "tmux's list of panes has another number of fields than asked for");
      fields[i] = line.substr(0, stop);
      line.remove_prefix(stop == std::string_view::npos ? line.size() : stop + 1);
    }
    Pane pane;
    if (!read_pane(fields, pane))
      return fail(ErrorKind::internal, "tmux's list of panes has a field that is not what was asked for");
    if (seen.insert(pane.pane_id).second) panes.push_back(std::move(pane));
  }
  return panes;
}

Command ask_server() { return {"display-message", "-p", "#{pid} #{start_time}"}; }

Result<ServerId> parse_server(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  const std::size_t space = line.find(' ');
  ServerId server;
  if (space == std::string_view::npos || !read_number(line.substr(0, space), server.pid) ||
      !read_number(line.substr(space + 1), server.started) || server.pid <= 0)
    return fail(ErrorKind::internal, "tmux did not say its pid and start time");
  return server;
}

}  // namespace ccd::tmux
