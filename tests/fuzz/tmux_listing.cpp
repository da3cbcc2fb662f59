// Fuzzes tmux/listing: what is read from tmux's list of panes is what the list says, and texts in it stay texts.
//
// Input: the answer to list-panes -F; the fields are separated by U+001F.
#include "tmux/listing.hpp"

#include <set>
#include <string>

#include "base/encoding.hpp"
#include "support.hpp"
#include "tmux/tmux.hpp"

namespace ccd::tmux {
namespace {

constexpr WallMicros kMicros = 1'000'000;

bool same(const Pane& a, const Pane& b) {
  return a.pane_id == b.pane_id && a.window_id == b.window_id && a.session_id == b.session_id &&
         a.session_name == b.session_name && a.pid == b.pid && a.cols == b.cols && a.rows == b.rows &&
         a.title == b.title && a.command == b.command && a.start_path == b.start_path && a.path == b.path &&
         a.dead == b.dead && a.exit_status == b.exit_status && a.piped == b.piped && a.created == b.created &&
         a.activity == b.activity && a.dashboard_id == b.dashboard_id && a.alternate == b.alternate &&
         a.in_mode == b.in_mode && a.attached_clients == b.attached_clients;
}

// The line that tmux would print for the pane.
std::string line_of(const Pane& pane) {
  const auto flag = [](bool on) { return on ? "1" : "0"; };
  std::string clients;
  for (int i = 0; i < pane.attached_clients; ++i) clients += "/dev/pts/" + std::to_string(i) + ',';
  std::string line;
  for (const std::string& field : {pane.pane_id,
                                   pane.window_id,
                                   pane.session_id,
                                   std::to_string(pane.pid),
                                   std::to_string(pane.cols),
                                   std::to_string(pane.rows),
                                   std::string(flag(pane.dead)),
                                   pane.exit_status ? std::to_string(*pane.exit_status) : std::string(),
                                   std::string(),
                                   std::string(flag(pane.piped)),
                                   std::to_string(pane.created / kMicros),
                                   std::to_string(pane.activity / kMicros),
                                   std::string(flag(pane.alternate)),
                                   std::string(flag(pane.in_mode)),
                                   pane.session_name,
                                   pane.title,
                                   pane.command,
                                   pane.start_path,
                                   pane.path,
                                   pane.dashboard_id})
    line += field + '\x1f';
  return line + clients + "client-1\n";
}

void check_pane(const Pane& pane) {
  CHECK(valid_id(pane.pane_id, '%') && valid_id(pane.window_id, '@') && valid_id(pane.session_id, '$'));
  CHECK(valid_utf8(pane.session_name) && valid_utf8(pane.title) && valid_utf8(pane.command));
  CHECK(pane.dashboard_id.empty() || valid_name(pane.dashboard_id));
  CHECK(pane.dead || !pane.exit_status);
  CHECK(pane.attached_clients >= 0 && pane.created % kMicros == 0 && pane.activity % kMicros == 0);
  for (const std::string* text : {&pane.session_name, &pane.title, &pane.command, &pane.start_path, &pane.path})
    CHECK(text->find_first_of("\n\x1f") == std::string::npos);
}

}  // namespace
}  // namespace ccd::tmux

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace ccd::tmux;
  const std::string_view text = ccd::fuzz::as_text(data, size);
  if (const auto server = parse_server(text)) {
    CHECK(server->pid > 0);
    CHECK(parse_server(std::to_string(server->pid) + ' ' + std::to_string(server->started) + '\n') == *server);
  }
  const auto panes = parse_panes(text);
  if (!panes) return 0;
  std::set<std::string> ids;
  std::string lines;
  for (const Pane& pane : *panes) {
    check_pane(pane);
    CHECK(ids.insert(pane.pane_id).second);
    lines += line_of(pane);
  }
  CHECK(panes->size() <= 1 + static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')));
  const auto again = parse_panes(lines);
  CHECK(again && std::equal(again->begin(), again->end(), panes->begin(), panes->end(), same));
  // A window that is linked into several sessions is listed more than once, but each pane counts once.
  const auto twice = parse_panes(lines + lines);
  CHECK(twice && twice->size() == panes->size());
  return 0;
}
