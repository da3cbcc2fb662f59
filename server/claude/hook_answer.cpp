// The bodies that answer a held permission request.
#include <algorithm>
#include <boost/json.hpp>

#include "claude/hook_event.hpp"
#include "claude/transcript_line.hpp"

namespace ccd::claude {
namespace {

namespace bj = boost::json;

std::string answer(bj::object decision) {
  return bj::serialize(bj::object{
      {"hookSpecificOutput", bj::object{{"hookEventName", "PermissionRequest"}, {"decision", std::move(decision)}}}});
}

Result<bj::value> read(std::string_view text, std::string field) {
  boost::system::error_code failed;
  bj::parse_options options;
  options.max_depth = 64;
  bj::value value = bj::parse(text, failed, {}, options);
  if (failed) return fail_field(std::move(field), "is not JSON");
  return value;
}

bool asks(const bj::object& input, std::string_view question) {
  const bj::value* questions = input.if_contains("questions");
  if (questions == nullptr || !questions->is_array()) return false;
  return std::any_of(questions->get_array().begin(), questions->get_array().end(), [&](const bj::value& each) {
    const bj::object* object = each.if_object();
    const bj::value* text = object != nullptr ? object->if_contains("question") : nullptr;
    return text != nullptr && text->is_string() && text->get_string() == question;
  });
}

}  // namespace

Result<std::string> allow_answer(std::string_view updated_permissions) {
  bj::object decision{{"behavior", "allow"}};
  if (!updated_permissions.empty()) {
    bj::value updates = TRY(read(updated_permissions, "updated_permissions"));
    if (!updates.is_array()) return fail_field("updated_permissions", "must be an array of the request's suggestions");
    decision["updatedPermissions"] = std::move(updates);
  }
  return answer(std::move(decision));
}

std::string deny_answer(std::string_view message) {
  bj::object decision{{"behavior", "deny"}};
  if (!message.empty()) decision["message"] = clipped(message, kMaxHookText);
  return answer(std::move(decision));
}

Result<std::string> question_answer(std::string_view input,
                                    const std::vector<std::pair<std::string, std::string>>& answers) {
  bj::value updated = TRY(read(input, "input"));
  if (!updated.is_object() || answers.empty())
    return fail_field("input", "must be the input of a question, and answered");
  bj::object given;
  for (const auto& [question, text] : answers) {
    if (!asks(updated.get_object(), question)) return fail_field("answers", "name a question that was not asked");
    given[question] = clipped(text, kMaxHookText);
  }
  updated.get_object()["answers"] = std::move(given);
  return answer({{"behavior", "allow"}, {"updatedInput", std::move(updated)}});
}

}  // namespace ccd::claude
