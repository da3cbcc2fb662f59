#!/usr/bin/env bash
# The scheduled maintenance of the runbook, by name of its rhythm.
#
# usage: scripts/maintenance.sh daily|weekly|monthly|quarterly [--no-e2e]
#
# daily      health, newest backup, errors of the last 24 h
# weekly     outdated and vulnerable npm packages (reported, not changed), VACUUM and ANALYZE, disk space, a good backup
# monthly    base image, a new image from scratch (tagged :monthly-DATE), what is on main; deploying it is said, not done
# quarterly  audit, the browser tests (not with --no-e2e), and a recovery drill: the newest backup is restored into a folder of its own and checked
#
# Nothing that runs is stopped. Exit code 1 when something needs a person.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

problems=0
ok() { printf 'ok    %s\n' "$1"; }
problem() { problems=$((problems + 1)); printf 'LOOK  %s\n' "$1"; }
# A file that is older than this missed a night.
readonly backup_hours=26

health() {
  local word
  word=$(health_word "$(stack_url)")
  if [ "$word" = healthy ]; then ok "health: healthy"; else problem "health: ${word:-no answer} ($(stack_url)/health)"; fi
}
backups_folder() {
  local folder
  folder=$(stack_setting BACKUPS_PATH /mnt/backups)
  if [ -d "$folder" ]; then printf %s "$folder"; else readlink -f backups; fi
}
newest_backup() { find "$(backups_folder)" -maxdepth 1 -name 'dashboard_*.db.gz' 2>/dev/null | sort | tail -1 || true; }
backup_age() {
  local newest hours
  newest=$(newest_backup)
  if [ -z "$newest" ]; then problem "there is no backup in $(backups_folder)"; return; fi
  hours=$((($(date +%s) - $(stat -c %Y "$newest")) / 3600))
  if [ $hours -lt $backup_hours ]; then ok "newest backup: $newest, $hours h old"; else problem "the newest backup is $hours h old: docker-compose logs backup"; fi
}
log_errors() { # HOURS
  local count=0 id n
  for id in $(docker ps -aq --filter "label=com.docker.compose.project=$(project_name)"); do
    n=$(docker logs --since "$1h" "$id" 2>&1 | grep -cE '(^| )ERROR( |:)' || true)
    count=$((count + n))
  done
  if [ $count = 0 ]; then ok "no ERROR line in $1 h"; else problem "$count ERROR lines in $1 h: docker-compose logs --since ${1}h | grep ERROR"; fi
}
disk_space() {
  local line
  while read -r line; do
    if [ "$(awk '{ print $5 + 0 }' <<<"$line")" -lt 90 ]; then ok "disk $(awk '{ print $6 ": " $5 " used" }' <<<"$line")"; else problem "disk $(awk '{ print $6 ": " $5 " used" }' <<<"$line")"; fi
  done < <(df -Ph "$(stack_setting DATA_PATH "$PWD")" "$(backups_folder)" 2>/dev/null | awk 'NR > 1' | sort -u)
}
packages() {
  command -v npm >/dev/null || { ok "npm is not installed here: packages are looked at where releases are built"; return; }
  if npm audit --omit=dev >/dev/null 2>&1; then ok "npm audit: nothing known"; else problem "npm audit names something, or did not work: npm audit"; fi
  npm outdated 2>/dev/null | sed 's/^/      /' || true
}
database_upkeep() {
  if in_dashboard sqlite3 /app/data/dashboard.db 'VACUUM; ANALYZE;' && [ "$(in_dashboard sqlite3 /app/data/dashboard.db 'PRAGMA integrity_check;' | head -1)" = ok ]; then ok "VACUUM and ANALYZE; integrity ok"; else problem "VACUUM, ANALYZE or the integrity check failed"; fi
}
drill() {
  local id image newest
  newest=$(newest_backup)
  [ -n "$newest" ] || { problem "recovery drill: there is no backup"; return; }
  id=$(container_of backup)
  image=$(docker inspect -f '{{.Config.Image}}' "$id")
  # Into memory of a container that ends with it: nothing of the stack is touched.
  # The trail's key is no part of a backup; with it the trail is checked too.
  local owner megabytes
  owner=$(stack_setting DASHBOARD_UID 1000)
  # Room for the database, twice, and for its log.
  megabytes=$(($(docker run --rm --network none --volumes-from "$id:ro" --entrypoint stat "$image" -c %s /app/data/dashboard.db) / 500000 + 64))
  if docker run --rm --network none --read-only --tmpfs "/drill:size=${megabytes}m,uid=$owner,mode=0700" --tmpfs /tmp --cap-drop ALL --volumes-from "$id:ro" \
    -e DATA_DIR=/drill -e DATABASE_PATH=/drill/dashboard.db -e BACKUP_DIR=/backups "$image" \
    bash -c 'cp /app/data/audit.key /drill/ && dashboard restore "$1" >/dev/null && dashboard check >/dev/null && sqlite3 -readonly /drill/dashboard.db "SELECT COUNT(*) FROM audit_logs;"' \
    drill "/backups/${newest##*/}" >run/drill.log 2>&1; then
    ok "recovery drill: ${newest##*/} restores; $(tail -1 run/drill.log) audit rows"
  else problem "recovery drill: ${newest##*/} does not restore: $(tail -1 run/drill.log)"
  fi
}

rhythm=${1:-} option=${2:-}
case $rhythm in daily|weekly|monthly|quarterly) ;; *) help_of >&2; exit 2 ;; esac
case $#,$rhythm,$option in 1,*|2,quarterly,--no-e2e) ;; *) die "$rhythm takes no '$option' (--help)" ;; esac
need_engine
mkdir -p run
echo "Maintenance: $rhythm"
case $rhythm in
  daily)
    health
    backup_age
    log_errors 24 ;;
  weekly)
    packages
    if scripts/backup.sh; then ok "a backup before the upkeep"; else problem "the backup failed"; fi
    database_upkeep
    disk_space
    health ;;
  monthly)
    base=$(stack_setting BASE_IMAGE debian:bookworm-slim)
    if docker pull -q "$base" >/dev/null 2>&1; then ok "base image $base is the newest"; else problem "base image $base could not be pulled"; fi
    tag=monthly-$(date -u +%Y%m%d)
    if build_image "$tag" . --no-cache -q >run/monthly-build.log 2>&1; then ok "built claude-code-dashboard:$tag"; else problem "the build failed: run/monthly-build.log"; fi
    git log --oneline -20 2>/dev/null | sed 's/^/      /' || true
    echo "      next: scripts/deploy.sh staging $tag, then plan production" ;;
  quarterly)
    packages
    drill
    if [ "$option" = --no-e2e ]; then ok "the browser tests were left out"
    elif command -v npm >/dev/null && [ -d node_modules ]; then
      if npm run --silent test:e2e >run/e2e.log 2>&1; then ok "browser tests: $(tail -1 run/e2e.log)"; else problem "browser tests failed: run/e2e.log"; fi
    else ok "no npm packages here: the browser tests run where releases are built (npm run test:e2e)"
    fi
    health ;;
esac
echo "$problems to look at"
[ $problems = 0 ]
