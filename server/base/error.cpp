#include "base/error.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace ccd {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid: return "invalid";
    case ErrorKind::unauthorized: return "unauthorized";
    case ErrorKind::forbidden: return "forbidden";
    case ErrorKind::not_found: return "not_found";
    case ErrorKind::conflict: return "conflict";
    case ErrorKind::gone: return "gone";
    case ErrorKind::too_large: return "too_large";
    case ErrorKind::too_many: return "too_many";
    case ErrorKind::unavailable: return "unavailable";
    case ErrorKind::timeout: return "timeout";
    case ErrorKind::cancelled: return "cancelled";
    case ErrorKind::io: return "io";
    case ErrorKind::corrupt: return "corrupt";
    case ErrorKind::internal: return "internal";
  }
  return "internal";
}

Error Error::in(std::string_view step) && {
  message.insert(0, ": ");
  message.insert(0, step);
  return std::move(*this);
}

tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected(Error{.kind = kind, .message = std::move(message)});
}

tl::unexpected<Error> fail_field(std::string field, std::string message) {
  return tl::unexpected(
      Error{.kind = ErrorKind::invalid, .message = std::move(message), .sys = 0, .field = std::move(field)});
}

namespace {
ErrorKind kind_of(int sys) {
  switch (sys) {
    case ENOENT: return ErrorKind::not_found;
    case EACCES:
    case EPERM: return ErrorKind::forbidden;
    case EEXIST: return ErrorKind::conflict;
    case ENOSPC:
    case EDQUOT: return ErrorKind::unavailable;
    case ETIMEDOUT: return ErrorKind::timeout;
    default: return ErrorKind::io;
  }
}
}  // namespace

tl::unexpected<Error> fail_errno(std::string_view step) { return fail_errno(step, errno); }

tl::unexpected<Error> fail_errno(std::string_view step, int sys) {
  return tl::unexpected(Error{
      .kind = kind_of(sys), .message = std::string(step) + ": " + std::generic_category().message(sys), .sys = sys});
}

}  // namespace ccd
