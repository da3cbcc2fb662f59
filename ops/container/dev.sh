#!/bin/bash
# The dashboard of the dev stack: runs the checkout's own build, and starts it anew whenever that changes.
set -euo pipefail
program=/checkout/build/server/dashboard page=/checkout/page/index.html

# A development secret of this stack alone, made once, where .env has none. Production never comes here.
if [ -z "${JWT_SECRET:-}" ]; then
  secret_file=/app/data/development-jwt-secret
  [ -s "$secret_file" ] || (umask 077; head -c 48 /dev/urandom | base64 -w0 >"$secret_file")
  JWT_SECRET=$(cat "$secret_file")
  export JWT_SECRET
fi

state() { stat -c '%n %i %Y %s' "$program" "$page" 2>/dev/null || true; }
ready() { [ -x "$program" ] && [ -f "$page" ] && "$program" --version >/dev/null 2>&1; }

child=
trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null; wait; exit 0' TERM INT
told=
while :; do
  if ! ready; then
    [ -n "$told" ] || echo "dev: waiting for a build (npm run build, or the service builder: docker-compose logs builder)" >&2
    told=yes
    sleep 1 & wait $! || true
    continue
  fi
  running=$(state)
  "$program" &
  child=$!
  # Unchanged and alive: nothing to do. A linker writes for a while: only a build that has been at rest for two looks is taken.
  while kill -0 "$child" 2>/dev/null; do
    sleep 1 & wait $! || true
    now=$(state)
    [ "$now" = "$running" ] && continue
    sleep 1 & wait $! || true
    if [ "$now" = "$(state)" ] && ready; then
      echo "dev: the build has changed, starting it" >&2
      kill -TERM "$child" 2>/dev/null || true
      break
    fi
  done
  wait "$child" || echo "dev: the dashboard ended with code $?" >&2
  child=
  sleep 1 & wait $! || true
done
