#!/bin/sh
# What the hub's image of Redis does at its start: options alone are redis-server's, and it serves whoever reaches the container.
set -eu

case ${1:--} in -*) set -- redis-server "$@" ;; esac
[ "$1" = redis-server ] || exec "$@"
shift
if [ "$(id -u)" = 0 ]; then
  chown redis .
  exec su -s /bin/sh -- redis -c 'exec redis-server --protected-mode no "$@"' redis-server "$@"
fi
exec redis-server --protected-mode no "$@"
