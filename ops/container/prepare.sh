#!/bin/bash
# Gives the volumes to the user `claude` and puts this version's pane programs into the folder that the agents' container sees. Runs once before each start, as root with three rights.
set -euo pipefail

own() { # FOLDER MODE: the folder itself, not what is in it
  [ -d "$1" ] || return 0
  [ "$(stat -c %U "$1")" = claude ] || chown claude:claude "$1"
  [ "$(stat -c %a "$1")" = "$2" ] || chmod "$2" "$1"
}

own /app/data 700
own /app/data/sessions 700
own /backups 700
own /run/tmux 700
own /home/claude 700
# A database that an operator put back by hand belongs to root: it becomes ours again. Only what lies directly in the folder.
if [ -d /app/data ]; then
  find /app/data -maxdepth 1 -type f ! -user claude -exec chown claude:claude {} + -exec chmod 600 {} +
fi
# Docker makes a missing folder of a bind mount for root. One that is empty is nobody's work yet.
root=/srv/projects
if [ -d "$root" ] && [ "$(stat -c %u "$root")" = 0 ] && [ -z "$(ls -A "$root")" ]; then chown claude:claude "$root"; fi

# Panes that run keep the programs that they were started with; new ones get this version's.
version=$(sha256sum /app/pane-tap /app/pane-start | sha256sum | cut -c1-16)
if [ -d /app/taps ] && [ ! -x "/app/taps/$version/pane-start" ]; then
  own /app/taps 755
  rm -rf "/app/taps/.new.$version"
  install -d -m 755 "/app/taps/.new.$version"
  install -m 755 /app/pane-tap /app/pane-start "/app/taps/.new.$version/"
  rm -rf "/app/taps/$version"
  mv "/app/taps/.new.$version" "/app/taps/$version"
fi
echo "prepared: pane programs $version"
