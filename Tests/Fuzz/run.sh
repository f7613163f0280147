#!/usr/bin/env bash
# Fuzzes what reads bytes from outside, with libFuzzer and the address sanitizer.
# usage: Tests/Fuzz/run.sh [frames|connection] [SECONDS]      both, 600 seconds each, if nothing is said
# New inputs go to .build-fuzz/corpus-*; a finding is written to Tests/Fuzz/Corpus, where the ordinary tests replay it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
seconds=${2:-600}
case "${1:-both}" in
frames) targets=(Frames) ;;
connection) targets=(Connection) ;;
both) targets=(Frames Connection) ;;
*) echo "run.sh: unknown target '$1': say frames or connection" >&2; exit 2 ;;
esac
for target in "${targets[@]}"; do
  echo "building Fuzz$target"
  LEVERET_FUZZ=1 swift build --scratch-path .build-fuzz --product "Fuzz$target" \
    -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library -Xlinker -lstdc++
  mkdir -p ".build-fuzz/corpus-$target"
  echo "fuzzing $target for $seconds s"
  # Leaks are the ordinary tests' business: they count messages.
  ASAN_OPTIONS=detect_leaks=0 ".build-fuzz/debug/Fuzz$target" ".build-fuzz/corpus-$target" "Tests/Fuzz/Corpus/$target" \
    -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
    -artifact_prefix="Tests/Fuzz/Corpus/$target/found-"
done
