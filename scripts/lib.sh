#!/usr/bin/env bash
# What the operators' scripts share: messages, docker-compose of either generation, settings of .env, waiting, the lock. Sourced, not run.
set -euo pipefail

# The callers have changed into the checkout's folder.
repository=$PWD
program=${0##*/}

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n== %s\n' "$*" >&2; }
die() { printf '%s: %s\n' "$program" "$*" >&2; exit 1; }
# The comment block at the head of the calling script is its help: from line 2 to the first line that is no comment.
help_of() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "scripts/$program"; }
# --help works everywhere and first.
help_wanted() { case " $* " in *' --help '*|*' -h '*) help_of; exit 0 ;; esac; }

# docker-compose 1.29 or docker compose v2, whichever is there; always in the checkout's folder, where .env names the files.
compose() {
  if command -v docker-compose >/dev/null; then docker-compose "$@"; else docker compose "$@"; fi
}
need_engine() {
  command -v docker >/dev/null || die "docker is not installed: apt-get install docker.io docker-compose"
  docker info >/dev/null 2>&1 || die "the Docker Engine does not answer: systemctl start docker (or this user is not in the group docker)"
  command -v docker-compose >/dev/null || docker compose version >/dev/null 2>&1 || die "docker-compose is not installed: apt-get install docker-compose"
}

# A value of a settings file, without quotes; the default where it is absent or empty.
setting() { # FILE NAME [DEFAULT]
  local value=
  [ ! -r "$1" ] || value=$(sed -n "s/^\(export \)\{0,1\}$2=//p" "$1" | tail -1)
  case $value in \"*\") value=${value#\"}; value=${value%\"} ;; \'*\') value=${value#\'}; value=${value%\'} ;; esac
  printf '%s' "${value:-${3:-}}"
}
# The running stack's: the environment wins over .env, as it does for docker-compose.
stack_setting() { # NAME [DEFAULT]
  if [ -n "${!1:-}" ]; then printf '%s' "${!1}"; else setting "$repository/.env" "$1" "${2:-}"; fi
}
stack_url() { printf 'http://localhost:%s' "$(stack_setting PUBLISH_PORT 3000)"; }

# The container of a service, also of one that a profile keeps out of plain `up`; empty when there is none.
container_of() { # SERVICE
  docker ps -aq --filter "label=com.docker.compose.service=$1" --filter "label=com.docker.compose.project=$(project_name)" | head -1
}
# The dashboard's image as the settings want it, from the sources in CONTEXT.
build_image() { # TAG CONTEXT [docker build options...]
  local tag=$1 context=$2
  shift 2
  docker build "$@" -t "claude-code-dashboard:$tag" --target dashboard --build-arg "IMAGE_TAG=$tag" --build-arg "BASE=$(stack_setting BASE_IMAGE debian:bookworm-slim)" \
    --build-arg "PROGRAMS=$(stack_setting PROGRAMS source)" --build-arg "CLAUDE_VERSION=$(stack_setting CLAUDE_VERSION "")" \
    --build-arg "UID=$(stack_setting DASHBOARD_UID 1000)" --build-arg "GID=$(stack_setting DASHBOARD_GID 1000)" "$context"
}

# How many processes a dashboard may have. The compose files cannot say it for production: docker compose v2 refuses pids_limit beside the limits, 1.29 refuses
# pids in them. It lasts as long as the container, over restarts too.
readonly dashboard_pids=256
bound_processes() { # SERVICE
  local id
  id=$(container_of "$1")
  [ -z "$id" ] || docker update --pids-limit $dashboard_pids "$id" >/dev/null
}
is_running() { [ "$(docker inspect -f '{{.State.Running}}' "${1:-none}" 2>/dev/null)" = true ]; }
project_name() {
  local name
  name=$(stack_setting COMPOSE_PROJECT_NAME "")
  # Compose's own rule where none is set.
  [ -n "$name" ] || name=$(basename "$repository" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-')
  printf '%s' "$name"
}
in_dashboard() { # COMMAND...: in whichever dashboard runs
  local id
  for service in dashboard dashboard-green; do
    id=$(container_of "$service")
    if is_running "$id"; then docker exec -i "$id" "$@"; return; fi
  done
  die "no dashboard runs: docker-compose up -d"
}

wait_until() { # SECONDS COMMAND...: true as soon as the command is
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $deadline ] || return 1
    sleep 0.2
  done
}
health_word() { # URL: healthy, degraded, or nothing when it does not answer
  curl -sS --max-time 5 "$1/health" 2>/dev/null | sed -n 's/.*"status" *: *"\([a-z-]*\)".*/\1/p'
}
is_healthy() { [ "$(health_word "$1")" = healthy ]; }

# One deployment at a time; the lock goes with the process.
take_lock() {
  mkdir -p "$repository/run"
  exec 9>"$repository/run/deploy.lock"
  flock -n 9 || die "another deployment is at work (run/deploy.lock)"
}
# The version that this checkout is: its image's tag unless another is asked for.
own_version() { sed -n 's/^  "version": "\([^"]*\)".*/v\1/p' "$repository/package.json"; }
# The last line of run/deployed is the version that serves: TIME ENVIRONMENT TAG.
deployed_tag() { awk 'END { print $3 }' "$repository/run/deployed" 2>/dev/null || true; }
previous_tag() { # the newest that is another than the current one
  awk '{ tag[NR] = $3 } END { for (i = NR; i > 0; i--) if (tag[i] != tag[NR]) { print tag[i]; exit } }' "$repository/run/deployed" 2>/dev/null || true
}
record_deployment() { # ENVIRONMENT TAG
  printf '%s %s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" "$2" >>"$repository/run/deployed"
}
deployed_environment() { awk 'END { print $2 }' "$repository/run/deployed" 2>/dev/null || true; }
