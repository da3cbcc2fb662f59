#!/bin/bash
# Runs the tmux server that the agents live in, in the foreground; its environment is what every agent gets.
set -euo pipefail
exec tmux -D -u -L "${TMUX_SOCKET:-claude-dashboard}" -f /app/tmux.conf
