// Routes of transcripts: pages, whole lines and their images, searches, facts, subagents; and the terminal of a moment.
#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <variant>

#include "api/api.hpp"
#include "api/wire.hpp"
#include "api/wire_transcript.hpp"
#include "base/encoding.hpp"
#include "terminal/rows.hpp"

namespace ccd::api {

namespace json = boost::json;

namespace {

constexpr std::uint64_t kDefaultLines = 100;

// What a browser may show as a picture; everything else is a file to save.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPictures{
    {{"image/png", "png"}, {"image/jpeg", "jpg"}, {"image/gif", "gif"}, {"image/webp", "webp"}}};

enum class From { newest, before, offset, time };
struct PageQuery {
  From from = From::newest;
  std::uint64_t offset = 0;
  std::size_t lines = kDefaultLines;
};

Result<PageQuery> page_query(const http::Request& request) {
  PageQuery query;
  query.lines = TRY(query_number(request, "limit", kDefaultLines, claude::kPageLinesMax));
  if (query.lines == 0) return fail_field("limit", "limit must be at least 1");
  int given = 0;
  for (const auto& [name, from] :
       {std::pair{"before", From::before}, std::pair{"from", From::offset}, std::pair{"at", From::time}}) {
    if (!request.query(name)) continue;
    query.from = from;
    query.offset = TRY(query_number(request, name, 0, INT64_MAX));
    ++given;
  }
  if (given > 1) return fail(ErrorKind::invalid, "send one of before, from and at");
  return query;
}

Result<claude::Page> read_page(claude::TranscriptFile& file, const PageQuery& query) {
  switch (query.from) {
    case From::newest: return file.page_before(UINT64_MAX, query.lines);
    case From::before: return file.page_before(query.offset, query.lines);
    case From::offset: return file.page_from(query.offset, query.lines);
    case From::time: break;
  }
  const std::uint64_t offset = TRY(file.offset_of_time(static_cast<WallMicros>(query.offset)));
  return file.page_from(offset, query.lines);
}

// The standard alphabet with padding, as the API's messages have it.
std::optional<std::string> decode(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  const auto bytes = base64url_decode(text);
  return bytes ? std::optional(std::string(as_text(*bytes))) : std::nullopt;
}

http::Response media_response(std::string_view media_type, std::string bytes) {
  http::Response response;
  const auto picture = std::ranges::find(kPictures, media_type, [](const auto& row) { return row.first; });
  const bool shown = picture != kPictures.end();
  response.set_header("Content-Type", shown ? std::string(picture->first) : "application/octet-stream");
  response.set_header("Content-Disposition", shown ? "inline; filename=\"image." + std::string(picture->second) + "\""
                                                   : "attachment; filename=\"document\"");
  // Never a page of ours, whatever is in it.
  response.set_header("Content-Security-Policy", "default-src 'none'; sandbox");
  response.body = std::move(bytes);
  return response;
}

// What the trail has to know of an answer: nothing when there was nothing to read.
template <class Value>
std::optional<audit::Outcome> outcome_of(const Result<std::variant<agents::NoTranscript, Value>>& answer) {
  if (answer) return std::holds_alternative<Value>(*answer) ? std::optional(audit::Outcome::ok) : std::nullopt;
  return answer.error().kind == ErrorKind::forbidden ? std::optional(audit::Outcome::denied) : std::nullopt;
}

}  // namespace

agents::TranscriptName Api::transcript_of(const Call& call) {
  return {.session = call.request->params.at("id"), .agent = call.http().query("agent").value_or("")};
}

Task<void> Api::note_reading(Call call, agents::TranscriptName name, std::optional<audit::Outcome> outcome) {
  if (!outcome) co_return;
  Reading reading{.who = call.actor().name,
                  .ip = call.request->remote_ip,
                  .session = name.session,
                  .agent = name.agent,
                  .denied = *outcome == audit::Outcome::denied};
  co_await write_reading(std::move(call), std::move(reading));
}

// The socket's viewers have a row for each terminal that they open (session.attach): this is for whoever asks without one.
Task<void> Api::note_terminal(Call call) {
  Reading reading{.who = call.actor().name,
                  .ip = call.request->remote_ip,
                  .session = call.request->params.at("id"),
                  .terminal = true};
  co_await write_reading(std::move(call), std::move(reading));
}

Task<void> Api::write_reading(Call call, Reading reading) {
  if (!recent_reads_.begins(reading)) co_return;
  std::string detail;
  if (!reading.agent.empty()) detail = json::serialize(json::object{{"agent", reading.agent}});
  const audit::Outcome outcome = reading.denied ? audit::Outcome::denied : audit::Outcome::ok;
  std::string action = reading.terminal ? "session.read" : "transcript.read";
  const bool written = co_await audit(std::move(call), std::move(action), reading.session, outcome, std::move(detail));
  if (!written) recent_reads_.forget(reading);
}

Task<Result<http::Response>> Api::transcript_page(Call call) {
  const PageQuery query = CO_TRY(page_query(call.http()));
  auto work = [query](claude::TranscriptFile& file) -> Result<std::string> {
    const std::string identity = TRY(file.identity());
    return page_json(TRY(read_page(file, query)), identity);
  };
  const agents::TranscriptName name = transcript_of(call);
  auto answer = co_await parts_.transcripts->with_file(name, std::move(work));
  co_await note_reading(call, name, outcome_of(answer));
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  if (const auto* none = std::get_if<agents::NoTranscript>(&*answer))
    co_return http::json(200, no_transcript_json(*none));
  co_return http::json(200, std::move(std::get<std::string>(*answer)));
}

Task<Result<http::Response>> Api::transcript_line(Call call) {
  if (!call.http().query("offset")) co_return fail_field("offset", "offset must be where the line begins");
  const std::uint64_t offset = CO_TRY(query_number(call.http(), "offset", 0, INT64_MAX));
  const agents::TranscriptName name = transcript_of(call);
  constexpr std::string_view kNone = "there is no transcript (yet)";
  if (call.http().query("block")) {
    const std::uint64_t entry = CO_TRY(query_number(call.http(), "entry", 0, 1));
    const std::uint64_t block = CO_TRY(query_number(call.http(), "block", 0, claude::kWholeLimits.blocks));
    using Media = std::pair<std::string, std::string>;
    auto work = [offset, entry, block](claude::TranscriptFile& file) -> Result<Media> {
      claude::Media found = TRY(file.media_at(offset, entry, block));
      auto bytes = decode(std::move(found.base64));
      if (!bytes) return fail(ErrorKind::not_found, "the transcript holds no readable data of this image");
      return Media{found.media_type, std::move(*bytes)};
    };
    auto answer = co_await parts_.transcripts->with_file(name, std::move(work));
    co_await note_reading(call, name, outcome_of(answer));
    if (!answer) co_return tl::unexpected(std::move(answer).error());
    if (std::holds_alternative<agents::NoTranscript>(*answer)) co_return fail(ErrorKind::not_found, std::string(kNone));
    auto& [type, bytes] = std::get<Media>(*answer);
    co_return media_response(type, std::move(bytes));
  }
  auto work = [offset](claude::TranscriptFile& file) -> Result<std::string> {
    return "{\"entries\":" + entries_json(TRY(file.line_at(offset)), Detail::whole) + "}";
  };
  auto answer = co_await parts_.transcripts->with_file(name, std::move(work));
  co_await note_reading(call, name, outcome_of(answer));
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  if (std::holds_alternative<agents::NoTranscript>(*answer)) co_return fail(ErrorKind::not_found, std::string(kNone));
  co_return http::json(200, std::move(std::get<std::string>(*answer)));
}

Task<Result<http::Response>> Api::transcript_search(Call call) {
  const std::uint64_t from = CO_TRY(query_number(call.http(), "from", 0, INT64_MAX));
  claude::TranscriptSearch search = CO_TRY(claude::TranscriptSearch::make(call.http().query("q").value_or("")));
  const agents::TranscriptName name = transcript_of(call);
  auto answer = co_await parts_.transcripts->search(name, std::move(search), from);
  co_await note_reading(call, name, outcome_of(answer));
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  if (const auto* none = std::get_if<agents::NoTranscript>(&*answer))
    co_return http::json(200, no_transcript_json(*none));
  co_return http::json(200, search_json(std::get<claude::SearchPage>(*answer)));
}

Task<Result<http::Response>> Api::transcript_facts(Call call) {
  auto answer = co_await parts_.transcripts->facts(transcript_of(call));
  if (!answer) co_return tl::unexpected(std::move(answer).error());
  if (const auto* none = std::get_if<agents::NoTranscript>(&*answer))
    co_return http::json(200, no_transcript_json(*none));
  co_return http::json(200, facts_json(std::get<agents::FactsAnswer>(*answer)));
}

Task<Result<http::Response>> Api::transcript_agents(Call call) {
  const auto found = co_await parts_.transcripts->subagents(call.request->params.at("id"));
  if (!found) co_return tl::unexpected(found.error());
  json::array out;
  for (const agents::Subagent& agent : *found)
    out.push_back({{"id", agent.id},
                   {"tool_id", agent.tool_id},
                   {"type", agent.type},
                   {"description", agent.description},
                   {"bytes", agent.bytes}});
  co_return json_response(200, json::object{{"agents", std::move(out)}});
}

Task<Result<http::Response>> Api::sessions_moment(Call call) {
  if (!call.http().query("at")) co_return fail_field("at", "at must be a time in microseconds since the epoch");
  const std::uint64_t at = CO_TRY(query_number(call.http(), "at", 0, INT64_MAX));
  const auto moment = co_await parts_.hub->moment(call.request->params.at("id"), static_cast<WallMicros>(at));
  if (!moment) co_return tl::unexpected(moment.error());
  co_await note_terminal(call);
  const terminal::Screen& screen = moment->screen;
  const sessions::Thumb shown{
      .size = screen.size(), .cursor = screen.cursor(), .all = true, .rows = terminal::rows_since(screen, 0)};
  json::object out = thumb_json("", shown);
  for (const char* const unneeded : {"type", "session", "all"}) out.erase(unneeded);
  out["offset"] = moment->offset;
  out["at"] = moment->at;
  out["first_at"] = moment->first_at;
  out["last_at"] = moment->last_at;
  out["exact"] = moment->exact;
  co_return json_response(200, out);
}

}  // namespace ccd::api
