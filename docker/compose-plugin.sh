#!/bin/sh
# Makes sure that there is a docker command with Compose v2 for the specs, and prints the folder for DOCKER_CONFIG with which
# it has that. Where the plugin is missing, it comes from the package of a later Debian suite, which is not installed, but
# unpacked under node_modules/.cache. Else: says what is missing, exit 1.
set -eu
cd "$(dirname "$0")/.."

suite=forky
cache=$PWD/node_modules/.cache
config=$cache/castoff-compose-$suite

main() {
  if docker compose version >/dev/null 2>&1; then
    echo "${DOCKER_CONFIG:-$HOME/.docker}"
    return
  fi
  has_plugin || unpack
  echo "$config"
}

# The folder gets its name when it is whole.
has_plugin() {
  DOCKER_CONFIG=$config docker compose version >/dev/null 2>&1
}

unpack() {
  for tool in apt-get dpkg-deb; do
    command -v "$tool" >/dev/null || give_up "there is no $tool, and no docker compose; install it"
  done
  mkdir -p "$cache"
  fresh=$(mktemp -d "$cache/castoff-compose-XXXXXX")
  trap 'rm -rf "$fresh"' EXIT
  chmod 755 "$fresh"
  mkdir -p "$fresh/lists/partial" "$fresh/config/cli-plugins"
  mirror=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *//p' | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian} $suite main" \
    >"$fresh/sources.list"
  { fetch update && (cd "$fresh" && fetch download docker-compose) && dpkg-deb -x "$fresh"/*.deb "$fresh/root"; } >&2 ||
    give_up 'apt-get said the above'
  mv "$fresh/root/usr/libexec/docker/cli-plugins/docker-compose" "$fresh/config/cli-plugins/"
  # Another one may have been quicker: theirs is as good.
  mv -T "$fresh/config" "$config" 2>/dev/null || true
  has_plugin || give_up 'the plugin of its package does not run here'
}

# Of that suite alone; the machine's own lists stay as they are.
fetch() {
  apt-get -qq -o Dir::Etc::SourceList="$fresh/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$fresh/lists" -o Dir::Cache="$fresh" -o Acquire::Languages=none \
    -o Acquire::Check-Valid-Until=false -o APT::Sandbox::User=root "$@"
}

give_up() {
  echo "compose-plugin: Compose v2 can not be had: $1" >&2
  exit 1
}

main
