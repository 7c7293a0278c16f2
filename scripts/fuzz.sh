#!/usr/bin/env bash
# Runs every fuzz target for a while: fuzz.sh 5s
set -euo pipefail
cd "$(dirname "$0")/.."
time=${1:-5s}
count=0
while read -r dir; do
  for target in $(go test -list '^Fuzz' "$dir" | grep '^Fuzz' || true); do
    echo "== $dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$dir"
    count=$((count + 1))
  done
done < <(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -r dirname | sort -u)
echo "$count fuzz targets"
test "$count" -gt 0
