// Routes of project folders and confined files. Everything that touches a disk runs on the pool.
#include <boost/json.hpp>
#include <variant>

#include "api/api.hpp"
#include "api/errors.hpp"
#include "api/wire.hpp"
#include "base/encoding.hpp"
#include "files/listing.hpp"
#include "files/open.hpp"
#include "files/projects.hpp"
#include "files/ranges.hpp"
#include "files/read.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

json::object entry_json(const files::Entry& entry) {
  json::object out{{"name", json_text(entry.name)},
                   {"kind", to_string(entry.kind)},
                   {"size", entry.size},
                   {"modified", entry.modified},
                   {"readable", entry.readable}};
  if (!entry.name_is_utf8) out["name_is_utf8"] = false;  // cannot be asked for: a JSON text cannot carry its bytes
  if (entry.target) out["target"] = to_string(*entry.target);
  return out;
}

// RFC 8187: the name as UTF-8, percent-encoded but for letters, digits and a few marks.
std::string disposition(std::string_view path) {
  std::string out = "attachment; filename*=UTF-8''";
  const std::size_t slash = path.rfind('/');
  for (const char c : path.substr(slash == std::string_view::npos ? 0 : slash + 1)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
    if (plain) out += c;
    else out += "%" + hex_encode(as_bytes(std::string_view(&c, 1)));
  }
  return out;
}

using Looked = std::variant<files::Listing, files::OpenFile>;

Result<Looked> look(const files::Roots& roots, const std::string& path, WallMicros now) {
  const files::ConfinedPath confined = TRY(roots.locate(path));
  const files::EntryKind kind = TRY(files::kind_of(confined));
  if (kind == files::EntryKind::folder) return Looked(TRY(files::list_folder(confined)));
  return Looked(TRY(files::open_file(confined, now)));
}

http::Response file_response(const http::Request& request, const std::string& path, files::OpenFile file) {
  http::Response response;
  response.set_header("ETag", file.etag);
  if (files::none_match_hits(request.header("If-None-Match"), file.etag)) {
    response.status = 304;
    return response;
  }
  response.set_header("Content-Type", "application/octet-stream");
  response.set_header("Content-Disposition", disposition(path));
  // Never a page of ours, whatever is in it.
  response.set_header("Content-Security-Policy", "default-src 'none'; sandbox");
  response.set_header("Accept-Ranges", "bytes");
  response.set_header("X-File-Kind", file.type == files::ContentGuess::text ? "text" : "binary");
  response.set_header("X-File-Modified", std::to_string(file.modified));
  files::RangeRequest range = files::WholeFile{};
  if (request.method == "GET" && files::if_range_holds(request.header("If-Range"), file.etag))
    range = files::parse_range(request.header("Range"), file.size);
  if (std::holds_alternative<files::NotSatisfiable>(range)) {
    http::Response refused = error_response(
        Error{
            .kind = ErrorKind::invalid, .message = "the range lies behind the file's end", .sys = 0, .field = "Range"},
        request.id);
    refused.status = 416;
    refused.set_header("Content-Range", files::unsatisfied_range(file.size));
    return refused;
  }
  if (const auto* part = std::get_if<files::ByteRange>(&range)) {
    response.status = 206;
    response.set_header("Content-Range", files::content_range(*part, file.size));
    response.body = http::FileSlice{std::move(file.fd), part->offset, part->length};
    return response;
  }
  response.body = http::FileSlice{std::move(file.fd), 0, file.size};
  return response;
}

}  // namespace

Task<Result<http::Response>> Api::projects(Call) {
  auto list = [roots = parts_.project_roots] { return files::list_projects(*roots); };
  const files::Projects found = co_await run_on(*parts_.pool, std::move(list));
  json::array roots;
  for (const std::string& root : parts_.project_roots->paths()) roots.emplace_back(json_text(root));
  json::array projects;
  for (const files::Project& project : found.projects) {
    if (!project.name_is_utf8) continue;  // cannot be asked for by JSON
    projects.emplace_back(json::object{{"path", json_text(project.path)},
                                       {"name", json_text(project.name)},
                                       {"is_root", project.is_root},
                                       {"is_git", project.is_git}});
  }
  co_return json_response(
      200,
      json::object{{"roots", std::move(roots)}, {"projects", std::move(projects)}, {"truncated", found.truncated}});
}

Task<Result<http::Response>> Api::files_get(Call call) {
  const auto path = call.request->query("path");
  if (!path) {
    json::array entries;
    for (const std::string& root : parts_.file_roots->paths())
      entries.emplace_back(json::object{{"name", json_text(root)}, {"path", json_text(root)}, {"kind", "folder"}});
    co_return json_response(200, json::object{{"kind", "roots"}, {"entries", std::move(entries)}});
  }
  auto work = [roots = parts_.file_roots, path = *path, now = parts_.clock->wall()] { return look(*roots, path, now); };
  auto looked = co_await run_on(*parts_.pool, std::move(work));
  if (!looked) {
    if (looked.error().kind == ErrorKind::forbidden)
      co_await audit(call, "files.read", *path, audit::Outcome::denied, "");
    co_return tl::unexpected(std::move(looked).error());
  }
  if (const auto* folder = std::get_if<files::Listing>(&*looked)) {
    json::array entries;
    for (const files::Entry& entry : folder->entries) entries.emplace_back(entry_json(entry));
    co_return json_response(200, json::object{{"kind", "folder"},
                                              {"path", json_text(*path)},
                                              {"entries", std::move(entries)},
                                              {"truncated", folder->truncated}});
  }
  // What a content read shows leaves the machine: it is recorded, once for a file and not for each of its ranges.
  const std::string_view range = call.request->header("Range");
  if (call.request->method == "GET" && (range.empty() || range.starts_with("bytes=0-")))
    co_await audit(call, "files.read", *path, audit::Outcome::ok, "");
  co_return file_response(call.http(), *path, std::move(std::get<files::OpenFile>(*looked)));
}

}  // namespace ccd::api
