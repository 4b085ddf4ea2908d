#!/bin/sh
# Prepares the specs: the engine and the images that they run come up while the package is built.
set -eu
cd "$(dirname "$0")/.."

main() {
  docker/tools.sh # the build needs a compiler
  npm run build &
  build=$!
  status=0
  prepare_engine || status=$?
  wait "$build"
  [ "$status" -eq 0 ] || exit "$status"
  node dist/cli.js reaper image
}

prepare_engine() {
  docker/engine.sh && docker/images.sh && docker/server-images.sh
}

main
