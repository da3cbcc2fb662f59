#!/usr/bin/env bash
# A Docker Engine for the container tests, where none runs: Debian's dockerd, and a base image by debootstrap where none can be pulled.
#
# usage: tests/container/engine.sh start     installs what is missing (root, Debian 12), starts dockerd, makes debian:bookworm-slim
#        tests/container/engine.sh stop      ends the dockerd that `start` started, and no other
#        tests/container/engine.sh remove    stop, and delete its images and volumes
#
# State is in ENGINE_FOLDER (/var/tmp/claude-dashboard-engine). An engine that runs already is used as it is.
set -euo pipefail
folder=${ENGINE_FOLDER:-/var/tmp/claude-dashboard-engine}
readonly base=debian:bookworm-slim
readonly engine_packages=(docker.io docker-compose iptables debootstrap)
readonly test_packages=(prometheus prometheus-alertmanager)

say() { printf 'engine: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
answers() { docker info >/dev/null 2>&1; }
ours() { # the pid of our dockerd, if it runs
  local pid
  pid=$(cat "$folder/dockerd.pid" 2>/dev/null) || return 1
  [ "$(readlink "/proc/$pid/exe" 2>/dev/null)" = /usr/sbin/dockerd ] && echo "$pid"
}

need_packages() { # NAME...
  local missing=() name
  for name in "$@"; do dpkg-query -W -f='${db:Status-Abbrev}' "$name" 2>/dev/null | grep -q '^ii' || missing+=("$name"); done
  [ ${#missing[@]} = 0 ] && return
  [ "$(id -u)" = 0 ] || die "need root to install: ${missing[*]}"
  say "installing ${missing[*]}"
  # Nothing of it shall run by itself because it was installed for a test.
  local guard=/usr/sbin/policy-rc.d made=
  if [ ! -e $guard ]; then printf '#!/bin/sh\nexit 101\n' >$guard; chmod +x $guard; made=1; fi
  env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  [ -z "$made" ] || rm -f $guard
}

start_engine() {
  [ "$(id -u)" = 0 ] || die "no Docker Engine answers, and only root can start one"
  mkdir -p "$folder"
  # Containers must not see each other's folders, whatever the machine's own mounts are.
  if [ ! -d /sys/fs/cgroup/memory ] && [ ! -f /sys/fs/cgroup/cgroup.controllers ]; then
    mountpoint -q /sys/fs/cgroup || mount -t tmpfs cgroup_root /sys/fs/cgroup
    local name
    for name in cpu cpuacct cpuset memory devices freezer blkio pids; do
      mkdir -p "/sys/fs/cgroup/$name"
      mountpoint -q "/sys/fs/cgroup/$name" || mount -t cgroup -o "$name" "$name" "/sys/fs/cgroup/$name" || true
    done
  fi
  local driver=()
  for try in "" vfs; do
    [ -z "$try" ] || driver=(--storage-driver "$try")
    setsid dockerd --data-root "$folder/data" --exec-root "$folder/exec" --pidfile "$folder/dockerd.pid" "${driver[@]}" \
      >>"$folder/dockerd.log" 2>&1 </dev/null &
    for _ in $(seq 150); do
      answers && { say "dockerd runs (storage: $(docker info -f '{{.Driver}}'))"; return; }
      kill -0 $! 2>/dev/null || break
      sleep 0.2
    done
  done
  tail -20 "$folder/dockerd.log" >&2
  die "dockerd did not start"
}

make_base() {
  docker image inspect $base >/dev/null 2>&1 && return
  if timeout 60 docker pull -q $base >/dev/null 2>&1; then say "pulled $base"; return; fi
  [ "$(id -u)" = 0 ] || die "$base cannot be pulled, and only root can make one"
  say "making $base by debootstrap (about a minute)"
  local root=$folder/base
  rm -rf "$root"
  debootstrap --variant=minbase bookworm "$root" >"$folder/debootstrap.log" 2>&1 || { tail -5 "$folder/debootstrap.log" >&2; die "debootstrap failed"; }
  # This machine is the same Debian: where it gets its packages from, the image does too.
  cp -a /etc/apt/sources.list /etc/apt/sources.list.d "$root/etc/apt/" 2>/dev/null || true
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  # A machine with certificates of its own needs them inside too: npm downloads during the build.
  mkdir -p "$root/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/machine.crt" 2>/dev/null || true
  tar -C "$root" -c . | docker import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/machine.crt' --change 'CMD ["bash"]' - $base >/dev/null
  rm -rf "$root"
}

case ${1:-} in
  start)
    need_packages "${test_packages[@]}"
    # A machine with an engine and a docker-compose of its own keeps them.
    if ! answers || ! command -v docker-compose >/dev/null; then need_packages "${engine_packages[@]}"; fi
    answers || start_engine
    make_base ;;
  stop)
    if pid=$(ours); then
      kill -TERM "$pid"
      for _ in $(seq 150); do [ -d "/proc/$pid" ] || break; sleep 0.2; done
      say "dockerd is stopped"
    fi ;;
  remove)
    "$0" stop
    awk -v f="$folder/" 'index($2, f) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount || true
    rm -rf "$folder" ;;
  *) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; [ "${1:-}" = --help ] || exit 2 ;;
esac
