// The one place where an error becomes an HTTP status and a code of the API.
#pragma once

#include <string_view>

#include "base/error.hpp"
#include "http/response.hpp"

namespace ccd::api {

// Status and body {"error":{"code","message","field"?}}. Messages of kinds that are not the caller's doing (io, corrupt, internal) are
// replaced by a general one and logged with the request's id.
http::Response error_response(const Error& error, std::string_view request_id);

// "invalid", "unauthorized", ...: the `code` above, also used by the terminal socket.
std::string_view error_code(ErrorKind kind);
// What a client may read of this error.
std::string public_message(const Error& error);

}  // namespace ccd::api
