// The JSON of transcripts, written as text: pages are large, and made on the pool. docs/openapi.yaml is the contract.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agents/transcripts.hpp"
#include "claude/transcript.hpp"
#include "claude/transcript_file.hpp"
#include "claude/transcript_search.hpp"

namespace ccd::api {

// Of what the client writes for itself a page shows that it is there; who wants to read it asks for its line.
inline constexpr std::size_t kNotedBytes = 512;

enum class Detail { page, whole };
// A JSON array. `limits` are those that the entries were read with.
std::string entries_json(const std::vector<claude::Entry>& entries, Detail detail);
std::string page_json(const claude::Page& page, std::string_view file);
std::string search_json(const claude::SearchPage& page);
std::string facts_json(const agents::FactsAnswer& answer);
std::string no_transcript_json(const agents::NoTranscript& none);

}  // namespace ccd::api
