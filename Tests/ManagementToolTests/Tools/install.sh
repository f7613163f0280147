#!/bin/bash
# Installs other people's tools for the HTTP API into <repo root>/.build-tools: a Python environment with schemathesis,
# and, out of Debian's packages, rabbitmqadmin, prometheus and promtool. Nothing of the system is changed by this.
# Debian's RabbitMQ itself, which one test compares with, is installed when that is possible without asking.
# usage: install.sh        (idempotent; from any directory)
set -euo pipefail

tools_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=$(cd "$tools_directory/../../.." && pwd)/.build-tools
requirements=$tools_directory/requirements.txt
stamp=$target/installed-requirements.cksum

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

# Takes a file out of a Debian package, without installing it.
unpack() {
  local package=$1 scratch
  command -v apt-get >/dev/null || fail "'$package' is wanted, and there is no apt-get"
  scratch=$(mktemp -d)
  # apt-get's own user may not enter a private directory.
  chmod 755 "$scratch"
  (
    cd "$scratch"
    apt-get download "$package" >/dev/null 2>&1 || {
      [ "$(id -u)" -ne 0 ] || apt-get update >/dev/null 2>&1
      apt-get download "$package" >/dev/null
    } || fail "'apt-get download $package' failed"
    dpkg-deb -x "$package"_*.deb "$target/$package"
  )
  rm -rf "$scratch"
}

mkdir -p "$target"
if [ "$(cat "$stamp" 2>/dev/null)" != "$(cksum <"$requirements")" ]; then
  rm -rf "$target/python"
  python3 -m venv "$target/python" >/dev/null || fail "'python3 -m venv' fails: install Python's venv module"
  "$target/python/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" ||
    fail "pip could not install requirements.txt: see that pip reaches a package index, then run install.sh again"
  cksum <"$requirements" >"$stamp"
fi
[ -x "$target/prometheus/usr/bin/promtool" ] || unpack prometheus
[ -e "$target/rabbitmq-server/usr/bin/rabbitmqadmin" ] || unpack rabbitmq-server
if [ ! -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends rabbitmq-server >/dev/null 2>&1 ||
    echo "install.sh: RabbitMQ could not be installed: the test of definitions is skipped" >&2
fi
echo "ok: tools installed in $target"
