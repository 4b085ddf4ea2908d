#!/bin/sh
# Builds castoff-spec/busybox:1, the image that specs and demo run, from this machine's static busybox: no hub. Nothing
# happens where an image of this very recipe is there. DOCKER_HOST chooses the engine; Podman's socket will do.
set -eu

# shellcheck source=docker/busybox.sh
. "$(dirname "$0")/busybox.sh"

name=castoff-spec/busybox
tag=1
label=castoff.spec-image
environment='ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
command='CMD ["sleep", "infinity"]'

main() {
  busybox=$(need_static_busybox) || exit 1
  recipe=$(cat "$0" "$(dirname "$0")/busybox.sh" "$busybox" | sha256sum | cut -c 1-16)
  [ "$(present_recipe)" != "$recipe" ] || return 0

  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  lay_out_busybox "$busybox" "$folder"
  import_root || give_up "the engine at ${DOCKER_HOST:-the default address} did not import it"
  [ "$(present_recipe)" = "$recipe" ] || give_up 'it was imported, but the engine does not have it'
  echo "images: $name:$tag built (recipe $recipe)"
}

root_archive() {
  tar -C "$folder" --owner=0 --group=0 --numeric-owner -cf - bin etc root tmp
}

if command -v docker >/dev/null; then
  present_recipe() {
    docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$name:$tag" 2>/dev/null || true
  }

  import_root() {
    root_archive | docker import --change "$environment" --change "$command" --change "LABEL $label=$recipe" \
      - "$name:$tag" >/dev/null || return 1
    # What carried the name before is an image without a name now.
    docker image prune --force --filter "label=$label" >/dev/null
  }
else
  present_recipe() {
    ask "/images/$name:$tag/json" 2>/dev/null | sed -n "s/.*\"$label\":\"\([0-9a-f]*\)\".*/\1/p"
  }

  import_root() {
    root_archive | post "/images/create?fromSrc=-&repo=$name&tag=$tag&changes=$environment&changes=$command&changes=LABEL $label=$recipe" ||
      return 1
    post "/images/prune?filters={\"dangling\":[\"true\"],\"label\":[\"$label\"]}" </dev/null
  }

  post() {
    ask "$(echo "$1" | sed 's/ /%20/g; s/"/%22/g')" --header 'Content-Type: application/x-tar' --data-binary @- >/dev/null
  }

  ask() {
    path=$1
    shift
    address=${DOCKER_HOST:-unix:///var/run/docker.sock}
    case $address in
      unix://*) curl -gfsS --unix-socket "${address#unix://}" "$@" "http://localhost$path" ;;
      *) give_up "without a docker command only a unix socket can be reached, not $address" ;;
    esac
  }
fi

give_up() {
  echo "images: $name:$tag can not be built: $1" >&2
  exit 1
}

main
