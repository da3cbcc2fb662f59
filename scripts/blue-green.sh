#!/usr/bin/env bash
# Upgrades the running dashboard to another version without a pause that people notice; the agents and the typists go on.
#
# usage: scripts/blue-green.sh TAG [--soak SECONDS] [--no-smoke]
#        scripts/blue-green.sh switch blue|green     send visitors to the one or the other, which takes the database over
#        scripts/blue-green.sh status
#
# Green (dashboard-green, port 3001) comes up with TAG and waits, healthy. Visitors are sent to it by one file (run/nginx/upstream.conf) and a reload of nginx; it
# takes the database over; pages reconnect by themselves and go on at their offset. It is watched for SECONDS (5). Then blue gets TAG too, takes over again,
# and green ends: the stack is as before, one version later. Whatever goes wrong on the way, the old version goes on serving (exit code 1).
# Green runs for longer with --soak 300: until then the old version stands by. GREEN_HEALTH_SECONDS: how long it may take to become healthy (60).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

# A dashboard that is not healthy by then is not going to be.
readonly health_seconds=${GREEN_HEALTH_SECONDS:-60}
# Handing over takes some hundred milliseconds; a holder that does not let go keeps the database.
readonly handover_seconds=10

blue_url() { printf 'http://localhost:%s' "$(stack_setting BLUE_PORT 3002)"; }
green_url() { printf 'http://localhost:%s' "$(stack_setting GREEN_PORT 3001)"; }
service_of() { case $1 in blue) echo dashboard ;; green) echo dashboard-green ;; *) die "blue or green, not '$1'" ;; esac; }
active_color() { if grep -q 'active dashboard-green;' run/nginx/upstream.conf 2>/dev/null; then echo green; else echo blue; fi; }
url_of() { "$1_url"; }
ready() { curl -fsS -o /dev/null --max-time 2 "$1/health/ready" 2>/dev/null; }

reload_nginx() {
  local id
  id=$(container_of nginx)
  is_running "$id" || die "nginx does not run: docker-compose up -d nginx"
  docker exec "$id" nginx -e stderr -t -q && docker exec "$id" nginx -e stderr -s reload
}
point_to() { # COLOR: one file and a reload; nginx goes on as before when it does not take the file
  local other=blue
  [ "$1" = green ] || other=green
  mkdir -p run/nginx
  rm -f run/nginx/.upstream.old
  [ ! -f run/nginx/upstream.conf ] || cp run/nginx/upstream.conf run/nginx/.upstream.old
  cat >run/nginx/.upstream.new <<END
# Written by scripts/blue-green.sh: who gets the visitors.
set \$active $(service_of "$1");
set \$other $(service_of "$other");
END
  mv run/nginx/.upstream.new run/nginx/upstream.conf
  if reload_nginx; then return; fi
  if [ -f run/nginx/.upstream.old ]; then mv run/nginx/.upstream.old run/nginx/upstream.conf; else rm -f run/nginx/upstream.conf; fi
  return 1
}
switch_to() { # COLOR: visitors go there, and it has the database; true when it serves
  point_to "$1" || return 1
  if ! ready "$(url_of "$1")"; then
    docker exec "$(container_of "$(service_of "$1")")" dashboard hand-over --wait $handover_seconds >&2 || true
  fi
  wait_until $handover_seconds ready "$(url_of "$1")"
}
start_with() { # SERVICE TAG: that service alone, replaced if need be
  # IMAGE_TAG of .env or the shell does not count here.
  IMAGE_TAG=$2 compose up -d --no-deps --no-build "$1" >&2
  bound_processes "$1"
}
end_green() {
  local id
  id=$(container_of dashboard-green)
  [ -z "$id" ] || { docker stop -t 15 "$id" >/dev/null && docker rm -f "$id" >/dev/null; }
}
tag_of() { # CONTAINER: the tag that it runs
  docker inspect -f '{{.Config.Image}}' "$1" 2>/dev/null | sed 's/.*://'
}

status() {
  local color id
  for color in blue green; do
    id=$(container_of "$(service_of $color)")
    if is_running "$id"; then
      printf '%-6s %-10s %-9s %s%s\n' $color "$(tag_of "$id")" "$(health_word "$(url_of $color)")" \
        "$(if ready "$(url_of $color)"; then echo serves; else echo 'stands by'; fi)" "$(if [ "$(active_color)" = $color ]; then echo ', gets the visitors'; fi)"
    else printf '%-6s does not run\n' $color
    fi
  done
}

# The old version again, in blue, with the visitors and the database.
back_to_blue() { # WHY
  say "blue-green: $1; going back"
  local old_id
  old_id=$(container_of dashboard)
  is_running "$old_id" || docker start "$old_id" >/dev/null 2>&1 || start_with dashboard "$old_tag"
  # Green is ended first: what is broken must not hold the database.
  point_to blue || true
  end_green
  wait_until $handover_seconds ready "$(blue_url)" || wait_until "$health_seconds" ready "$(blue_url)" || die "blue does not serve either: docker-compose logs dashboard"
  die "the upgrade to $tag was taken back: $1. $old_tag serves."
}

watched() { # SECONDS: whether green itself serves and stays healthy for so long (through nginx blue would answer for a green that is gone)
  local until=$((SECONDS + $1))
  while
    serves_well "$(green_url)" || { sleep 0.5; serves_well "$(green_url)" || return 1; }
    [ $SECONDS -lt $until ]
  do sleep 0.5; done
}
serves_well() { ready "$1" && is_healthy "$1"; }

# After an upgrade by hand green serves and blue may be gone: first the usual state again, with green's version in blue.
come_home() {
  local green
  green=$(container_of dashboard-green)
  if [ "$(active_color)" = blue ] || ! is_running "$green"; then return; fi
  step "Green serves: blue gets its version and takes over"
  start_with dashboard "$(tag_of "$green")"
  wait_until "$health_seconds" is_healthy "$(blue_url)" || die "blue is not healthy; green goes on serving"
  switch_to blue || die "blue did not take over; scripts/blue-green.sh status"
  end_green
}

upgrade() {
  docker image inspect "claude-code-dashboard:$tag" >/dev/null 2>&1 || die "there is no image claude-code-dashboard:$tag: scripts/deploy.sh builds or pulls it"
  come_home
  is_running "$(container_of dashboard)" || die "the dashboard does not run: scripts/deploy.sh starts it"
  old_tag=$(tag_of "$(container_of dashboard)")

  step "Backup before the upgrade"
  scripts/backup.sh >&2 || die "no backup, no upgrade"

  step "Green comes up with $tag"
  IMAGE_TAG=$tag compose run --rm --no-deps -T prepare >&2
  end_green
  start_with dashboard-green "$tag" || die "green could not be started; blue goes on"
  if ! wait_until "$health_seconds" is_healthy "$(green_url)"; then
    docker logs --tail 5 "$(container_of dashboard-green)" >&2 || true
    end_green
    die "green with $tag is not healthy within $health_seconds s and was removed; $old_tag serves on, nothing was switched"
  fi

  step "Visitors to green"
  switch_to green || back_to_blue "green did not take over"
  is_healthy "$(stack_url)" || back_to_blue "not healthy through nginx"
  if [ -n "$smoke" ]; then scripts/smoke-tests.sh "$(stack_url)" >run/smoke.log 2>&1 || { [ $? = 3 ] || { grep FAIL run/smoke.log >&2; back_to_blue "smoke tests failed (run/smoke.log)"; }; }; fi
  [ "$soak" = 0 ] || say "watching green for $soak s; the old version stands by"
  watched "$soak" || back_to_blue "green did not stay healthy"

  step "Blue gets $tag too"
  start_with dashboard "$tag" || die "blue could not be replaced: green with $tag goes on serving; docker-compose logs dashboard"
  wait_until "$health_seconds" is_healthy "$(blue_url)" || die "blue with $tag is not healthy: green with $tag goes on serving; docker-compose logs dashboard"
  if ! switch_to blue || ! serves_well "$(blue_url)"; then
    point_to green
    die "blue did not take over: green with $tag goes on serving"
  fi
  end_green
  is_healthy "$(stack_url)" || die "$(stack_url)/health is not healthy"
  record_deployment "$(deployed_environment | grep . || echo production)" "$tag"
  say "blue-green: $tag serves (was $old_tag)"
}

tag='' soak=5 smoke=1
case ${1:-} in
  status) need_engine; status; exit ;;
  switch)
    need_engine
    case ${2:-} in blue|green) ;; *) die "to blue or to green? scripts/blue-green.sh switch green" ;; esac
    take_lock
    is_running "$(container_of "$(service_of "$2")")" || die "$2 does not run, so nothing was switched: docker-compose up -d $(service_of "$2")"
    is_healthy "$(url_of "$2")" || die "$2 is not healthy, so nothing was switched: docker-compose logs $(service_of "$2")"
    switch_to "$2" || die "$2 does not serve: scripts/blue-green.sh status"
    status
    exit ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    --soak) soak=${2:-}; [[ $soak =~ ^[0-9]+$ ]] || die "--soak takes a number of seconds"; shift 2 ;;
    --no-smoke) smoke=; shift ;;
    -*) die "unknown option $1 (--help)" ;;
    *) [ -z "$tag" ] || die "one tag, not two: $tag and $1 (--help)"; tag=$1; shift ;;
  esac
done
[ -n "$tag" ] || die "which version? scripts/blue-green.sh v1.0.1 (--help)"
need_engine
# deploy.sh holds the lock already when it calls this.
[ -n "${DEPLOY_LOCKED:-}" ] || take_lock
upgrade
