#!/bin/sh
# Makes sure that testcontainers for Python and pytest are there for the specs, in a virtual environment under
# node_modules/.cache, and prints that environment's interpreter. Python itself is installed from the distribution's
# packages where it is missing (root on Debian or Ubuntu). Else: says what is missing, exit 1.
set -eu

# shellcheck source=docker/apt.sh
. "$(dirname "$0")/apt.sh"

version=4.15.0
pytest=9.2.0
cache=$(cd "$(dirname "$0")/.." && pwd)/node_modules/.cache
environment=$cache/castoff-python-$version-$pytest

main() {
  has_client || build
  echo "$environment/bin/python"
}

# The environment gets its name when it is whole.
has_client() {
  [ -x "$environment/bin/python" ]
}

build() {
  has_venv || install_python
  mkdir -p "$cache"
  fresh=$(mktemp -d "$cache/castoff-python-XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  {
    python3 -m venv "$fresh/environment" &&
      "$fresh/environment/bin/python" -m pip install --quiet --disable-pip-version-check \
        "testcontainers==$version" "pytest==$pytest"
  } >&2 || give_up 'pip said the above'
  # Somebody else may have been quicker: theirs is as good.
  mv -T "$fresh/environment" "$environment" 2>/dev/null || has_client || give_up "$environment can not be written"
}

has_venv() {
  command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null
}

install_python() {
  obstacle=$(why_no_packages)
  [ -z "$obstacle" ] || give_up "there is no python3 with venv, and $obstacle; install it"
  take_lock
  install_packages python3-venv >&2 || give_up 'python3-venv could not be installed (apt-get said the above)'
  has_venv || give_up 'python3-venv is installed, but python3 has no venv'
}

give_up() {
  echo "python-client: testcontainers $version for Python can not be had: $1" >&2
  exit 1
}

main
