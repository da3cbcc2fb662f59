// Templates of sessions: what people start again and again. Values, and the table `templates`.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "audit/trail.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/task.hpp"
#include "sessions/hub.hpp"
#include "storage/database.hpp"

namespace ccd::agents {

inline constexpr std::size_t kMaxTemplates = 200;
// Prompts and variables of all templates together: every page that starts a session reads them all.
inline constexpr std::size_t kMaxTemplatesBytes = std::size_t{2} * 1024 * 1024;
inline constexpr std::size_t kMaxTemplateName = 100;  // bytes
// An initial prompt is an argument of the client's: with all others it has to fit one command of tmux's.
inline constexpr std::size_t kMaxPrompt = 20'000;
inline constexpr std::size_t kMaxVariables = 64;
inline constexpr std::size_t kMaxVariableValue = 4096;

struct Template {
  std::string id{};               // 20 hex digits
  std::string name{};             // unique
  std::string project{};          // absolute path; empty: chosen each time
  std::string prompt{};           // given to the agent at its start; empty: none
  std::string model{};            // empty: the user's
  std::string permission_mode{};  // empty: the user's; never bypassPermissions
  // Stored as they are: whoever may start sessions can read them.
  std::vector<std::pair<std::string, std::string>> environment{};
  WallMicros changed_at = 0;
  std::string changed_by{};
};

// `invalid` with the field's name.
Result<> check_template(const Template& wanted);
// A name of a variable, as an environment takes it.
bool valid_variable_name(std::string_view name);

class Templates {
 public:
  struct Parts {  // all outlive this
    storage::Database* database;
    const audit::Trail* trail;
    const Clock* clock;
    Random* random;
  };
  explicit Templates(Parts parts) : parts_(parts) {}

  // By name.
  Task<Result<std::vector<Template>>> list();
  Task<Result<Template>> find(std::string id);
  // With an empty id a new one is made; else that one is replaced. conflict: the name is taken; too_many; too_large: over
  // kMaxTemplatesBytes with the others.
  Task<Result<Template>> save(Template wanted, sessions::Actor actor);
  Task<Result<>> remove(std::string id, sessions::Actor actor);

 private:
  Parts parts_;
};

std::vector<storage::Migration> template_migrations();

}  // namespace ccd::agents
