#!/bin/bash
# Starts the dashboard in its container, with the pane programs of its own version under the path at which the agents' container has them too.
set -euo pipefail
version=$(sha256sum /app/pane-tap /app/pane-start | sha256sum | cut -c1-16)
if [ -x "/app/taps/$version/pane-tap" ]; then
  export PANE_TAP=/app/taps/$version/pane-tap PANE_START=/app/taps/$version/pane-start
elif [ -d /app/taps ] && mountpoint -q /app/taps; then
  echo "dashboard: /app/taps/$version is missing; the service \`prepare\` puts it there: docker-compose up -d prepare" >&2
  exit 78
fi
exec /app/dashboard "$@"
