// Errors as values: few kinds, returned, wrapped with the step's name, translated to a status once, in api/.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

namespace ccd {

// What the caller can do about it. The table in api/errors.cpp turns each into a status and a code of the API.
enum class ErrorKind {
  invalid,       // the input is wrong; `field` names it
  unauthorized,  // no valid login
  forbidden,     // logged in, but not allowed; says nothing about existence
  not_found,
  conflict,     // exists already, or is no longer in the state that the request assumed
  gone,         // it was there, and can only be had once
  too_large,    // over a named limit
  too_many,     // throttled: try again later
  unavailable,  // a part this needs (tmux, disk, database) does not answer now
  timeout,
  cancelled,  // shutting down, or the peer went away
  io,         // the system call's errno is in `sys`
  corrupt,    // stored data is not what its format says
  internal,
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::internal;
  std::string message;    // for the log and, for kinds that are the caller's doing, for the caller; never a secret
  int sys = 0;            // errno, or 0
  std::string field{};    // the input's name for `invalid`, else empty
  int retry_seconds = 0;  // for `too_many`: when to try again, where that is known; else 0

  // The same error with the failed step's name in front: "open log: Permission denied".
  [[nodiscard]] Error in(std::string_view step) &&;
};

template <class T = void>
using Result = tl::expected<T, Error>;

// An `Error` ready to be returned from a function with any Result type.
[[nodiscard]] tl::unexpected<Error> fail(ErrorKind kind, std::string message);
[[nodiscard]] tl::unexpected<Error> fail_field(std::string field, std::string message);
// From errno as it is at the call: "open /x: No such file or directory". ENOENT becomes not_found, EACCES and EPERM
// forbidden, EEXIST conflict, ENOSPC and EDQUOT unavailable; everything else io.
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string_view step);
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string_view step, int sys);

// For TRY: what a Result that is known to have a value holds; nothing for Result<void>.
template <class R>
typename std::remove_cvref_t<R>::value_type take_value(R&& result) {
  if constexpr (!std::is_void_v<typename std::remove_cvref_t<R>::value_type>) return *std::forward<R>(result);
}

}  // namespace ccd

// TRY(e): e's value, or return its error from this function. CO_TRY: the same in a coroutine. Never with co_await inside:
// g++ 12 crashes on it (see docs/decisions/0003); await into a variable first.
#define TRY(...)                                                  \
  __extension__({                                                 \
    auto&& ccd_try_result = (__VA_ARGS__);                        \
    if (!ccd_try_result) [[unlikely]]                             \
      return ::tl::unexpected(std::move(ccd_try_result).error()); \
    ::ccd::take_value(std::move(ccd_try_result));                 \
  })
#define CO_TRY(...)                                                  \
  __extension__({                                                    \
    auto&& ccd_try_result = (__VA_ARGS__);                           \
    if (!ccd_try_result) [[unlikely]]                                \
      co_return ::tl::unexpected(std::move(ccd_try_result).error()); \
    ::ccd::take_value(std::move(ccd_try_result));                    \
  })
