#!/usr/bin/env bash
# Checks a running dashboard from outside, as a visitor and as a person who works with it, and says what was checked.
#
# usage: scripts/smoke-tests.sh URL            for example scripts/smoke-tests.sh http://localhost:3000
#
# What needs a login uses SMOKE_USER and SMOKE_PASSWORD, or, where the stack runs on this machine, an account `smoke-...` of the role member that it makes once:
# its random password is in run/smoke-account (mode 600).
# The terminal check starts a shell in the first project folder, types into it over the socket, and ends it. Needs bash and curl.
# Exit code 0: all passed; 1: something failed; 3: nothing failed, but checks were left out for want of an account.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"
[ $# = 1 ] || die "usage: scripts/smoke-tests.sh URL (--help)"
url=${1%/}
[[ $url =~ ^(https?)://([^/:]+|\[[0-9a-f:]+\])(:([0-9]+))?$ ]] || die "not an address: $url (for example http://localhost:3000)"
scheme=${BASH_REMATCH[1]} host=${BASH_REMATCH[2]} port=${BASH_REMATCH[4]:-}
[ -n "$port" ] || { if [ "$scheme" = https ]; then port=443; else port=80; fi; }

passed=0 failed=0 skipped=0
work=$(mktemp -d)
session='' token=''
cleanup() {
  if [ -n "$session" ]; then api DELETE "/api/sessions/$session" >/dev/null 2>&1 || true; fi
  if [ -n "$session" ]; then api PATCH "/api/sessions/$session" '{"archived":true}' >/dev/null 2>&1 || true; fi
  rm -rf "$work"
}
trap cleanup EXIT

ok() { passed=$((passed + 1)); printf 'ok    %s\n' "$1"; }
bad() { failed=$((failed + 1)); printf 'FAIL  %s: %s\n' "$1" "$2"; }
left_out() { skipped=$((skipped + 1)); printf 'skip  %s: %s\n' "$1" "$2"; }
expect() { # WHAT WANTED GOT
  if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "expected $2, got ${3:-nothing}"; fi
}

# Status to standard output; headers and body into the work folder. The token goes in by a file: arguments are for everybody to read.
api() { # METHOD PATH [JSON] [curl options...]
  local method=$1 path=$2 json=${3:-}
  shift $(($# < 3 ? $# : 3))
  local options=(-sS --max-time 15 --path-as-is -X "$method" -D "$work/headers" -o "$work/body" -w '%{http_code}')
  if [ -n "$token" ]; then
    printf 'header = "Authorization: Bearer %s"\n' "$token" >"$work/curlrc"
    options+=(-K "$work/curlrc")
  fi
  if [ -n "$json" ]; then options+=(-H 'Content-Type: application/json' --data-binary @-); fi
  printf '%s' "$json" | curl "${options[@]}" "$@" "$url$path" 2>"$work/error" || true
}
body() { cat "$work/body" 2>/dev/null || true; }
field() { body | grep -o "\"$1\" *: *\"[^\"]*\"" | head -1 | sed 's/.*: *"//; s/"$//'; }

check_health() {
  expect "GET /health answers 200" 200 "$(api GET /health)"
  local text want
  text=$(body)
  for want in '"status" *: *"healthy"' '"server" *: *"ok"' '"database" *: *"ok"' '"tmux" *: *"ok"' '"uptime" *: *[0-9]' \
    '"timestamp" *: *"[0-9-]*T[0-9:.]*Z"' '"version" *: *"[0-9]'; do
    if grep -q "$want" <<<"$text"; then ok "/health has $(sed 's/ \*//g; s/\[.*//' <<<"$want")"; else bad "/health has $want" "$text"; fi
  done
  expect "GET /health/live answers 200" 200 "$(api GET /health/live)"
}

check_page() {
  expect "the page is served" 200 "$(api GET /)"
  local asset
  asset=$(body | grep -o '/assets/[A-Za-z0-9_.-]*\.js' | head -1)
  if [ -n "$asset" ]; then expect "its script is served" 200 "$(api GET "$asset")"; else bad "its script is named" "no /assets/*.js in the page"; fi
  api GET / >/dev/null
  if grep -qi "^content-security-policy: .*default-src 'none'" "$work/headers"; then ok "the page carries a content security policy"; else bad "content security policy" "absent"; fi
}

check_strangers() {
  expect "no token: 401" 401 "$(api GET /api/sessions)"
  token=expired-token
  expect "a token that is none: 401" 401 "$(api GET /api/sessions)"
  # A well-formed token that has expired (and that nobody signed).
  token=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxIiwiZXhwIjoxfQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA
  expect "an expired token: 401" 401 "$(api GET /api/sessions)"
  token=
  # No wrong password here: failed logins slow down everybody who comes from the same address.
  expect "a login without a password: 400" 400 "$(api POST /api/auth/login '{"name":"nobody-at-all","transport":"bearer"}')"
  local status
  status=$(api GET /ws '' -H 'Connection: Upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==' \
    -H 'Origin: https://elsewhere.example' --http1.1)
  if [ "$status" = 401 ] || [ "$status" = 403 ]; then ok "a socket from elsewhere is refused ($status)"; else bad "a socket from elsewhere" "got $status"; fi
  status=$(api GET /health '' -H 'Host: elsewhere.example')
  if [ "$status" = 421 ] || [ "$status" = 403 ] || [ "$status" = 400 ]; then ok "a foreign Host is refused ($status)"; else bad "a foreign Host" "got $status"; fi
}

try_login() { # NAME PASSWORD
  [ "$(api POST /api/auth/login "{\"name\":\"$1\",\"password\":\"$2\",\"transport\":\"bearer\"}")" = 200 ] && token=$(field access_token) && [ -n "$token" ]
}
log_in() {
  local name=${SMOKE_USER:-} password=${SMOKE_PASSWORD:-}
  if [ -z "$name" ]; then
    if ! command -v docker >/dev/null || [ -z "$(container_of dashboard 2>/dev/null)$(container_of dashboard-green 2>/dev/null)" ]; then return 1; fi
    # A database that was restored may not know it, or not any more.
    if [ -f run/smoke-account ] && read -r name password <run/smoke-account && try_login "$name" "$password"; then ok "login"; return; fi
    name=smoke-$(head -c 4 /dev/urandom | od -An -tx1 | tr -d ' \n')
    password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
    if ! printf '%s\n' "$password" | in_dashboard dashboard user add "$name" --role member >"$work/added" 2>&1; then
      bad "an account for the checks" "$(tail -1 "$work/added")"
      return 1
    fi
    mkdir -p run
    (umask 077; printf '%s %s\n' "$name" "$password" >run/smoke-account)
  fi
  if try_login "$name" "$password"; then ok "login"; else bad "login" "$(body)"; return 1; fi
}

# --- the terminal socket, spoken over /dev/tcp: one text frame to open, one binary frame to type -----------------------------------

byte() { printf '%b' "\\x$(printf %02x "$1")"; }
# A client's frame: masked, with a mask of zeros, which leaves the bytes as they are. OPCODE LENGTH, then the payload.
frame_head() {
  byte $((128 + $1))
  if [ "$2" -lt 126 ]; then byte $((128 + $2)); else byte 254; byte $(($2 / 256)); byte $(($2 % 256)); fi
  printf '\0\0\0\0'
}
check_terminal() {
  expect "the list of sessions" 200 "$(api GET /api/sessions)"
  expect "the list of projects" 200 "$(api GET /api/projects)"
  local project ticket
  project=$(body | grep -o '"roots" *: *\["[^"]*"' | sed 's/.*\["//; s/"$//')
  expect "a session starts" 201 "$(api POST /api/sessions "{\"name\":\"smoke-$$\",\"project\":\"$project\",\"command\":[\"/bin/sh\"],\"cols\":80,\"rows\":24}")"
  session=$(field id)
  [ -n "$session" ] || return 0
  if [ "$scheme" != http ]; then left_out "typing over the terminal socket" "only over http in this script"; return; fi
  expect "a ticket for the socket" 200 "$(api POST /api/ws-ticket '{}' -H "Origin: $url")"
  ticket=$(field ticket)
  exec 8<>"/dev/tcp/$host/$port"
  printf 'GET /ws HTTP/1.1\r\nHost: %s:%s\r\nOrigin: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ccd.v1, ticket.%s\r\n\r\n' \
    "$host" "$port" "$url" "$ticket" >&8
  # Without descriptor 9, the lock of a deployment that calls this: it must not outlive that.
  timeout 15 cat <&8 >"$work/socket" 2>/dev/null 9>&- &
  local reader=$! open typed
  open="{\"type\":\"open\",\"channel\":1,\"session\":\"$session\",\"client\":\"$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')\",\"cols\":80,\"rows\":24,\"from\":0}"
  # What is typed is not what is looked for: the answer has to be worked out by the shell in the pane.
  typed=$'echo smoke-$((6*7))\n'
  if wait_until 10 grep -aq '"type":"hello"' "$work/socket"; then
    ok "the terminal socket opens"
    { frame_head 1 ${#open}; printf '%s' "$open"; } >&8
    wait_until 10 grep -aq '"type":"opened"' "$work/socket" || true
    # type 3 (input), channel 1, number 1, both little-endian: docs/protocol.md
    { frame_head 2 $((13 + ${#typed})); printf '\3\1\0\0\0\1\0\0\0\0\0\0\0%s' "$typed"; } >&8
    if wait_until 10 grep -aq 'smoke-42' "$work/socket"; then ok "what is typed reaches the shell, and its answer comes back"
    else bad "typing over the terminal socket" "no answer within 10 s"
    fi
  else
    bad "the terminal socket opens" "$(head -1 "$work/socket" | tr -d '\r')"
  fi
  exec 8>&-
  kill "$reader" 2>/dev/null || true
  expect "the session ends" 204 "$(api DELETE "/api/sessions/$session")"
  archived() { [ "$(api PATCH "/api/sessions/$session" '{"archived":true}')" = 200 ]; }
  if wait_until 10 archived; then session=; ok "it leaves the list"; else bad "it leaves the list" "$(body)"; fi
}

check_files() {
  local path status
  for path in '../../../etc/passwd' '/etc/passwd' '/srv/projects/../../etc/passwd' '/srv/projects/..%2f..%2fetc/passwd' '/proc/self/environ' '/app/data/dashboard.db'; do
    status=$(api GET "/api/files?path=$path")
    if [[ $status =~ ^(400|403)$ ]] && ! grep -q 'root:' "$work/body"; then ok "files: $path is refused ($status)"; else bad "files: $path" "got $status"; fi
  done
  expect "files: the roots are listed" 200 "$(api GET /api/files)"
}

echo "Smoke tests of $url"
check_health
check_page
check_strangers
if log_in; then
  check_terminal
  check_files
  expect "logout" 204 "$(api POST /api/auth/logout '{}')"
  expect "the token is dead after it" 401 "$(api GET /api/sessions)"
elif [ $failed = 0 ]; then
  left_out "login, sessions, terminal socket, files" "no account: set SMOKE_USER and SMOKE_PASSWORD"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] || exit 1
[ $skipped = 0 ] || [ "$scheme" = https ] || exit 3
