#!/bin/sh
# Makes sure that testcontainers for Go is there for the specs: compiles the suite of spec/fixtures/suites/go with modules
# and a build cache under node_modules/.cache, and prints that folder. Needs go, of any version since 1.21, which gets
# the version that the suite asks for. Else: says what is missing, exit 1.
set -eu
cd "$(dirname "$0")/.."

main() {
  go=$(PATH=$PATH:/usr/local/go/bin command -v go) || give_up 'there is no go'
  cache=$PWD/node_modules/.cache/castoff-go
  export GOMODCACHE="$cache/mod" GOCACHE="$cache/build" GOFLAGS='-mod=readonly -modcacherw'
  cd spec/fixtures/suites/go
  "$go" test -run='^$' ./... >&2 || give_up 'it did not compile (go said the above)'
  echo "$cache"
}

give_up() {
  echo "go-client: testcontainers for Go can not be had: $1" >&2
  exit 1
}

main
