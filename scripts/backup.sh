#!/usr/bin/env bash
# Backs up the database: an online copy, checked, compressed, restored on trial and only then published as dashboard_YYYYMMDD_HHMMSS.db.gz.
#
# usage: scripts/backup.sh               on the host (asks the service `backup`) or in it: docker-compose exec backup /scripts/backup.sh
#        scripts/backup.sh --schedule    what the service runs: one at once when the newest is older than BACKUP_INTERVAL, then for ever
#        scripts/backup.sh --list        what there is, newest last
#
# BACKUP_INTERVAL: 24h unless set (also 90m, 30s, 7d); BACKUP_KEEP: how many are kept. The dashboard does the work: `dashboard backup`.
set -euo pipefail
case ${1:-} in
  -h|--help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; exit 0 ;;
  ''|--schedule|--list) ;;
  *) echo "backup: unknown argument $1 (--help)" >&2; exit 2 ;;
esac
[ $# -le 1 ] || { echo "backup: too many arguments (--help)" >&2; exit 2; }

folder=${BACKUP_DIR:-/backups}
# A failed backup is tried again soon: the next regular one may be a day away.
readonly retry_seconds=600

note() { printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2"; }

seconds_of() { # 24h, 90m, 30s, 7d
  local number=${1%[smhd]}
  if ! [[ $number =~ ^[1-9][0-9]*$ ]]; then
    echo "backup: BACKUP_INTERVAL must be like 24h, 90m or 7d, not '$1'" >&2
    exit 78
  fi
  case $1 in *m) echo $((number * 60)) ;; *h) echo $((number * 3600)) ;; *d) echo $((number * 86400)) ;; *) echo "$number" ;; esac
}
newest() { find "$folder" -maxdepth 1 -name 'dashboard_*.db.gz' -printf '%T@ %p\n' 2>/dev/null | sort -n | tail -1; }
age_seconds() { # of the newest; a large number when there is none
  local line
  line=$(newest)
  if [ -z "$line" ]; then echo 999999999; else echo $(($(date +%s) - ${line%%.*})); fi
}

one_backup() {
  local out code=0
  out=$(dashboard backup 2>&1) || code=$?
  if [ $code = 0 ]; then note INFO "backup: published $out"
  else
    note ERROR "backup failed (code $code): $out"
    return 1
  fi
}

schedule() {
  local interval rest
  interval=$(seconds_of "${BACKUP_INTERVAL:-24h}")
  note INFO "backup: every ${BACKUP_INTERVAL:-24h} into $folder, the newest ${BACKUP_KEEP:-30} are kept"
  trap 'note INFO "backup: stopping"; exit 0' TERM INT
  while :; do
    rest=$((interval - $(age_seconds)))
    if [ $rest -gt 0 ]; then :
    # A stack that has just been made has no database yet: the dashboard makes it in the next seconds.
    elif [ ! -s "${DATABASE_PATH:-/app/data/dashboard.db}" ]; then rest=2
    elif one_backup; then rest=$interval
    else rest=$((retry_seconds < interval ? retry_seconds : interval))
    fi
    # In the background, so that SIGTERM ends the wait at once.
    sleep "$rest" & wait $!
  done
}

if command -v dashboard >/dev/null && [ -n "${DATABASE_PATH:-}" ]; then
  case ${1:-} in
    --schedule) schedule ;;
    --list) find "$folder" -maxdepth 1 -name 'dashboard_*.db.gz' -printf '%TY-%Tm-%Td %TH:%TM  %10s  %p\n' | sort ;;
    "") one_backup ;;
  esac
  exit
fi

# On the host: the same script in the service.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
need_engine
id=$(container_of backup)
is_running "$id" || die "the service backup does not run: docker-compose up -d backup"
exec docker exec "$id" /scripts/backup.sh "$@"
