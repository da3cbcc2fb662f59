#!/usr/bin/env bash
# The end-of-shift checklist, and the handover note filled with what it found.
#
# usage: scripts/handoff.sh [--hours N] [--pending TEXT] [--next TEXT] [--on-call "NAME PHONE"] [--escalation "NAME PHONE"]
#
# --hours: how far back the log is read (8). The note goes to standard output, the checks to standard error: scripts/handoff.sh > note.txt
# ON_CALL and ESCALATION in the environment are taken where the options are not given. Changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

hours=8 pending='' next='' on_call=${ON_CALL:-} escalation=${ESCALATION:-}
while [ $# -gt 0 ]; do
  case $1 in --hours|--pending|--next|--on-call|--escalation) [ $# -ge 2 ] || die "$1 takes a value (--help)" ;; esac
  case $1 in
    --hours) hours=${2:-}; [[ $hours =~ ^[1-9][0-9]*$ ]] || die "--hours takes a number" ;;
    --pending) pending=${2:-} ;;
    --next) next=${2:-} ;;
    --on-call) on_call=${2:-} ;;
    --escalation) escalation=${2:-} ;;
    *) die "unknown option $1 (--help)" ;;
  esac
  shift 2
done
need_engine

since=$(date -u -d "$hours hours ago" +%Y-%m-%dT%H:%M:%SZ)
logs_since() { # of every container of the stack, read from Docker itself: compose would colour and prefix them
  local id
  for id in $(docker ps -aq --filter "label=com.docker.compose.project=$(project_name)"); do docker logs --since "$since" "$id" 2>&1; done
}
database() { in_dashboard sqlite3 -readonly /app/data/dashboard.db "$1" 2>&1 || true; }

health=$(health_word "$(stack_url)")
logs=$(logs_since)
errors=$(grep -cE '(^| )ERROR( |:)' <<<"$logs" || true)
warnings=$(grep -cE '(^| )WARN( |:)' <<<"$logs" || true)
integrity=$(database 'PRAGMA integrity_check;' | head -1)
active=$(database "SELECT COUNT(*) FROM sessions WHERE status='active';")
folder=$(stack_setting BACKUPS_PATH /mnt/backups)
[ -d "$folder" ] || folder=backups
newest=$(find -L "$folder" -maxdepth 1 -name 'dashboard_*.db.gz' -printf '%T@ %f %s\n' 2>/dev/null | sort -n | tail -1 || true)
backup_hours=
[ -z "$newest" ] || backup_hours=$((($(date +%s) - ${newest%%.*}) / 3600))
disks=$(df -Ph "$(stack_setting DATA_PATH /app/data)" "$folder" 2>/dev/null | awk 'NR > 1 && !seen[$6]++ { printf "%s%s %s used, %s free", s, $6, $5, $4; s = "; " }' || true)
fullest=$(df -P "$(stack_setting DATA_PATH /app/data)" "$folder" 2>/dev/null | awk 'NR > 1 { p = $5 + 0; if (p > m) m = p } END { print m + 0 }' || true)
[ -n "$disks" ] || disks=$(df -Ph . | awk 'NR > 1 { print $6 " " $5 " used, " $4 " free" }')

issues=()
status=Healthy
worse() { # LEVEL WHAT
  issues+=("$2")
  if [ "$1" = Critical ]; then status=Critical; elif [ "$status" = Healthy ]; then status=Warning; fi
}
[ "$health" = healthy ] || worse Critical "health check says ${health:-nothing: it does not answer}"
[ "$integrity" = ok ] || worse Critical "database integrity: ${integrity:-not known}"
[ "$errors" = 0 ] || worse Warning "$errors ERROR lines in the log in $hours h"
if [ -z "$newest" ]; then worse Warning "no backup in $folder"; elif [ "$backup_hours" -ge 26 ]; then worse Warning "the newest backup is $backup_hours h old"; fi
[ "$fullest" -lt 90 ] || worse Warning "a disk is ${fullest}% full"

{
  echo "End-of-shift checklist"
  echo "  health             ${health:-does not answer}"
  echo "  errors in $hours h      $errors (and $warnings warnings)"
  echo "  database           $integrity"
  echo "  newest backup      ${newest:+$(awk '{ print $2 " (" $3 " bytes)" }' <<<"$newest"), $backup_hours h old}${newest:-none in $folder}" | sed 's/ h old[0-9].*/ h old/'
  echo "  disks              $disks"
  echo "  active sessions    $active"
  if [ "$errors" != 0 ]; then
    echo "  newest errors:"
    grep -E '(^| )ERROR( |:)' <<<"$logs" | tail -5 | cut -c1-200 | sed 's/^/    /'
  fi
} >&2

joined=None
[ ${#issues[@]} = 0 ] || joined=$(printf '%s; ' "${issues[@]}" | sed 's/; $//')
cat <<END
$(date '+%Y-%m-%d %H:%M %Z') - Shift Handoff

Status: $status
Session Count: ${active:-not known} active sessions
Recent Issues: $joined
Pending: ${pending:-None}
Next Scheduled Maintenance: ${next:-$(date -d 'next monday 09:00' '+%Y-%m-%d %H:%M') weekly (scripts/maintenance.sh weekly)}

Contact if needed:
- On-call: ${on_call:-[Name] [Phone]}
- Escalation: ${escalation:-[Name] [Phone]}
END
