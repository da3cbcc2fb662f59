#include "tmux/changes.hpp"

#include <map>
#include <string>
#include <tuple>

namespace ccd::tmux {
namespace {

std::map<std::string, std::string> names_by_session(const std::vector<Pane>& panes) {
  std::map<std::string, std::string> names;
  for (const Pane& pane : panes) names.emplace(pane.session_id, pane.session_name);
  return names;
}

using Place = std::tuple<std::string, std::string, std::string, bool>;  // window, session, dashboard's id, piped

std::map<std::string, Place> places_by_pane(const std::vector<Pane>& panes) {
  std::map<std::string, Place> places;
  for (const Pane& pane : panes)
    places.emplace(pane.pane_id, Place{pane.window_id, pane.session_id, pane.dashboard_id, pane.piped});
  return places;
}

}  // namespace

std::vector<Event> changes(ServerId server, const std::vector<Pane>& before, const std::vector<Pane>& after) {
  std::vector<Event> events;
  const auto old_names = names_by_session(before);
  const auto new_names = names_by_session(after);
  for (const auto& [id, name] : old_names)
    if (!new_names.contains(id))
      events.push_back({.kind = EventKind::session_closed, .server = server, .session_id = id, .name = name});
  for (const auto& [id, name] : new_names)
    if (const auto old = old_names.find(id); old != old_names.end() && old->second != name)
      events.push_back({.kind = EventKind::renamed, .server = server, .session_id = id, .name = name});

  std::map<std::string, bool> was_dead;
  for (const Pane& pane : before) was_dead[pane.pane_id] = pane.dead;
  for (const Pane& pane : after)
    if (pane.dead && !was_dead[pane.pane_id])
      events.push_back({.kind = EventKind::pane_died,
                        .server = server,
                        .session_id = pane.session_id,
                        .name = pane.session_name,
                        .pane_id = pane.pane_id,
                        .exit_status = pane.exit_status});

  std::map<std::string, std::pair<int, int>> old_sizes;
  for (const Pane& pane : before) old_sizes[pane.pane_id] = {pane.cols, pane.rows};
  for (const Pane& pane : after)
    if (const auto old = old_sizes.find(pane.pane_id);
        old != old_sizes.end() && old->second != std::pair(pane.cols, pane.rows))
      events.push_back({.kind = EventKind::resized,
                        .server = server,
                        .session_id = pane.session_id,
                        .name = pane.session_name,
                        .pane_id = pane.pane_id,
                        .cols = pane.cols,
                        .rows = pane.rows});

  if (places_by_pane(before) != places_by_pane(after))
    events.push_back({.kind = EventKind::sessions_changed, .server = server});
  return events;
}

}  // namespace ccd::tmux
