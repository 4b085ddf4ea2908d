#!/bin/sh
# Builds testcontainers/ryuk:0.14.0, the original that castoff/reaper stands in for, to compare with: the conformance spec
# (CASTOFF_CONFORMANCE_IMAGE=testcontainers/ryuk:0.14.0) and the benches use it where it is on the engine; nothing needs
# it. Takes a clone of testcontainers/moby-ryuk, with or without a work tree:
#
#   docker/ryuk-original.sh ../moby-ryuk
#
# Needs git, go and a docker command. Nothing happens where the image is there.
set -eu

version=0.14.0
image=testcontainers/ryuk:$version

main() {
  ! docker image inspect "$image" >/dev/null 2>&1 || return 0
  [ $# -eq 1 ] || give_up "name a clone of its repository: $0 <folder>"
  for tool in git go; do
    command -v "$tool" >/dev/null || give_up "there is no $tool"
  done

  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  mkdir -p "$folder/source" "$folder/root/bin"
  git -C "$1" archive --output="$folder/source.tar" "$version" || give_up "$1 has no tag $version"
  tar -C "$folder/source" -xf "$folder/source.tar"
  build_binary || give_up 'it did not compile (go said the above)'
  import_root || give_up 'the engine did not import it'
  echo "ryuk-original: $image built"
}

build_binary() (
  cd "$folder/source"
  CGO_ENABLED=0 go build -trimpath -ldflags='-w -s' -o "$folder/root/bin/ryuk" .
)

import_root() {
  tar -C "$folder/root" --owner=0 --group=0 --numeric-owner -cf - bin |
    docker import --change 'CMD ["/bin/ryuk"]' \
      --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      --change 'LABEL org.testcontainers.ryuk=true' - "$image" >/dev/null
}

give_up() {
  echo "ryuk-original: $image can not be built: $1" >&2
  exit 1
}

main "$@"
