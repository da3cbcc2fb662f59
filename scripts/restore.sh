#!/usr/bin/env bash
# Restores the database from a backup. Refuses a damaged file before anything is touched, and keeps the database that was there.
#
# usage: scripts/restore.sh [--yes] FILE     FILE: dashboard_YYYYMMDD_HHMMSS.db.gz, or `latest` for the newest that is good
#        scripts/restore.sh --list
#
# The dashboards are stopped meanwhile; the agents in tmux go on, and their records are not in the database: they stay. Then health is checked.
# --yes asks nothing.
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

yes=
if [ "${1:-}" = --yes ]; then yes=1; shift; fi
if [ "${1:-}" = --list ]; then exec scripts/backup.sh --list; fi
[ $# = 1 ] || die "name one backup (--help)"
wanted=$1
case $wanted in -*) die "unknown option $wanted (--help)" ;; esac
need_engine
case $wanted in latest|/*) ;; *) [ ! -f "$called_from/$wanted" ] || wanted=$called_from/$wanted ;; esac

id=$(container_of backup)
[ -n "$id" ] || die "the stack has never run here: docker-compose up -d first, so that its volumes are there"
was_running=()
for service in dashboard dashboard-green; do
  if is_running "$(container_of "$service")"; then was_running+=("$service"); fi
done
# Programs of the image on the stack's volumes, without a network. `run` of compose would start what the service depends on.
image=$(docker inspect -f '{{.Config.Image}}' "$id")
tool() {
  docker run --rm -i --network none --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges --volumes-from "$id" \
    -e DATA_DIR=/app/data -e DATABASE_PATH=/app/data/dashboard.db -e BACKUP_DIR=/backups "$image" "$@"
}

if [ "$wanted" = latest ]; then
  wanted=
  while read -r candidate; do
    if tool dashboard check "$candidate" >/dev/null 2>&1; then wanted=$candidate; break; fi
    say "not good, going on to the one before: $candidate"
  done < <(tool sh -c 'ls -1r /backups/dashboard_*.db.gz 2>/dev/null')
  [ -n "$wanted" ] || die "there is no good backup"
elif [ -f "$wanted" ]; then
  # A file of the host goes in by standard input; whatever it is called there, nothing of its name is trusted.
  copy=/backups/.restore-$$.db
  case $wanted in *.gz) copy=$copy.gz ;; esac
  tool sh -c "umask 077; cat >$copy" <"$wanted"
  trap 'tool rm -f "$copy" || true' EXIT
  wanted=$copy
else
  wanted=/backups/${wanted##*/}
fi

step "Checking $wanted"
tool dashboard check "$wanted" || die "the backup is damaged or not there; nothing has been changed (scripts/restore.sh --list shows others)"

if [ -z "$yes" ]; then
  read -r -p "Replace the database by this backup? What happened since is then only in the kept file. [y/N] " answer
  case $answer in y|Y|yes) ;; *) die "nothing has been changed" ;; esac
fi

step "Stopping the dashboards (agents go on)"
for service in "${was_running[@]}"; do docker stop -t 15 "$(container_of "$service")" >/dev/null; done

step "Restoring"
code=0
tool dashboard restore "$wanted" || code=$?

step "Starting the dashboards"
for service in "${was_running[@]}"; do docker start "$(container_of "$service")" >/dev/null; done
[ $code = 0 ] || die "restoring failed (code $code); the database is as it was"
if [ ${#was_running[@]} -gt 0 ]; then
  wait_until 60 is_healthy "$(stack_url)" || die "restored, but $(stack_url)/health is not healthy: docker-compose logs dashboard"
  say "restored; $(stack_url)/health is healthy"
else
  say "restored; no dashboard ran before, so none was started: docker-compose up -d"
fi
