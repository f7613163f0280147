#!/bin/bash
# Installs what tests need beside Swift: the real clients, which are a Python environment in <repo root>/.build-clients
# and Debian's amqp-tools, and strace.
# usage: install.sh        (idempotent; from any directory)
set -euo pipefail

clients_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
environment_directory=$(cd "$clients_directory/../../.." && pwd)/.build-clients
requirements=$clients_directory/requirements.txt
stamp=$environment_directory/installed-requirements.cksum

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

install_debian_package() {
  local package=$1
  command -v apt-get >/dev/null ||
    fail "'$package' is missing and there is no apt-get: install $2, then run install.sh again"
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
      fail "'$package' is missing and needs root: run 'apt-get install $package' as root, then install.sh again"
    # -n: a password prompt would hang a run without a terminal.
    as_root=(sudo -n)
  fi
  local install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends)
  install+=("$package")
  if ! "${install[@]}" >/dev/null 2>&1; then
    "${as_root[@]}" apt-get update >/dev/null 2>&1 || true
    "${install[@]}" >/dev/null ||
      fail "'apt-get install $package' failed: install it by hand, then run install.sh again"
  fi
}

install_python_environment() {
  command -v python3 >/dev/null || install_debian_package python3 "Python 3.10 or later"
  rm -rf "$environment_directory"
  if ! python3 -m venv "$environment_directory" >/dev/null 2>&1; then
    rm -rf "$environment_directory"
    install_debian_package python3-venv "Python's venv module"
    python3 -m venv "$environment_directory" >/dev/null ||
      fail "'python3 -m venv' fails: repair the Python installation, then run install.sh again"
  fi
  "$environment_directory/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" ||
    fail "pip could not install requirements.txt: see that pip reaches a package index, then run install.sh again"
  cksum <"$requirements" >"$stamp"
}

if [ "$(cat "$stamp" 2>/dev/null)" != "$(cksum <"$requirements")" ]; then
  install_python_environment
fi
if ! command -v amqp-publish >/dev/null; then
  install_debian_package amqp-tools "the tools of rabbitmq-c"
fi
# Tests with a slow or failing disk are skipped without it, so nobody is asked for a password.
if ! command -v strace >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  install_debian_package strace "strace"
fi
echo "ok: clients installed in $environment_directory"
