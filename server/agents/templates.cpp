#include "agents/templates.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "agents/variables.hpp"
#include "base/encoding.hpp"
#include "claude/session_settings.hpp"

namespace ccd::agents {

namespace {

namespace json = boost::json;

constexpr std::size_t kIdBytes = 10;
constexpr std::size_t kMaxProject = 4096;
constexpr std::size_t kMaxModel = 256;
constexpr std::size_t kMaxVariableName = 128;

constexpr std::string_view kCreate = R"sql(
CREATE TABLE templates (
  id              TEXT PRIMARY KEY,
  name            TEXT NOT NULL UNIQUE,
  project         TEXT NOT NULL,
  prompt          TEXT NOT NULL,
  model           TEXT NOT NULL,
  permission_mode TEXT NOT NULL,
  environment     TEXT NOT NULL,     -- JSON object of texts
  changed_at      INTEGER NOT NULL,  -- microseconds since the epoch
  changed_by      TEXT NOT NULL
) STRICT;
)sql";

constexpr std::string_view kColumns =
    "id, name, project, prompt, model, permission_mode, environment, changed_at, changed_by";

Template read_template(const storage::Row& row) {
  return {.id = row.text(0),
          .name = row.text(1),
          .project = row.text(2),
          .prompt = row.text(3),
          .model = row.text(4),
          .permission_mode = row.text(5),
          .environment = variables_from_json(row.text(6)),
          .changed_at = row.i64(7),
          .changed_by = row.text(8)};
}

Result<> check_text(const std::string& field, const std::string& text, std::size_t limit) {
  if (text.size() > limit) return fail_field(field, field + " has at most " + std::to_string(limit) + " bytes");
  if (!valid_utf8(text) || text.find('\0') != std::string::npos)
    return fail_field(field, field + " must be a text without NUL");
  return {};
}

Result<> store(storage::Connection& db, const Template& t) {
  const auto taken = TRY(db.one(
      "SELECT id FROM templates WHERE name = ? AND id != ?", [](const storage::Row& row) { return row.text(0); },
      t.name, t.id));
  if (taken) return fail(ErrorKind::conflict, "there is a template of this name already");
  TRY(db.run("INSERT OR REPLACE INTO templates (" + std::string(kColumns) + ") VALUES (?,?,?,?,?,?,?,?,?)", t.id,
             t.name, t.project, t.prompt, t.model, t.permission_mode, variables_to_json(t.environment), t.changed_at,
             t.changed_by));
  return {};
}

// Not what is in the prompt, and no value of a variable.
std::string detail_of(const Template& t) {
  json::array names;
  for (const auto& [name, value] : t.environment) names.emplace_back(name);
  return json::serialize(json::object{{"name", t.name}, {"project", t.project}, {"variables", std::move(names)}});
}

}  // namespace

std::vector<storage::Migration> template_migrations() { return {{"agents/031-templates", kCreate}}; }

bool valid_variable_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxVariableName || (name.front() >= '0' && name.front() <= '9')) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<> check_template(const Template& wanted) {
  if (wanted.name.empty()) return fail_field("name", "a template needs a name");
  TRY(check_text("name", wanted.name, kMaxTemplateName));
  TRY(check_text("project", wanted.project, kMaxProject));
  if (!wanted.project.empty() && !wanted.project.starts_with('/'))
    return fail_field("project", "give the whole path, from / on");
  TRY(check_text("prompt", wanted.prompt, kMaxPrompt));
  TRY(check_text("model", wanted.model, kMaxModel));
  if (wanted.model.starts_with('-')) return fail_field("model", "a model's name does not start with -");
  if (!wanted.permission_mode.empty() && !claude::valid_permission_mode(wanted.permission_mode))
    return fail_field("permission_mode", "must be default, plan, acceptEdits, dontAsk or auto");
  if (wanted.environment.size() > kMaxVariables) return fail_field("env", "at most 64 variables");
  for (const auto& [name, value] : wanted.environment) {
    if (!valid_variable_name(name))
      return fail_field("env", "a variable's name has letters, digits and _ only, and does not start with a digit");
    TRY(check_text("env", value, kMaxVariableValue));
  }
  return {};
}

Task<Result<std::vector<Template>>> Templates::list() {
  auto read = [](storage::Connection& db) {
    return db.all("SELECT " + std::string(kColumns) + " FROM templates ORDER BY name COLLATE NOCASE, id",
                  read_template);
  };
  co_return co_await parts_.database->run(std::move(read));
}

Task<Result<Template>> Templates::find(std::string id) {
  auto read = [id = std::move(id)](storage::Connection& db) -> Result<Template> {
    auto found = TRY(db.one("SELECT " + std::string(kColumns) + " FROM templates WHERE id = ?", read_template, id));
    if (!found) return fail(ErrorKind::not_found, "there is no such template");
    return std::move(*found);
  };
  co_return co_await parts_.database->run(std::move(read));
}

Task<Result<Template>> Templates::save(Template wanted, sessions::Actor actor) {
  CO_TRY(check_template(wanted));
  const bool fresh = wanted.id.empty();
  if (fresh) wanted.id = parts_.random->hex(kIdBytes);
  wanted.changed_at = parts_.clock->wall();
  wanted.changed_by = actor.name;
  const audit::Record record{.actor = actor.name,
                             .ip = actor.ip,
                             .action = fresh ? "template.create" : "template.change",
                             .target = wanted.id,
                             .detail = detail_of(wanted)};
  auto write = [wanted, fresh, record, trail = parts_.trail](storage::Connection& db) -> Result<> {
    const auto known = TRY(db.one(
        "SELECT id FROM templates WHERE id = ?", [](const storage::Row& row) { return row.text(0); }, wanted.id));
    if (!fresh && !known) return fail(ErrorKind::not_found, "there is no such template");
    const auto count =
        TRY(db.one("SELECT count(*) FROM templates", [](const storage::Row& row) { return row.i64(0); }));
    if (fresh && count.value_or(0) >= static_cast<std::int64_t>(kMaxTemplates))
      return fail(ErrorKind::too_many, "there are 200 templates: remove some first");
    TRY(store(db, wanted));
    const auto bytes = TRY(db.one("SELECT sum(octet_length(prompt) + octet_length(environment)) FROM templates",
                                  [](const storage::Row& row) { return row.i64(0); }));
    if (bytes.value_or(0) > static_cast<std::int64_t>(kMaxTemplatesBytes))
      return fail(
          ErrorKind::too_large,
          "prompts and variables of all templates together have at most 2 MiB: shorten this one or remove some");
    return trail->append(db, record);
  };
  const auto written = co_await parts_.database->transact(std::move(write));
  if (!written) co_return tl::unexpected(written.error());
  co_return wanted;
}

Task<Result<>> Templates::remove(std::string id, sessions::Actor actor) {
  const audit::Record record{.actor = actor.name, .ip = actor.ip, .action = "template.remove", .target = id};
  auto write = [id, record, trail = parts_.trail](storage::Connection& db) -> Result<> {
    if (TRY(db.run("DELETE FROM templates WHERE id = ?", id)) == 0)
      return fail(ErrorKind::not_found, "there is no such template");
    return trail->append(db, record);
  };
  co_return co_await parts_.database->transact(std::move(write));
}

}  // namespace ccd::agents
