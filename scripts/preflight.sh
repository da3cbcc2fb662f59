#!/usr/bin/env bash
# The pre-deployment checklist, checked: secrets, file modes, roots, tunnel, Docker, disk, ports, clock, volumes, health check, logs, alerts, backups.
#
# usage: scripts/preflight.sh [ENVIRONMENT]     ENVIRONMENT: production unless given; its settings are in .env.ENVIRONMENT
#
# One line a check: `ok`, `warn` (look at it) or `FAIL` (mend it first), with what to do. Changes nothing. Exit code 1 when something failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

[ $# -le 1 ] || die "too many arguments (--help)"
environment=${1:-production}
[[ $environment =~ ^[a-z][a-z0-9-]{0,31}$ ]] || die "'$environment' is no environment's name (--help)"
settings=.env.$environment
[ -f "$settings" ] || [ "$environment" != development ] || settings=.env
readonly min_free_mb=1024
good=0 warned=0 failed=0

ok() { good=$((good + 1)); printf 'ok    %s\n' "$1"; }
warn() { warned=$((warned + 1)); printf 'warn  %s\n' "$1"; }
bad() { failed=$((failed + 1)); printf 'FAIL  %s\n' "$1"; }
value() { setting "$settings" "$@"; }

check_secret() {
  local secret different
  secret=$(value JWT_SECRET)
  different=$(printf %s "$secret" | fold -w1 | sort -u | wc -l)
  if [ -z "$secret" ]; then bad "JWT_SECRET is not set in $settings: openssl rand -base64 48"
  elif [ ${#secret} -lt 32 ]; then bad "JWT_SECRET has ${#secret} characters, 32 are the least: openssl rand -base64 48"
  elif [ "$different" -lt 12 ] || grep -qiE 'secret|password|change|example|default|123456|abcdef|qwerty' <<<"$secret"; then bad "JWT_SECRET can be guessed: openssl rand -base64 48"
  else ok "JWT_SECRET is ${#secret} characters, random by its look"
  fi
  # The dashboard's own judgement, which knows the public lists of secrets too, where its image is there already.
  local image out code=0
  image=claude-code-dashboard:${IMAGE_TAG:-$(own_version)}
  if [ -z "$secret" ] || ! docker image inspect "$image" >/dev/null 2>&1; then return; fi
  out=$(docker run --rm --network none --env-file "$settings" -e HOST=127.0.0.1 -e DATA_DIR=/app/data -e DATABASE_PATH=/app/data/dashboard.db --entrypoint /app/dashboard "$image" check-config 2>&1) || code=$?
  if [ $code = 0 ]; then ok "the dashboard accepts the settings"; else bad "the dashboard refuses the settings: $out"; fi
}

check_tunnel() {
  local token login out
  token=$(value NGROK_AUTHTOKEN)
  login=$(value NGROK_BASIC_AUTH)
  if [ -z "$token$login" ]; then ok "ngrok is not configured"; return; fi
  if out=$(NGROK_AUTHTOKEN=$token NGROK_BASIC_AUTH=$login NGROK_PROGRAM=true sh ops/container/ngrok.sh 2>&1); then ok "ngrok: token and password are not the default ones"; else bad "$out"; fi
}

check_files() {
  local file mode found=
  for file in .env .env.*; do
    case $file in *.example) continue ;; esac
    [ -f "$file" ] || continue
    mode=$(stat -Lc %a "$file")
    if [ "$mode" = 600 ] || [ "$mode" = 400 ]; then continue; fi
    found=1
    bad "$file has mode $mode: chmod 600 $file"
  done
  [ -n "$found" ] || ok "settings files have mode 600"
  if ! git rev-parse --is-inside-work-tree >/dev/null 2>&1; then warn "this is no git checkout: whether secrets are committed cannot be seen"; return; fi
  if git ls-files '.env' '.env.*' | grep -qv '\.example$'; then bad "a settings file is under version control: git rm --cached it, and make new secrets"; else ok "no settings file is under version control"; fi
  local secret
  secret=$(value JWT_SECRET)
  if [ -n "$secret" ] && git grep -qF -f <(printf '%s\n' "$secret") 2>/dev/null; then bad "JWT_SECRET is in a committed file: make a new one"; else ok "JWT_SECRET is in no committed file"; fi
}

nearest() { # the folder, or what is above it and exists
  local path=$1
  while [ ! -e "$path" ]; do path=$(dirname "$path"); done
  printf %s "$path"
}
check_storage() { # WHAT FOLDER
  local folder kind free
  folder=$(nearest "$2")
  kind=$(stat -f -c %T "$folder")
  free=$(df -Pm "$folder" | awk 'NR == 2 { print $4 }')
  case $kind in
    tmpfs|ramfs) bad "$1 ($2) is in memory ($kind) and gone after a restart: name a folder on a disk" ;;
    *) ok "$1 ($2) is on persistent storage ($kind)" ;;
  esac
  if [ "$free" -lt $min_free_mb ]; then bad "$1 ($2) has $free MB free; $min_free_mb MB are the least"; else ok "$1 ($2) has $free MB free"; fi
}

check_roots() {
  local name root list wide
  for name in ALLOWED_PROJECT_ROOTS ALLOWED_FILE_ROOTS; do
    list=$(value "$name") wide=
    if [ -z "$list" ]; then bad "$name is not set in $settings: for example /srv/projects"; continue; fi
    while IFS= read -r root; do
      case ${root%/} in
        ''|/home|/root|/etc|/usr|/var|/opt|/srv|/mnt|/tmp|/boot|/proc|/sys|/dev|/run|/lib|/bin|/sbin|/app|/app/data*) wide=$root ;;
        /*) ;;
        *) wide=$root ;;
      esac
      [ "$root" != "$HOME" ] || wide=$root
    done < <(tr ':' '\n' <<<"$list")
    if [ -n "$wide" ]; then bad "$name: '$wide' is too wide or not absolute: name the project folders, for example /srv/projects"; else ok "$name is restrictive ($list)"; fi
  done
}

check_docker() {
  if ! command -v docker >/dev/null; then bad "Docker is not installed: apt-get install docker.io docker-compose"; return; fi
  if docker info >/dev/null 2>&1; then ok "Docker Engine $(docker version -f '{{.Server.Version}}') answers"; else bad "the Docker Engine does not answer: systemctl start docker"; fi
  if command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1; then
    ok "Docker Compose $(compose version --short 2>/dev/null || true) is installed"
    local out
    # Only for reading: the deployment links .env itself.
    if out=$(compose --env-file "$settings" -f docker-compose.yml -f docker-compose.prod.yml config 2>&1 >/dev/null); then ok "the compose files are good"
    elif [ ! -e .env ] && grep -q '\.env' <<<"$out"; then ok "the compose files wait for .env, which the deployment links"
    else bad "the compose files: $(tail -1 <<<"$out")"
    fi
  else bad "docker-compose is not installed: apt-get install docker-compose"
  fi
}

check_ports() {
  local port owner
  for port in "$(value PUBLISH_PORT 3000)" "$(value GREEN_PORT 3001)" "$(value BLUE_PORT 3002)"; do
    owner=$(docker ps --filter "publish=$port" --format '{{.Names}}' 2>/dev/null | head -1) || owner=''
    if [ -n "$owner" ]; then
      if [ "$(docker inspect -f '{{index .Config.Labels "com.docker.compose.project.working_dir"}}' "$owner")" = "$PWD" ]; then ok "port $port is this stack's ($owner)"; else bad "port $port is in use by the container $owner"; fi
    elif (exec 7<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then bad "port $port is in use: ss -ltnp | grep :$port shows by whom"
    else ok "port $port is free"
    fi
  done
}

check_clock() {
  if [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" = yes ] || chronyc tracking 2>/dev/null | grep -q 'Leap status *: Normal'; then ok "the clock is synchronised"
  elif [ "$(timedatectl show -p NTPSynchronized --value 2>/dev/null)" = no ]; then bad "the clock is not synchronised (tokens depend on it): timedatectl set-ntp true"
  else warn "whether the clock is synchronised cannot be seen here (no timedatectl, no chronyc): tokens depend on it"
  fi
}

check_monitoring() {
  if grep -q '^HEALTHCHECK .*/health' Dockerfile; then ok "the image has a health check on /health"; else bad "the Dockerfile has no health check"; fi
  if grep -q 'max-size' docker-compose.prod.yml; then ok "logs are collected by Docker and rotated"; else bad "docker-compose.prod.yml does not rotate logs"; fi
  if command -v promtool >/dev/null; then
    if promtool check rules ops/prometheus/alerts.yml >/dev/null 2>&1; then ok "alert thresholds are defined and valid (ops/prometheus/alerts.yml)"; else bad "ops/prometheus/alerts.yml is not valid: promtool check rules"; fi
  elif [ -s ops/prometheus/alerts.yml ]; then ok "alert thresholds are defined (ops/prometheus/alerts.yml)"
  else bad "ops/prometheus/alerts.yml is missing"
  fi
  local folder newest image
  folder=$(value BACKUPS_PATH /mnt/backups)
  newest=$(find "$folder" -maxdepth 1 -name 'dashboard_*.db.gz' 2>/dev/null | sort | tail -1 || true)
  image=claude-code-dashboard:${IMAGE_TAG:-$(own_version)}
  if [ -z "$newest" ]; then warn "there is no backup in $folder yet: the service backup makes one in the first minutes"
  elif ! docker image inspect "$image" >/dev/null 2>&1; then warn "$newest is there; it is verified once the image is built"
  elif docker run --rm -i --network none -v "$folder:/backups:ro" --user 0:0 --entrypoint /app/dashboard "$image" check "/backups/${newest##*/}" >/dev/null 2>&1; then ok "the newest backup is good ($newest)"
  else bad "the newest backup is damaged: $newest; make a new one: scripts/backup.sh"
  fi
}

echo "Preflight checks of $settings"
if [ ! -f "$settings" ]; then
  bad "there is no $settings: cp .env.production.example $settings, edit it, chmod 600 $settings"
else
  check_secret
  check_tunnel
  check_files
  check_storage "the database" "$(value DATA_PATH /app/data)"
  check_storage "backups" "$(value BACKUPS_PATH /mnt/backups)"
  check_roots
fi
check_docker
check_ports
check_clock
check_monitoring
echo "$good ok, $warned warnings, $failed failed"
[ $failed = 0 ]
