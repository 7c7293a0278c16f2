#!/usr/bin/env bash
# What a new user does: clones what is committed and runs the lab, with a home that has nothing in it. Only downloaded
# modules and compiled packages are taken over.
set -euo pipefail
cd "$(dirname "$0")/.."
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
export GOMODCACHE GOCACHE GOENV
GOMODCACHE=$(go env GOMODCACHE) GOCACHE=$(go env GOCACHE) GOENV=$(go env GOENV)
git clone -q . "$place/canopy"
mkdir "$place/home"
cd "$place/canopy"
unset CANOPY_DIR XDG_STATE_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
HOME=$place/home timeout 600 go run ./cmd/canopy lab --once --json --people 60 </dev/null >"$place/out"
last=$(tail -n 1 "$place/out")
echo "$last"
fail() { echo "the lab's last line $1"; exit 1; }
case $last in {*}) ;; *) fail "is no JSON object" ;; esac
case $last in *'"second_run":{"exports":0}'*) ;; *) fail "does not say that a second run had nothing to export" ;; esac
case $last in *'"unconfirmed":0'*) ;; *) fail "does not say that everything was confirmed" ;; esac
if [ -n "$(git status --porcelain)" ]; then git status --short; fail "is right, but the run left files in the work tree"; fi
