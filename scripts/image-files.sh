#!/usr/bin/env bash
# Puts what the image needs of a finished build (./dev build) into a folder: programs without their debug information, page, tmux.conf.
#
# usage: scripts/image-files.sh [FOLDER]      FOLDER: build/image unless given
#
# The Dockerfile calls it after compiling; a CI that has the build already calls it and then builds the image with PROGRAMS=prebuilt.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
case ${1:-} in -h|--help) sed -n '2,/^[^#]/{s/^# \{0,1\}//p}' "$0"; exit 0 ;; esac
[ $# -le 1 ] || { echo "image-files: too many arguments (--help)" >&2; exit 2; }
case ${1:-} in -*) echo "image-files: unknown option $1 (--help)" >&2; exit 2 ;; esac
out=${1:-build/image} build=${BUILD:-build/release} # BUILD: another build than the release
# What lies there is replaced: only a folder of ours, or an empty one.
if [ -e "$out" ] && { [ ! -d "$out" ] || { [ -n "$(ls -A "$out")" ] && [ ! -f "$out/pane-start" ]; }; }; then
  echo "image-files: $out is there and was not made by this: name another folder" >&2
  exit 1
fi
rm -rf "$out.new"
mkdir -p "$out.new"
for file in server/dashboard server/recording/pane-tap server/sessions/pane-start server/storage/sqlite3; do
  [ -x "$build/$file" ] || { echo "image-files: $build/$file is not there: ./dev build" >&2; rm -rf "$out.new"; exit 1; }
  strip --strip-debug -o "$out.new/$(basename "$file")" "$build/$file"
done
[ -f web/dist/index.html ] || { echo "image-files: the page is not built: ./dev build" >&2; rm -rf "$out.new"; exit 1; }
cp -R web/dist "$out.new/page"
cp ops/tmux.conf "$out.new/tmux.conf"
chmod -R u=rwX,go=rX "$out.new"
rm -rf "$out"
mv "$out.new" "$out"
