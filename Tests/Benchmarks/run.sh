#!/usr/bin/env bash
# Measures the engine without sockets: user instructions and nanoseconds a message, for each scenario.
# usage: Tests/Benchmarks/run.sh [SCENARIO...]     all scenarios if none is named
# Instructions are counted by valgrind (Debian's package of that name): they do not depend on what else runs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v valgrind >/dev/null || { echo "run.sh: install valgrind first (apt-get install valgrind)" >&2; exit 1; }
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
printf '%-22s %14s %14s\n' scenario instructions nanoseconds
for scenario in "${scenarios[@]}"; do
  short=$(instructions "$scenario" 20000)
  long=$(instructions "$scenario" 60000)
  printf '%-22s %14d %14s\n' "$scenario" $(((long - short) / 40000)) "$("$benchmark" "$scenario" 3000000)"
done
