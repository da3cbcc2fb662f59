#!/usr/bin/env bash
# Collects what an incident needs into one archive: states, logs, health, metrics, disks, versions; secrets are removed.
#
# usage: scripts/diagnostics.sh [FOLDER]      FOLDER: /tmp unless given; prints the archive's name
#
# Left out for good: the values of settings, tokens, terminal output, the database itself. Every other secret of .env that a log should hold is replaced
# by [removed]. Mode 600. Changes nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"
[ $# -le 1 ] || die "too many arguments (--help)"
out=${1:-/tmp}
[ -d "$out" ] || die "no such folder: $out"
need_engine

umask 077
name=incident_$(date -u +%Y%m%d_%H%M%S)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/$name
mkdir "$bundle"

# A part that cannot be had says why, and the others come all the same.
collect() { # FILE COMMAND...
  local file=$1
  shift
  local limit=(timeout 30)
  # Functions run here; their own parts have limits.
  [ "$(type -t "$1")" != function ] || limit=()
  { "${limit[@]}" "$@" || echo "[this command ended with code $?: $1]"; } >"$bundle/$file" 2>&1
}
container_logs() {
  local id
  for id in $(docker ps -aq --filter "label=com.docker.compose.project=$(project_name)"); do
    echo "=== $(docker inspect -f '{{.Name}}' "$id")"
    docker logs --timestamps --tail 5000 "$id" 2>&1
  done
}
states() {
  docker ps -aq --filter "label=com.docker.compose.project=$(project_name)" | xargs -r docker inspect -f '{{.Name}} image={{.Config.Image}} status={{.State.Status}} exit={{.State.ExitCode}} oom={{.State.OOMKilled}} restarts={{.RestartCount}} started={{.State.StartedAt}} health={{if .State.Health}}{{.State.Health.Status}}{{end}}'
}
setting_names() { sed -n 's/^\([A-Za-z_][A-Za-z_0-9]*\)=\(.*\)$/\1 \2/p' .env | awk '{ print $1, (NF > 1 ? "set" : "empty") }'; }
sql() { in_dashboard timeout 20 sqlite3 -readonly /app/data/dashboard.db "$1"; }
counts() {
  sql "SELECT 'sessions ' || status, COUNT(*) FROM sessions GROUP BY status;"
  sql "SELECT 'audit rows', COUNT(*) FROM audit_logs;"
  sql "PRAGMA integrity_check;"
}
recent_denials() { sql "SELECT id, at, action, outcome FROM audit_logs WHERE action LIKE '%error%' OR outcome != 'ok' ORDER BY id DESC LIMIT 100;"; }

say "collecting"
collect versions.txt bash -c 'docker version; docker-compose version 2>/dev/null || docker compose version; uname -a; cat /etc/os-release; cat run/deployed 2>/dev/null; git log -1 --oneline 2>/dev/null'
collect containers.txt states
collect stats.txt docker stats --no-stream
collect logs.txt container_logs
collect health.json curl -sS --max-time 5 "$(stack_url)/health"
collect health-details.json in_dashboard curl -sS --max-time 5 http://127.0.0.1:3000/health/details
collect metrics.txt in_dashboard curl -sS --max-time 5 http://127.0.0.1:3000/metrics
collect lease.json in_dashboard dashboard lease
collect processes.txt in_dashboard ps aux --sort=-%mem
collect access.log in_dashboard tail -n 2000 /tmp/access.log
collect database.txt counts
collect audit-denials.txt recent_denials
collect settings-names.txt setting_names
collect disks.txt df -h
collect memory.txt free -m
collect backups.txt ls -lhtr backups/
collect nginx.txt bash -c 'cat run/nginx/upstream.conf 2>/dev/null || echo "no upstream.conf: blue"'

# Values of secret settings, wherever they turned up; and whatever looks like a token.
while IFS='=' read -r key value; do
  case $key in *SECRET*|*TOKEN*|*PASSWORD*|*AUTH*|*KEY*) ;; *) continue ;; esac
  value=${value#[\"\']}
  value=${value%[\"\']}
  [ ${#value} -ge 6 ] || continue
  printf '%s\n' "$value" >>"$work/secrets"
done < <(cat .env .env.* 2>/dev/null | grep -E '^[A-Z_0-9]+=')
[ -s "$work/secrets" ] || printf 'no-secret-at-all-is-set\n' >"$work/secrets"
for file in "$bundle"/*; do
  awk 'NR == FNR { secret[++n] = $0; next }
       { for (i = 1; i <= n; i++) while ((at = index($0, secret[i])) > 0) $0 = substr($0, 1, at - 1) "[removed]" substr($0, at + length(secret[i])); print }' "$work/secrets" "$file" |
    sed -E 's/eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/[removed]/g; s/(Bearer )[A-Za-z0-9._~+\/-]{8,}=*/\1[removed]/gI; s/(sk-ant-)[A-Za-z0-9_-]+/\1[removed]/g' >"$file.clean"
  mv "$file.clean" "$file"
done
tar -C "$work" -czf "$out/$name.tar.gz" "$name"
echo "$out/$name.tar.gz"
