#!/bin/sh
# Builds castoff-spec/redis:1 and castoff-spec/postgres:1, the real servers that specs run as Testcontainers' modules do, from the
# distribution's packages and this machine's static busybox: no hub, and nothing is installed here. Where an image of this very
# recipe is there, nothing happens.
set -eu

home=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=docker/apt.sh
. "$home/apt.sh"
# shellcheck source=docker/busybox.sh
. "$home/busybox.sh"

label=castoff.spec-image
tag=1
plain_path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# The libraries of the servers' packages, their data on time zones, and locales (in libc-bin). LLVM compiles long queries: none here.
needed='^(lib[a-z0-9.+-]+|zlib1g|tzdata)$'
needless='^lib(llvm|perl|sensors|json-perl|common-sense-perl|types-serialiser-perl|python)'

main() {
  all_scratch=$(mktemp -d)
  trap 'rm -rf "$all_scratch"' EXIT
  path=$plain_path
  build_server redis lay_out_redis 'CMD ["redis-server"]' 'WORKDIR /data' 'VOLUME /data' 'EXPOSE 6379'
  build_server postgres lay_out_postgres 'CMD ["postgres"]' 'ENV PGDATA=/var/lib/postgresql/data' \
    'VOLUME /var/lib/postgresql/data' 'EXPOSE 5432'
}

# Builds the image of server $1 with the function $2, which lays out a root in $folder; the others say how it is run.
build_server() {
  server=$1
  name=castoff-spec/$server
  lay_out=$2
  shift 2
  entrypoint=$home/servers/$server-entrypoint.sh
  recipe=$(cat "$home/server-images.sh" "$home/busybox.sh" "$entrypoint" | sha256sum | cut -c 1-16)
  [ "$(present_recipe)" != "$recipe" ] || return 0

  busybox=$(need_static_busybox) || exit 1
  scratch=$all_scratch/$server
  folder=$scratch/root
  lay_out_ground
  "$lay_out"
  import_root "$@" || give_up "the engine at ${DOCKER_HOST:-the default address} did not import it"
  [ "$(present_recipe)" = "$recipe" ] || give_up 'it was imported, but the engine does not have it'
  echo "images: $name:$tag built (recipe $recipe)"
}

# Packages of newer distributions have all they have below /usr.
lay_out_ground() {
  mkdir -p "$folder/usr/lib" "$folder/usr/lib64" "$folder/usr/bin" "$folder/usr/local/bin"
  ln -s usr/lib "$folder/lib"
  ln -s usr/lib64 "$folder/lib64"
  ln -s usr/bin "$folder/bin"
  lay_out_busybox "$busybox" "$folder"
  cp "$entrypoint" "$folder/usr/local/bin/docker-entrypoint.sh"
  chmod 755 "$folder/usr/local/bin/docker-entrypoint.sh"
}

lay_out_redis() {
  unpack '^redis-(server|tools)$' redis-server
  add_user redis
  mkdir -p "$folder/data"
}

lay_out_postgres() {
  unpack '^postgresql(-client)?-[0-9]+$' postgresql
  programs=$(cd "$folder" && echo usr/lib/postgresql/*/bin)
  path=$plain_path:/$programs
  rm -rf "$folder/${programs%/bin}/lib/bitcode" "$folder/${programs%/bin}/lib/llvmjit.so"
  add_user postgres
  mkdir -p "$folder/var/lib/postgresql/data" "$folder/var/run/postgresql"
  chmod 777 "$folder/var/run/postgresql"
}

add_user() {
  echo "$1:x:999:999:$1:/tmp:/bin/sh" >>"$folder/etc/passwd"
  printf 'root:x:0:\n%s:x:999:\n' "$1" >"$folder/etc/group"
}

# Unpacks what fits $1 of package $2 and all that it depends on, with the libraries.
unpack() {
  mkdir "$scratch/packages"
  closure=$(packages_for "$2") || { apt_update && closure=$(packages_for "$2"); } ||
    give_up "apt-get finds no package $2; it needs Debian or Ubuntu (Docker has the image: docker pull $server)"
  wanted=$(echo "$closure" | grep -E "$1|$needed" | grep -Ev "$needless")
  # shellcheck disable=SC2086 # one package per word
  download $wanted || { apt_update && download $wanted; } || give_up 'its packages could not be downloaded (apt-get said the above)'
  for package in "$scratch"/packages/*.deb; do
    dpkg-deb --fsys-tarfile "$package" |
      tar -C "$folder" --keep-directory-symlink --exclude './usr/share/doc*' --exclude './usr/share/man*' \
        --exclude './usr/share/locale*' --exclude './usr/share/lintian*' --exclude './usr/lib/*/gconv*' -xf -
  done
}

# With no package taken to be installed: all that $1 needs, whatever this machine has. One name a line.
packages_for() {
  : >"$scratch/status"
  apt-get -qq --simulate --no-install-recommends -o Dir::State::status="$scratch/status" install "$1" 2>/dev/null |
    sed -n 's/^Inst \([^ :]*\).*/\1/p' | grep .
}

download() (
  cd "$scratch/packages"
  apt-get -qq -o APT::Sandbox::User=root download "$@" >"$scratch/download.log" 2>&1 ||
    { tail -n 15 "$scratch/download.log" >&2 && return 1; }
)

apt_update() {
  apt-get -qq update >&2
}

present_recipe() {
  docker image inspect --format "{{index .Config.Labels \"$label\"}}" "$name:$tag" 2>/dev/null || true
}

import_root() {
  for change in "$@" "ENV PATH=$path" 'ENV LANG=C.UTF-8' 'ENTRYPOINT ["docker-entrypoint.sh"]' "LABEL $label=$recipe"; do
    set -- "$@" --change "$change"
  done
  while [ "$1" != --change ]; do shift; done
  tar -C "$folder" --owner=0 --group=0 --numeric-owner -cf - . | docker import "$@" - "$name:$tag" >/dev/null || return 1
  docker image prune --force --filter "label=$label" >/dev/null
}

give_up() {
  echo "images: $name:$tag can not be built: $1" >&2
  exit 1
}

main
