#!/usr/bin/env bash
# Measures the engine without sockets: user instructions and nanoseconds a message, for each scenario.
# usage: Tests/Benchmarks/run.sh [--check|--write] [SCENARIO...]     all scenarios if none is named
#   --check   fails when a scenario takes 5 % more instructions than thresholds.txt says
#   --write   writes thresholds.txt anew, from what was measured
# Instructions are counted by valgrind (Debian's package of that name): they do not depend on what else runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
thresholds=Tests/Benchmarks/thresholds.txt
mode=show
case "${1:-}" in --check | --write) mode=${1#--}; shift ;; esac
if ! command -v valgrind >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get install -y -qq valgrind >/dev/null 2>&1 || { apt-get update -qq && apt-get install -y -qq valgrind; } >/dev/null
  else
    echo "run.sh: install valgrind first (apt-get install valgrind)" >&2
    exit 1
  fi
fi
LEVERET_BENCHMARK=1 swift build -c release --product EngineBenchmark
# valgrind gives up on some forms of debugging information.
benchmark=.build/release/EngineBenchmark.stripped
strip --strip-debug -o "$benchmark" .build/release/EngineBenchmark
scenarios=("$@")
if [ ${#scenarios[@]} -eq 0 ]; then mapfile -t scenarios < <("$benchmark" --list); fi

# Instructions of a run: what two runs of different lengths differ by has no start-up in it.
instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$benchmark" "$1" "$2" 2>&1 >/dev/null |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
failed=0
measured=""
printf '%-22s %14s %14s %14s\n' scenario instructions threshold nanoseconds
for scenario in "${scenarios[@]}"; do
  short=$(instructions "$scenario" 20000)
  long=$(instructions "$scenario" 60000)
  count=$(((long - short) / 40000))
  measured+="$scenario $count"$'\n'
  known=$(sed -n "s/^$scenario \([0-9]*\)$/\1/p" "$thresholds" 2>/dev/null || true)
  printf '%-22s %14d %14s %14s' "$scenario" "$count" "${known:--}" "$("$benchmark" "$scenario" 3000000)"
  if [ "$mode" = check ] && { [ -z "$known" ] || [ $((count * 100)) -gt $((known * 105)) ]; }; then
    printf '   TOO MANY'
    failed=1
  fi
  printf '\n'
done
if [ "$mode" = write ]; then
  { echo "# Instructions a message: see run.sh. Written by run.sh --write."; printf '%s' "$measured"; } >"$thresholds"
fi
if [ $failed = 1 ]; then
  echo "run.sh: more than 5 % over $thresholds. Make it cheaper, or write the file anew and say why in the commit." >&2
  exit 1
fi
