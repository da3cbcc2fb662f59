#!/bin/bash
# Builds the checkout at the start and after every change of its sources, for the dev stack.
set -euo pipefail
git config --global --add safe.directory "$PWD" 2>/dev/null || true
# Docker makes a folder that is missing for root; whoever builds as somebody else does without the cache then.
[ -w "${CCACHE_DIR:-/tmp}" ] || export CCACHE_DIR=/tmp/ccache

fingerprint() {
  find server web/src web/build web/public web/index.html web/vite.config.ts ops/tmux.conf cmake CMakeLists.txt CMakePresets.json docs/openapi.yaml \
    package-lock.json -type f -printf '%p %T@ %s\n' 2>/dev/null | sort | sha256sum
}

trap 'exit 0' TERM INT
last=
while :; do
  now=$(fingerprint)
  if [ "$now" != "$last" ]; then
    last=$now
    echo "builder: building"
    if ./dev build; then echo "builder: built"; else echo "builder: ERROR the build failed; it goes on with the next change" >&2; fi
  fi
  sleep 2 & wait $!
done
