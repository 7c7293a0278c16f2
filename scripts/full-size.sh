#!/usr/bin/env bash
# Names the packages whose tests use real domain controllers, or do less with -short: what make check does not run, or
# not at full size.
set -euo pipefail
cd "$(dirname "$0")/.."
{
  go list -f '{{.ImportPath}} {{join .Imports " "}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... |
    awk '/\/e2e/ { print $1 }'
  grep -rl --include='*_test.go' 'testing\.Short()' . | while read -r f; do go list "./$(dirname "$f")"; done
} | sort -u
