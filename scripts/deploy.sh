#!/usr/bin/env bash
# Deploys a version: checks the machine, builds or pulls the image, starts the stack or upgrades the running one, and proves that it works.
#
# usage: scripts/deploy.sh ENVIRONMENT [TAG] [--force]
#        ENVIRONMENT: production, staging, ...: its settings are in .env.ENVIRONMENT (copy .env.production.example)
#        TAG: a version such as v1.0.0; this checkout's own unless given
#
# 1 preflight checks  2 the image: as it is here, pulled (REGISTRY), or built from the tag  3 a backup  4 start, or blue/green when it runs already  5 health and smoke
# tests  6 what fails is taken back to the version before. Running it again with the same version changes nothing. --force goes on after failed preflight checks.
# Commands without -f speak to the deployed stack from then on: .env becomes a link to .env.ENVIRONMENT.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

environment='' tag='' force=
for argument in "$@"; do
  case $argument in
    --force) force=1 ;;
    -*) die "unknown option $argument (--help)" ;;
    *) if [ -z "$environment" ]; then environment=$argument; elif [ -z "$tag" ]; then tag=$argument; else die "too many arguments (--help)"; fi ;;
  esac
done
[ -n "$environment" ] || die "which environment? scripts/deploy.sh production v1.0.0 (--help)"
[[ $environment =~ ^[a-z][a-z0-9-]{0,31}$ ]] || die "'$environment' is no environment's name"
tag=${tag:-$(own_version)}
[[ $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$ ]] || die "'$tag' is no tag of an image"
image=claude-code-dashboard:$tag
settings=.env.$environment

need_settings() {
  [ -f "$settings" ] || die "there is no $settings: cp .env.production.example $settings, edit it, chmod 600 $settings"
  if [ "$(stat -c %a "$settings")" != 600 ]; then
    chmod 600 "$settings"
    say "$settings was readable for others: its mode is 600 now"
  fi
}
link_settings() {
  if [ -L .env ]; then
    [ "$(readlink .env)" = "$settings" ] || say "this checkout ran $(readlink .env) so far; now it runs $settings"
  elif [ -f .env ]; then
    mv .env .env.development
    chmod 600 .env.development
    say ".env was a file of its own: it is .env.development now"
  fi
  ln -sfn "$settings" .env
}

# From the registry, from the tag's own sources, or from this checkout when it is that version.
get_image() {
  if docker image inspect "$image" >/dev/null 2>&1; then say "the image $image is here"; return; fi
  local registry
  registry=$(stack_setting REGISTRY "")
  if [ -n "$registry" ] && docker pull -q "$registry/$image" >/dev/null; then docker tag "$registry/$image" "$image"; say "pulled $registry/$image"; return; fi
  local context=. temporary=
  if [ "$tag" != "$(own_version)" ]; then
    git rev-parse -q --verify "refs/tags/$tag^{commit}" >/dev/null || die "$tag is neither an image here nor a tag of this repository (this checkout is $(own_version)): git fetch --tags"
    temporary=$(mktemp -d)
    git archive "refs/tags/$tag" | tar -x -C "$temporary"
    context=$temporary
  fi
  say "building $image (some minutes)"
  local code=0
  build_image "$tag" "$context" -q >&2 || code=$?
  [ -z "$temporary" ] || rm -rf "$temporary"
  [ $code = 0 ] || die "the image could not be built; what runs goes on"
}

# ./backups is where the list of backups is looked for; in production they lie elsewhere.
link_backups() {
  local folder
  folder=$(stack_setting BACKUPS_PATH /mnt/backups)
  if [ -L backups ] || [ ! -e backups ]; then ln -sfn "$folder" backups; fi
}

smoke() {
  local code=0
  scripts/smoke-tests.sh "$(stack_url)" || code=$?
  [ $code = 0 ] || [ $code = 3 ]
}

first_start() {
  step "Starting the stack with $tag"
  IMAGE_TAG=$tag compose up -d >&2 || return 1
  bound_processes dashboard || return 1
  wait_until 90 is_healthy "$(stack_url)" || return 1
  step "Smoke tests"
  smoke
}
take_back() { # after a failed start: the version before, or nothing
  local before
  before=$(deployed_tag)
  compose logs --tail=20 dashboard >&2 || true
  if [ -n "$before" ] && [ "$before" != "$tag" ] && docker image inspect "claude-code-dashboard:$before" >/dev/null 2>&1; then
    say "deploy: $tag does not work; back to $before"
    IMAGE_TAG=$before compose up -d >&2 || true
    bound_processes dashboard || true
    wait_until 90 is_healthy "$(stack_url)" || die "$before does not come up either: docker-compose logs"
    die "$tag was not deployed; $before serves"
  fi
  die "$tag does not come up, and there is no version before it: docker-compose logs dashboard"
}

need_engine
take_lock
export DEPLOY_LOCKED=1
need_settings
step "Preflight"
if ! scripts/preflight.sh "$environment"; then [ -n "$force" ] || die "preflight failed: mend what it names, or go on with --force"; fi
link_settings
step "Image"
get_image
link_backups

running=$(container_of dashboard)
if ! is_running "$running"; then
  first_start || take_back
  record_deployment "$environment" "$tag"
elif [ "$(docker inspect -f '{{.Config.Image}}' "$running")" = "$image" ] && [ "$(docker inspect -f '{{.Image}}' "$running")" = "$(docker image inspect -f '{{.Id}}' "$image")" ]; then
  step "$tag runs already"
  IMAGE_TAG=$tag compose up -d --no-recreate >&2
  bound_processes dashboard
  wait_until 90 is_healthy "$(stack_url)" || die "$(stack_url)/health is not healthy: docker-compose logs dashboard"
  smoke || die "smoke tests failed"
  [ "$(deployed_tag)" = "$tag" ] || record_deployment "$environment" "$tag"
else
  step "Upgrading what runs (blue/green)"
  scripts/blue-green.sh "$tag"
fi
step "$tag is deployed ($environment): $(stack_url)"
[ "$tag" = "$(own_version)" ] || say "This checkout is $(own_version): git checkout $tag, so that docker-compose commands mean the same version."
if [ "$(curl -sS "$(stack_url)/api/auth/state" 2>/dev/null | grep -c '"setup_required" *: *true')" = 1 ]; then
  say "There is no account yet: docker-compose exec dashboard dashboard user add NAME"
fi
