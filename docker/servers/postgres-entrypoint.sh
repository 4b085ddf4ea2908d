#!/bin/sh
# What the hub's image of PostgreSQL does at its start: the first time it makes a cluster with POSTGRES_USER, POSTGRES_PASSWORD
# and POSTGRES_DB, on a server that nobody outside reaches; then the real one starts, which whoever reaches the container may ask.
# It writes without syncing: what it has is gone with the container.
set -eu

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

main() {
  case ${1:--} in -*) set -- postgres "$@" ;; esac
  [ "$1" = postgres ] || exec "$@"
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chown -R postgres "$PGDATA"
    exec su -s /bin/sh -- postgres -c 'exec docker-entrypoint.sh "$@"' docker-entrypoint.sh "$@"
  fi
  [ -s "$PGDATA/PG_VERSION" ] || make_cluster
  exec "$@"
}

make_cluster() {
  : "${POSTGRES_PASSWORD:?must not be empty: it is the password of $user}"
  chmod 700 "$PGDATA"
  echo "$POSTGRES_PASSWORD" >/tmp/password
  initdb --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 --no-sync
  rm /tmp/password
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  printf '%s\n' "listen_addresses = '*'" 'fsync = off' 'full_page_writes = off' >>"$PGDATA/postgresql.conf"
  pg_ctl --wait --options="-c listen_addresses=''" start
  [ "$database" = postgres ] || createdb --username="$user" --maintenance-db=postgres "$database"
  pg_ctl --wait --mode=fast stop
}

main "$@"
