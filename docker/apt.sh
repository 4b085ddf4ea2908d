# shellcheck shell=sh
# Sourced by engine.sh and tools.sh: packages of the distribution, where this machine may install them.

policy=/usr/sbin/policy-rc.d

# Answers why packages can not be installed here, or nothing when they can.
why_no_packages() {
  if ! command -v apt-get >/dev/null || ! grep -Eqs '^ID(_LIKE)?=.*(debian|ubuntu)' /etc/os-release; then
    echo 'this is not Debian or Ubuntu'
  elif [ "$(id -u)" -ne 0 ]; then
    echo 'this is not root'
  fi
}

# Installs packages without recommends and without starting their services. Callers hold a lock.
install_packages() (
  output=$(mktemp)
  trap 'rm -f "$output"' EXIT
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$output" "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  apt_install "$@" >"$output" 2>&1 && return
  { apt-get -qq update && apt_install "$@"; } >"$output" 2>&1 && return
  tail -n 15 "$output" >&2
  return 1
)

apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 install "$@" </dev/null
}

# Runs the rest of the calling script alone: one installation or start at a time on this machine.
take_lock() {
  exec 9>/var/lock/castoff.lock
  flock 9
}
