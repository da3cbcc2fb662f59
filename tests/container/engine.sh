#!/usr/bin/env bash
# A Docker Engine for the container tests, where none runs: Debian's dockerd, and a base image by debootstrap where none can be pulled.
#
# usage: tests/container/engine.sh start        installs what is missing (root, Debian 12), starts dockerd, makes debian:bookworm-slim
#        tests/container/engine.sh stop         ends the dockerd that `start` started, and no other
#        tests/container/engine.sh remove       stop, and delete its images and volumes
#        tests/container/engine.sh compose-v2   prints a folder with a docker-compose of the second generation (of Debian 13, only unpacked)
#
# State is in ENGINE_FOLDER (/var/tmp/claude-dashboard-engine). An engine that runs already is used as it is.
# Exit code 77: no engine can run here, and why; 1: one should run here and does not.
set -euo pipefail
folder=${ENGINE_FOLDER:-/var/tmp/claude-dashboard-engine}
readonly base=debian:bookworm-slim cannot=77
readonly engine_packages=(docker.io docker-compose iptables debootstrap docker-registry)
readonly test_packages=(prometheus prometheus-alertmanager openssl systemd)

say() { printf 'engine: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
give_up() { say "not here: $*"; exit $cannot; }
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
  [ "$(id -u)" = 0 ] || give_up "need root to install: ${missing[*]}"
  say "installing ${missing[*]}"
  # Nothing of it shall run by itself because it was installed for a test.
  guard=/usr/sbin/policy-rc.d
  if [ ! -e $guard ]; then
    trap 'rm -f "$guard"' EXIT
    printf '#!/bin/sh\nexit 101\n' >$guard
    chmod +x $guard
  fi
  env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  if [ -n "$(trap -p EXIT)" ]; then rm -f $guard; trap - EXIT; fi
}

# What dockerd cannot do without: rights over mounts and networks, and a kernel with the filter that published ports go through.
need_rights() {
  [ "$(id -u)" = 0 ] || give_up "none answers, and only root can start one"
  command -v apt-get >/dev/null || give_up "none answers, and this is not Debian"
  local rights
  rights=$((16#$(awk '/^CapEff/ { print $2 }' /proc/self/status)))
  # Numbers 12 and 21 of linux/capability.h.
  (((rights >> 12 & 1) && (rights >> 21 & 1))) || give_up "root has neither CAP_NET_ADMIN nor CAP_SYS_ADMIN in this container"
  unshare --mount mount -t tmpfs tmpfs /mnt 2>/dev/null || give_up "mounting is not allowed"
}
need_network_filter() {
  local why
  why=$(iptables -t nat -L -n 2>&1 >/dev/null) || give_up "iptables does not work: ${why##*$'\n'}"
}

start_engine() {
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
      >>"$folder/dockerd.log" 2>&1 </dev/null 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- & # descriptors: no lock of the caller's outlives it
    for _ in $(seq 150); do
      answers && { say "dockerd runs (storage: $(docker info -f '{{.Driver}}'))"; return; }
      kill -0 $! 2>/dev/null || break
      sleep 0.2
    done
  done
  tail -20 "$folder/dockerd.log" >&2
  die "dockerd did not start"
}

# As in Docker's own image of Debian: no manuals, no translated indexes, no sync after every file of a package.
set_up_base() { # ROOT
  cat >"$1/etc/dpkg/dpkg.cfg.d/docker" <<'END'
force-unsafe-io
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
END
  printf 'Acquire::Languages "none";\nAPT::AutoRemove::SuggestsImportant "false";\n' >"$1/etc/apt/apt.conf.d/docker"
  # This machine is the same Debian: where it gets its packages from, the image does too, and npm trusts the same certificates during a build.
  rm -f "$1/etc/apt/sources.list"
  cp -a /etc/apt/sources.list /etc/apt/sources.list.d "$1/etc/apt/" 2>/dev/null || true
  mkdir -p "$1/etc/ssl/certs"
  cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/machine.crt" 2>/dev/null || true
  rm -rf "$1"/var/cache/apt/archives/*.deb "$1"/var/lib/apt/lists/* "$1"/usr/share/{doc,man,locale}/*
}

make_base() {
  docker image inspect $base >/dev/null 2>&1 && return
  if timeout 60 docker pull -q $base >/dev/null 2>&1; then say "pulled $base"; return; fi
  [ "$(id -u)" = 0 ] || give_up "$base cannot be pulled, and only root can make one"
  need_packages debootstrap
  say "making $base by debootstrap"
  local root=$folder/base
  mkdir -p "$root"
  # In memory, where there is some: thousands of small files, each of which is synced.
  mount -t tmpfs -o size=1g,mode=755 tmpfs "$root" 2>/dev/null || true
  debootstrap --variant=minbase bookworm "$root" >"$folder/debootstrap.log" 2>&1 || { tail -5 "$folder/debootstrap.log" >&2; die "debootstrap failed"; }
  set_up_base "$root"
  tar -C "$root" --one-file-system -c . | docker import --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/machine.crt' --change 'CMD ["bash"]' - $base >/dev/null
  if mountpoint -q "$root"; then umount "$root"; fi
  rm -rf --one-file-system "$root"
}

# Debian 13 has the second generation. Its one program needs nothing but the C library of Debian 12: it is fetched, checked and unpacked by apt and dpkg,
# with lists of its own, so that nothing of this machine's changes.
compose_v2() {
  local there=$folder/compose-v2 keys=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  if [ ! -x "$there/bin/docker-compose" ]; then
    [ -r $keys ] || give_up "no keys of Debian's archive, with which to check Debian 13's packages"
    mirror=$(sed -nE 's#^URIs: *([^ ]*/debian)/?( .*)?$#\1#p; s#^deb (\[[^]]*\] )?([^ ]*/debian)/? .*#\2#p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1 || true)
    [ -n "$mirror" ] || give_up "apt's sources name no archive of Debian, from which to take Debian 13's docker-compose"
    rm -rf "$there"
    mkdir -p "$there"/{lists,cache,bin,package}
    echo "deb [signed-by=$keys] $mirror trixie main" >"$there/sources.list"
    local options=(-qq -o Dir::Etc::sourcelist="$there/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$there/lists" -o Dir::Cache="$there/cache" -o APT::Sandbox::User=root)
    { apt-get "${options[@]}" update && cd "$there/package" && apt-get "${options[@]}" download docker-compose/trixie && dpkg -x docker-compose_2*.deb .; } >"$there/log" 2>&1 ||
      give_up "docker-compose of Debian 13 cannot be had: $(tail -1 "$there/log")"
    mv usr/libexec/docker/cli-plugins/docker-compose "$there/bin/"
    rm -rf "$there"/{lists,cache,package}
  fi
  "$there/bin/docker-compose" version >&2 || give_up "docker-compose of Debian 13 does not run here"
  echo "$there/bin"
}

case ${1:-} in
  start)
    answers || need_rights
    need_packages "${test_packages[@]}"
    # A machine with an engine and a docker-compose of its own keeps them.
    if ! answers || ! command -v docker-compose >/dev/null; then need_packages "${engine_packages[@]}"; fi
    answers || { need_network_filter; start_engine; }
    make_base ;;
  compose-v2) compose_v2 ;;
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
