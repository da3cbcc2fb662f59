#!/bin/bash
# Behaves like a package manager at work: lines above, and below them a bar that is redrawn in place; then a bar held by a scroll region.
set -euo pipefail
names=(serde tokio regex hashbrown syn quote proc-macro2 libc memchr bitflags once_cell parking_lot smallvec "größe" "日本語-crate" rand)
total=120
printf '\033[1m\033[32m    Updating\033[0m the index\n'
for ((i = 1; i <= total; ++i)); do
  name=${names[i % ${#names[@]}]}
  printf '\r\033[K\033[1m\033[32m   Compiling\033[0m %s v1.%d.%d\n' "$name" $((i % 9)) $((i % 5))
  width=$((${COLUMNS:-80} - 50))
  filled=$((width * i / total))
  printf '\033[1m\033[36m    Building\033[0m [%s>%s] %d/%d: %s, %s\r' "$(printf '=%.0s' $(seq $((filled + 1))))" "$(printf ' %.0s' $(seq $((width - filled + 1))))" "$i" "$total" "$name" "${names[(i + 5) % ${#names[@]}]}"
  sleep 0.01
done
printf '\r\033[K\033[1m\033[33mwarning\033[0m\033[1m: unused variable: `x`\033[0m\n   \033[1m\033[34m--> \033[0msrc/main.rs:3:9\n'
printf '\033[1m\033[32m    Finished\033[0m dev [unoptimized + debuginfo] target(s) in 3.14s\n'
# Four bars at once, redrawn with the cursor moved up.
printf '\n\n\n\n'
for ((i = 0; i <= 40; ++i)); do
  printf '\033[4A'
  for bar in 1 2 3 4; do
    done_=$((i * bar / 2 > 40 ? 40 : i * bar / 2))
    printf '\033[2K\r%s layer %d: \033[38;5;%dm%s\033[0m\033[2m%s\033[0m %3d%%\n' "⠋" "$bar" $((bar + 33)) "$(printf '█%.0s' $(seq $((done_ + 1))))" "$(printf '░%.0s' $(seq $((41 - done_))))" $((done_ * 100 / 40))
  done
  sleep 0.01
done
# The last row outside of the scroll region.
rows=${LINES:-30}
printf '\n\0337\033[1;%dr\0338\033[1A' $((rows - 1))
for ((i = 0; i <= 60; ++i)); do
  printf 'Setting up package-%d (%d.0-1) ...\n' "$i" "$i"
  printf '\0337\033[%d;0f\033[42m\033[30mProgress: [%3d%%]\033[49m\033[39m [%s%s] \0338' "$rows" $((i * 100 / 60)) "$(printf '#%.0s' $(seq $((i / 2 + 1))))" "$(printf '.%.0s' $(seq $((31 - i / 2))))"
  sleep 0.005
done
printf '\0337\033[0;%dr\0338\033[1A\033[J\n' "$rows"
for s in ⠋ ⠙ ⠹ ⠸ ⠼ ⠴ ⠦ ⠧ ⠇ ⠏; do printf '\r\033[?25l%s working…' "$s"; sleep 0.02; done
printf '\r\033[2K\033[?25h✔ done\n'
