#!/bin/sh
# Makes dist/bind-then-run-<processor> for this machine, where it is Linux and has a C compiler. Without one the reaper's image
# does without: in place of Ryuk, its Node listens when it is up.
set -eu
cd "$(dirname "$0")/../.."

main() {
  [ "$(uname -s)" = Linux ] || skip 'this is not Linux'
  compiler=$(command -v "${CC:-cc}") || skip 'there is no C compiler here'
  case $(uname -m) in
    x86_64) processor=amd64 ;;
    aarch64) processor=arm64 ;;
    *) skip "there is no image for $(uname -m)" ;;
  esac
  "$compiler" -static -Os -s -Wall -Wextra -o "dist/bind-then-run-$processor" docker/reaper/bind-then-run.c
}

skip() {
  echo "bind-then-run is not built: $1" >&2
  exit 0
}

main
