#!/usr/bin/env bash
# Puts what the image needs of a finished build (./dev build) into a folder: programs without their debug information, page, tmux.conf.
#
# usage: scripts/image-files.sh [FOLDER]      FOLDER: build/image unless given
#
# The Dockerfile calls it after compiling; a CI that has the build already calls it and then builds the image with PROGRAMS=prebuilt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in -h|--help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
out=${1:-build/image} build=${BUILD:-build/release} # BUILD: another build than the release
rm -rf "$out"
mkdir -p "$out"
for file in server/dashboard server/recording/pane-tap server/sessions/pane-start server/storage/sqlite3; do
  [ -x "$build/$file" ] || { echo "image-files: $build/$file is not there: ./dev build" >&2; exit 1; }
  strip --strip-debug -o "$out/$(basename "$file")" "$build/$file"
done
cp -R web/dist "$out/page"
cp ops/tmux.conf "$out/tmux.conf"
chmod -R u=rwX,go=rX "$out"
