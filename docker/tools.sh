#!/bin/sh
# Makes sure that the programs which only specs and checks need are there: what is missing is installed from the
# distribution's packages (root on Debian or Ubuntu), no service is started. Else: names what is missing, exit 1.
set -eu

# shellcheck source=docker/apt.sh
. "$(dirname "$0")/apt.sh"

PATH=$PATH:/usr/sbin:/sbin

# One word per tool that is missing: its package.
missing_packages() {
  has_compose || echo docker-compose
  has podman || echo podman
  has ip || echo iproute2
  has chattr || echo e2fsprogs
  has sshd || echo openssh-server
  has ssh || echo openssh-client
  has curl || echo curl
  has shellcheck || echo shellcheck
  # For the program that listens before the reaper's Node is up.
  has cc || echo gcc libc6-dev
}

has() {
  command -v "$1" >/dev/null
}

has_compose() {
  has docker-compose || docker compose version >/dev/null 2>&1
}

give_up() {
  echo "tools: missing: $(echo "$missing" | tr '\n' ' ')(package names of Debian): $1" >&2
  exit 1
}

missing=$(missing_packages)
[ -n "$missing" ] || exit 0

obstacle=$(why_no_packages)
[ -z "$obstacle" ] || give_up "$obstacle, so they are not installed here; the specs on an engine need them"

take_lock
missing=$(missing_packages)
[ -n "$missing" ] || exit 0

echo "tools: install $(echo "$missing" | tr '\n' ' ')"
# shellcheck disable=SC2086 # one package per word
install_packages $missing || give_up 'they could not be installed (apt-get said the above)'
missing=$(missing_packages)
[ -z "$missing" ] || give_up 'their packages are installed, but the commands are not there'
