#!/usr/bin/env bash
# Runs every generator on a copy of the work tree and compares: what is not as it would be generated is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -co --exclude-standard -z | while IFS= read -r -d '' f; do
  if [ -e "$f" ]; then printf '%s\0' "$f"; fi
done | xargs -0 cp --parents -t "$copy"
cp -r "$copy" "$copy.made"
trap 'rm -rf "$copy" "$copy.made"' EXIT
(cd "$copy.made" && go generate ./...)
diff -r "$copy" "$copy.made" || { echo "generated files differ: run go generate ./... and commit"; exit 1; }
