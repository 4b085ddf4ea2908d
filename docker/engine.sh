#!/bin/sh
# Makes sure that a Docker engine answers. If one does, it is used. Else, as root on Debian or Ubuntu, dockerd is
# installed (docker.io) and started in the background; it goes on after this script. Else: says what to do, exit 1.
set -eu

# shellcheck source=docker/apt.sh
. "$(dirname "$0")/apt.sh"

socket=/var/run/docker.sock
pid_file=/var/run/docker.pid
log=/var/log/castoff-dockerd.log
patience_s=60

main() {
  endpoint=$(find_endpoint)
  use_answering && return
  start_here_or_give_up
  take_lock
  use_answering && return
  command -v dockerd >/dev/null || install_engine
  pid=$(running_dockerd) || pid=$(start_dockerd)
  wait_for_answer "$pid"
}

find_endpoint() {
  if [ -n "${DOCKER_HOST:-}" ]; then
    echo "$DOCKER_HOST"
  else
    docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || echo "unix://$socket"
  fi
}

use_answering() {
  version=$(ask_version) || return 1
  echo "engine: $version answers on $endpoint"
}

# A docker command may be there without any engine behind it: only the engine's own words count.
ask_version() {
  if command -v docker >/dev/null; then
    version=$(limit 10 docker version --format '{{.Server.Version}} (API {{.Server.APIVersion}})' 2>/dev/null) &&
      echo "Docker $version"
  else
    case $endpoint in unix://*) ;; *) return 1 ;; esac
    headers=$(curl -fsS --max-time 10 --unix-socket "${endpoint#unix://}" -I http://localhost/_ping 2>/dev/null) &&
      echo "$headers" | tr -d '\r' | sed -n 's/^Server: //p'
  fi
}

# macOS has no timeout command.
limit() {
  if command -v timeout >/dev/null; then timeout "$@"; else shift && "$@"; fi
}

start_here_or_give_up() {
  obstacle=$(why_no_packages)
  if [ -n "${DOCKER_HOST:-}" ]; then
    give_up 'DOCKER_HOST is set; start that engine, or unset DOCKER_HOST'
  elif [ "$endpoint" != "unix://$socket" ]; then
    give_up "the docker context points there; start that engine, or run 'docker context use default'"
  elif [ -n "$obstacle" ]; then
    give_up "$obstacle, so none is started here; start Docker, or set DOCKER_HOST to one that this user may reach"
  fi
}

install_engine() {
  echo 'engine: install docker.io'
  # Debian 13 has the command in a package of its own.
  if apt-cache show docker-cli >/dev/null 2>&1; then set -- docker.io docker-cli; else set -- docker.io; fi
  install_packages "$@" || give_up 'docker.io could not be installed (apt-get said the above)'
}

# Somebody else may be starting one right now. A pid file whose process is no dockerd would keep ours from starting.
running_dockerd() {
  pid=$(cat "$pid_file" 2>/dev/null) || return 1
  if [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ]; then
    echo "$pid"
  else
    rm -f "$pid_file"
    return 1
  fi
}

start_dockerd() {
  cd /
  setsid dockerd >"$log" 2>&1 </dev/null 9>&- &
  echo $!
}

wait_for_answer() {
  deadline=$(($(date +%s) + patience_s))
  while ! version=$(ask_version); do
    if ! is_alive "$1" && ! running_dockerd >/dev/null; then
      explain_failure "dockerd (pid $1) ended"
    elif [ "$(date +%s)" -ge "$deadline" ]; then
      explain_failure "dockerd (pid $1) did not answer within $patience_s s"
    fi
    sleep 0.1
  done
  echo "engine: $version answers on $endpoint; dockerd started in the background (pid $(cat "$pid_file"), log $log)"
}

# A zombie has no exe any more.
is_alive() {
  [ -e "/proc/$1/exe" ]
}

explain_failure() {
  tail -n 15 "$log" >&2
  give_up "$1; its last lines are above, all of them in $log"
}

give_up() {
  echo "engine: no Docker engine answers on $endpoint: $1" >&2
  exit 1
}

main
