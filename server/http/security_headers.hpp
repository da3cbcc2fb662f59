// The headers that every answer carries, whatever the handler said.
#pragma once

#include <string_view>

namespace ccd::http {

// Scripts only from our own files and no eval. Styles also inline: xterm.js writes <style> elements and style attributes for its
// scrollbar and for the DOM renderer it falls back to without WebGL, and has no nonce for them. data: and blob: images are previews.
// connect-src 'self' covers the WebSocket of the same origin. A handler may set a stricter policy of its own.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'";

// No sensor, camera or payment; the clipboard stays with the browser's own questions.
inline constexpr std::string_view kPermissionsPolicy =
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()";

}  // namespace ccd::http
