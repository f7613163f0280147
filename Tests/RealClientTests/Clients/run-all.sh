#!/bin/bash
# Runs every client script (or the named ones) one after the other; prints each result with its time.
# usage: run-all.sh --port N [--host HOST] [--reference] [-- SCRIPT...]
set -u
directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=$(cd "$directory/../../.." && pwd)/.build-clients/bin/python
[ -x "$python" ] || { echo "run-all.sh: no clients installed: run $directory/install.sh first" >&2; exit 1; }

options=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  options+=("$1")
  shift
done
[ $# -gt 0 ] && shift
scripts=("$@")
if [ ${#scripts[@]} -eq 0 ]; then
  cd "$directory"
  scripts=(aio_pika_*.py celery_*.py kombu_*.py pika_*.py wire_*.py amqp_tools.sh)
fi

passed=0 failed=0
TIMEFORMAT=%1R
for script in "${scripts[@]}"; do
  case $script in
    *.py) command=("$python" "$directory/$script") ;;
    *) command=("$directory/$script") ;;
  esac
  output=$(mktemp)
  seconds=$( { time "${command[@]}" ${options[@]+"${options[@]}"} >"$output" 2>&1; echo $? >"$output.status"; } 2>&1 )
  if [ "$(cat "$output.status")" -eq 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
  printf '%-36s %5s s  %s\n' "$script" "$seconds" "$(tail -1 "$output")"
  rm -f "$output" "$output.status"
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
