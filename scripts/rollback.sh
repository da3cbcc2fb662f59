#!/usr/bin/env bash
# Goes back to the version before, or to a named one, without ending an agent and without a pause that people notice.
#
# usage: scripts/rollback.sh [TAG] [--restore latest|FILE]
#
# TAG: the version before the current one unless given (run/deployed has them all). The database stays; an older version refuses one that a newer version
# has changed: then --restore puts back the backup that was made before the upgrade, and what happened since is kept beside it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/lib.sh
help_wanted "$@"

tag='' restore=
while [ $# -gt 0 ]; do
  case $1 in
    --restore) restore=${2:-}; [ -n "$restore" ] || die "--restore takes a backup or latest"; shift 2 ;;
    -*) die "unknown option $1 (--help)" ;;
    *) [ -z "$tag" ] || die "one tag, not two: $tag and $1 (--help)"; tag=$1; shift ;;
  esac
done
need_engine
take_lock
export DEPLOY_LOCKED=1
current=$(deployed_tag)
tag=${tag:-$(previous_tag)}
[ -n "$tag" ] || die "run/deployed knows no version before ${current:-this one}: name one (git tag | sort -V | tail -5)"
[ "$tag" != "$current" ] || die "$tag is what runs"
docker image inspect "claude-code-dashboard:$tag" >/dev/null 2>&1 || die "there is no image claude-code-dashboard:$tag here: scripts/deploy.sh $(deployed_environment | grep . || echo production) $tag builds it"

if [ -z "$restore" ] && is_healthy "$(stack_url)"; then
  step "From $current to $tag (blue/green)"
  exec scripts/blue-green.sh "$tag" --soak 0
fi
# What runs is broken, or its database is to be replaced: straight to the old version. The agents go on all the same.
step "From $current to $tag"
for service in dashboard-green dashboard; do
  id=$(container_of "$service")
  [ -z "$id" ] || docker stop -t 15 "$id" >/dev/null
done
id=$(container_of dashboard-green)
[ -z "$id" ] || docker rm -f "$id" >/dev/null
rm -f run/nginx/upstream.conf
[ -z "$restore" ] || scripts/restore.sh --yes "$restore"
IMAGE_TAG=$tag compose up -d --no-deps --no-build dashboard >&2
bound_processes dashboard
nginx=$(container_of nginx)
if is_running "$nginx"; then docker exec "$nginx" nginx -e stderr -s reload; fi
wait_until 90 is_healthy "$(stack_url)" || die "$tag is not healthy: docker-compose logs dashboard (a database that a newer version has changed needs --restore latest)"
record_deployment "$(deployed_environment | grep . || echo production)" "$tag"
scripts/smoke-tests.sh "$(stack_url)" || [ $? = 3 ] || die "smoke tests failed"
step "$tag serves"
