// The headers that every answer carries, whatever the handler said.
#pragma once

#include <string_view>

namespace ccd::http {

// Scripts only from our own files, no eval, no text that becomes markup. Style attributes are allowed because xterm.js
// sets them for the colours of the DOM renderer that it falls back to without WebGL; style elements are not. data: and
// blob: images are previews. The one policy that may make a trusted address is the service worker's, which knows no other than
// /worker.js. connect-src 'self' covers the WebSocket of the same origin. A handler may set a stricter
// policy of its own.
inline constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: "
    "blob:; "
    "connect-src 'self'; font-src 'self'; worker-src 'self'; manifest-src 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'self'; require-trusted-types-for 'script'; trusted-types service-worker";

// No sensor, camera or payment; the clipboard stays with the browser's own questions.
inline constexpr std::string_view kPermissionsPolicy =
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), "
    "midi=(), payment=(), serial=(), usb=(), xr-spatial-tracking=()";

}  // namespace ccd::http
