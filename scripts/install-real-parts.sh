#!/usr/bin/env bash
# Installs what the tests with real domain controllers and a real PostgreSQL need, on Debian and Ubuntu. Elsewhere, and
# without root, it says what is left out; with CI=true or CANOPY_REAL=require that is a failure. Nothing that is
# installed is started.
set -euo pipefail
cd "$(dirname "$0")/.."

packages="samba samba-ad-dc samba-ad-provision samba-dsdb-modules samba-common-bin python3-samba ldb-tools ldap-utils
  krb5-user winbind libsasl2-modules-gssapi-mit lmdb-utils openssl postgresql"

left_out() {
  echo "left out: the tests with real domain controllers and PostgreSQL: $1"
  if [ "${CI:-}" = true ] || [ "${CANOPY_REAL:-}" = require ]; then exit 1; fi
  exit 0
}

if [ "${CANOPY_REAL:-}" = no ]; then left_out "CANOPY_REAL=no"; fi
command -v apt-get >/dev/null || left_out "this is neither Debian nor Ubuntu; install these by hand: $(echo $packages)"

# The JavaScript clients of the Graph door, exactly as their lock file has them.
clients() {
  [ -e e2e/clients/node/node_modules/.package-lock.json ] && return
  (cd e2e/clients/node && npm ci --ignore-scripts --no-audit --no-fund --silent) || left_out "npm could not install the JavaScript clients"
}
command -v node >/dev/null && command -v npm >/dev/null || packages="$packages nodejs npm"

missing() {
  for p in $packages; do
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" != installed ]; then echo "$p"; fi
  done
}

if [ -z "$(missing)" ]; then clients; exit 0; fi
if [ "$(id -u)" != 0 ]; then left_out "not root, so these cannot be installed: $(missing | tr '\n' ' ')"; fi

export DEBIAN_FRONTEND=noninteractive
echo "== installing: $(missing | tr '\n' ' ')"
apt-get update -q </dev/null >/dev/null

# Releases divide Samba differently: what this one does not have is part of another package there.
known=$(for p in $(missing); do if apt-cache show "$p" >/dev/null 2>&1; then echo "$p"; fi; done)

policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' >$policy
  chmod +x $policy
  trap 'rm -f $policy' EXIT
fi
# shellcheck disable=SC2086
apt-get install -q -y --no-install-recommends $known </dev/null >/dev/null || left_out "apt-get could not install: $(echo $known)"
clients
