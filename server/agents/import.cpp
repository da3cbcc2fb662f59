// The conversations on this machine, joined with what the dashboard knows: where they may be gone on with, and where they are open.
#include <map>

#include "agents/launch.hpp"
#include "agents/lifecycle.hpp"
#include "files/projects.hpp"

namespace ccd::agents {

namespace {

// Whether a session may start in each of the folders; a reason where not.
std::map<std::string, std::string> look_at_folders(const files::Roots& roots,
                                                   const std::vector<claude::Conversation>& conversations) {
  std::map<std::string, std::string> out;
  for (const claude::Conversation& conversation : conversations) {
    const std::string& folder = conversation.facts.folder;
    if (out.contains(folder)) continue;
    if (folder.empty()) {
      out[folder] = "It does not say where it was.";
      continue;
    }
    const auto opened = files::open_project_folder(roots, folder);
    if (opened) out[folder] = "";
    else if (opened.error().kind == ErrorKind::forbidden)
      out[folder] = "Its folder is outside the allowed project folders.";
    else out[folder] = "Its folder is not there any more.";
  }
  return out;
}

}  // namespace

Task<Lifecycle::Conversations> Lifecycle::conversations(std::size_t limit) {
  // The list keeps what it has read, and takes one scan at a time.
  while (listing_) co_await listed_.wait();
  listing_ = true;
  struct Free {
    Lifecycle* self;
    ~Free() {
      self->listing_ = false;
      self->listed_.notify();
    }
  } const free{this};
  struct Found {
    claude::ConversationListing listing{};
    std::map<std::string, std::string> folders{};
    std::vector<claude::LiveClient> clients{};
  };
  auto scan = [list = list_, limit, roots = parts_.roots, register_folder = config_dir_of({}) + "/sessions"] {
    Found found{.listing = list->newest(limit)};
    found.folders = look_at_folders(*roots, found.listing.conversations);
    found.clients = claude::live_clients(register_folder);
    return found;
  };
  Found found = co_await run_on(*parts_.pool, std::move(scan));

  std::map<std::string, sessions::Session> by_conversation;
  for (const sessions::Session& session : parts_.hub->list()) {
    if (session.claude_session_id.empty()) continue;
    const auto known = by_conversation.find(session.claude_session_id);
    if (known == by_conversation.end() || session.status == sessions::Status::active)
      by_conversation.insert_or_assign(session.claude_session_id, session);
  }
  Conversations out{.found = {}, .truncated = found.listing.truncated};
  for (claude::Conversation& conversation : found.listing.conversations) {
    FoundConversation one;
    const auto session = by_conversation.find(conversation.id);
    if (session != by_conversation.end()) {
      one.session = session->second.id;
      if (session->second.status == sessions::Status::active) one.live_in = "session " + session->second.name;
    }
    for (const claude::LiveClient& client : found.clients)
      if (one.live_in.empty() && client.seen == claude::Seen::running && client.conversation == conversation.id)
        one.live_in = "process " + std::to_string(client.pid) + " in " + client.folder;
    one.why_not = found.folders[conversation.facts.folder];
    if (one.why_not.empty() && !conversation.facts.resumable) one.why_not = "Nothing was said in it.";
    one.startable = one.why_not.empty();
    one.conversation = std::move(conversation);
    out.found.push_back(std::move(one));
  }
  co_return out;
}

}  // namespace ccd::agents
