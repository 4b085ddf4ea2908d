#!/bin/sh
# Brings up a current Docker or Podman on Debian 12 or later, as root, from Debian's packages of a later suite: debootstrap makes a
# root, and the engine runs in it, in network and mount namespaces of its own, with its own data and socket. The machine's own
# packages stay as they are. Idempotent. The roots and the data are in MODERN_HOME, by default ~/.cache/castoff-modern.
#
#   modern-engine.sh test [NAME…] [short]    # builds, and runs the engine, reaper and jest specs on one engine after another;
#                                            # short: a cross-section of them (below)
#   modern-engine.sh install SUITE           # trixie: Docker 26.1, Podman 5.4 · forky: Docker 28.5, Podman 5.8
#   modern-engine.sh up NAME                 # docker-SUITE · docker-SUITE-ctd (containerd image store) · docker-SUITE-api144
#                                            # (refuses API < 1.44, as Docker 29 does) · docker-SUITE-ctd144 · podman-SUITE
#   modern-engine.sh run NAME COMMAND…       # in the engine's network namespace, with that suite's docker, compose, buildx,
#                                            # dockerd, containerd and podman in PATH, and its socket at /var/run/docker.sock
#   modern-engine.sh down NAME               # ends it, keeps its data · purge NAME: with its data
set -eu

self=$(readlink -f "$0")
base=${MODERN_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/castoff-modern}
mirror=${MODERN_MIRROR:-$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs: *//p' | head -n 1)}
mirror=${mirror:-http://deb.debian.org/debian}
packages='docker.io docker-cli docker-compose docker-buildx podman crun runc containerd netavark aardvark-dns conmon passt uidmap
  iptables nftables iproute2 procps curl ca-certificates'
# Removal of each kind, with and without faults; reaping after SIGKILL; sweeping; Compose; the verdict in Jest.
cross_section='spec/engine/removal-faults.spec.ts spec/engine/cleanup-image.spec.ts spec/engine/cleanup-network.spec.ts
  spec/reaper/kill.spec.ts spec/engine/sweep.spec.ts spec/engine/compose-existing.spec.ts spec/jest/ended.spec.ts'

main() {
  command=$1
  shift
  "do_$command" "$@"
}

do_test() {
  names=
  selected=
  for word in "$@"; do
    case $word in
      short) selected="--runTestsByPath $cross_section" ;;
      *) names="$names $word" ;;
    esac
  done
  # shellcheck disable=SC2086 # one name per word
  set -- ${names:-docker-forky docker-forky-ctd144 podman-forky}
  cd "$(dirname "$0")/.."
  docker/prepare.sh
  mkdir -p "$base"
  # They are built from packages, and the engines have no network.
  docker save --output "$base/images.tar" castoff-spec/redis:1 castoff-spec/postgres:1
  failed=
  for name in "$@"; do
    # shellcheck disable=SC2016,SC2086 # the inner shell expands it; one argument per word
    "$self" run "$name" sh -euc 'docker load --quiet --input "$0"
      docker/images.sh
      jest "$@" --selectProjects engine reaper jest' "$base/images.tar" $selected || failed="$failed $name"
    "$self" down "$name"
  done
  [ -z "$failed" ] || { echo "modern engines: specs failed on:$failed" >&2; exit 1; }
}

do_install() {
  suite=$1
  root=$base/root-$suite
  if [ -e "$root/.complete" ]; then
    [ -d "$base/usr-$suite" ] || lay_tools
    cat "$root/.complete"
    return
  fi
  command -v debootstrap >/dev/null || apt-get -qq -y -o DPkg::Lock::Timeout=120 --no-install-recommends install debootstrap >/dev/null
  rm -rf "$root"
  mkdir -p "$root"
  recipe=$suite
  # Debian 12's debootstrap does not know forky yet: sid's recipe is the same.
  [ -e "/usr/share/debootstrap/scripts/$suite" ] || recipe=sid
  began=$(date +%s)
  debootstrap --variant=minbase "$suite" "$root" "$mirror" "$recipe" >"$root.log" 2>&1 || { tail -n 5 "$root.log" >&2; exit 1; }
  based=$(date +%s)
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  cp /etc/resolv.conf /etc/hosts "$root/etc/"
  # A testing suite's Release file expires after a week; a mirror that is behind, or a clock that is ahead, must not matter.
  printf 'APT::Install-Recommends "false";\nAcquire::Check-Valid-Until "false";\n' >"$root/etc/apt/apt.conf.d/99castoff"
  # shellcheck disable=SC2086 # one package per word
  { chroot "$root" apt-get -qq update && chroot "$root" env DEBIAN_FRONTEND=noninteractive \
    apt-get -y -o Dpkg::Use-Pty=0 install $packages; } >>"$root.log" 2>&1 || { tail -n 15 "$root.log" >&2; exit 1; }
  size=$(du -ch "$root"/var/cache/apt/archives/*.deb | tail -n 1 | cut -f 1)
  chroot "$root" apt-get clean
  ended=$(date +%s)
  lay_tools
  echo "$suite: debootstrap $((based - began)) s, packages $((ended - based)) s ($size of packages), $(du -sm "$root" | cut -f 1) MB on disk;" \
    "Docker $(version_of docker.io), Compose $(version_of docker-compose), Buildx $(version_of docker-buildx)," \
    "containerd $(version_of containerd), Podman $(version_of podman)" | tee "$root/.complete"
}

version_of() {
  # shellcheck disable=SC2016 # dpkg-query expands it
  chroot "$root" dpkg-query -W -f '${Version}' "$1"
}

# What is laid over /usr for `run`: programs that work with Debian 12's libraries (runc does not: Debian 12's own is used),
# and podman, which enters the chroot.
lay_tools() {
  layer=$base/usr-$suite
  rm -rf "$layer"
  mkdir -p "$layer/bin" "$layer/sbin" "$layer/libexec/docker/cli-plugins"
  for file in bin/docker bin/docker-compose bin/docker-init bin/containerd bin/containerd-shim-runc-v2 bin/ctr sbin/dockerd \
    sbin/docker-proxy libexec/docker/cli-plugins/docker-compose libexec/docker/cli-plugins/docker-buildx; do
    [ ! -e "$root/usr/$file" ] || cp -pL "$root/usr/$file" "$layer/$file"
  done
  # A docker in /usr/local would come first in PATH.
  for file in docker docker-compose; do
    [ ! -e "/usr/local/bin/$file" ] || { mkdir -p "$layer/local/bin" && ln -f "$layer/bin/$file" "$layer/local/bin/$file"; }
  done
  printf '#!/bin/sh\nexec %s %s podman "$@"\n' "$layer/enter" "$root" >"$layer/bin/podman"
  printf '#!/bin/sh\nexport MODERN_BASE=%s\n' "$base" >"$layer/enter"
  cat >>"$layer/enter" <<'X'
# enter ROOT COMMAND…: runs it in a mount namespace whose root is ROOT, with this machine's processes, devices, /tmp and /run. No
# chroot: what a container or an exec enters is the root of its mount namespace, and with a chroot that is the machine's.
exec unshare --mount --propagation private sh -euc '
  mount --bind "$0" "$0"
  cd "$0"
  for place in proc sys dev tmp ${MODERN_RUN-run} var/lib/containers "${MODERN_BASE#/}"; do
    if [ -d "/$place" ]; then mkdir -p "$place"; mount --rbind "/$place" "$place"; fi
  done
  # What another engine has for networks stays out.
  [ ! -d etc/containers ] || { mkdir -p etc/containers/networks; mount -t tmpfs tmpfs etc/containers/networks; }
  # crun knows cgroups v1 or v2, and no mixture.
  [ ! -d sys/fs/cgroup/unified ] || umount sys/fs/cgroup/unified
  mkdir -p before
  pivot_root . before
  umount -l before
  exec chroot . "$@"' "$@"
X
  chmod +x "$layer/bin/podman" "$layer/enter"
}

# docker-forky-ctd → engine=docker suite=forky variant=ctd
read_name() {
  name=$1
  engine=${name%%-*}
  rest=${name#*-}
  suite=${rest%%-*}
  variant=${rest#"$suite"}
  variant=${variant#-}
  root=$base/root-$suite
  folder=$base/$name
  socket=$folder/$engine.sock
}

do_up() {
  read_name "$1"
  do_install "$suite" >&2
  mkdir -p "$folder"
  if ! answers; then
    keeper=$(keep_namespaces)
    rm -f "$socket" "$folder/docker.pid"
    began=$(date +%s%N)
    "start_$engine" "$keeper"
    wait_for_answer
    echo "$name: up after $((($(date +%s%N) - began) / 1000000)) ms" >&2
  fi
  echo "unix://$socket"
}

answers() {
  curl -fsS --max-time 5 --unix-socket "$socket" http://localhost/_ping >/dev/null 2>&1
}

wait_for_answer() {
  deadline=$(($(date +%s) + 60))
  until answers; do
    [ "$(date +%s)" -lt "$deadline" ] || { tail -n 20 "$folder/log" >&2; exit 1; }
    sleep 0.1
  done
}

# The namespaces live as long as this process.
keep_namespaces() {
  if [ -e "/proc/$(cat "$folder/keeper.pid" 2>/dev/null)/exe" ]; then cat "$folder/keeper.pid"; return; fi
  rm -f "$folder/keeper.pid"
  mkdir -p "$folder/containers" "$root/var/lib/containers"
  # shellcheck disable=SC2016 # the inner shell expands them
  MODERN_RUN='' setsid unshare --net "$base/usr-$suite/enter" "$root" sh -euc '
    ip link set lo up
    mount -t tmpfs tmpfs /run
    mount --bind "$0/containers" /var/lib/containers
    ln -s "$1" /run/docker.sock
    echo $$ >"$0/keeper.pid.new"
    mv "$0/keeper.pid.new" "$0/keeper.pid"
    exec sleep infinity' "$folder" "$socket" >"$folder/keeper.log" 2>&1 </dev/null &
  deadline=$(($(date +%s) + 10))
  until [ -e "$folder/keeper.pid" ]; do
    [ "$(date +%s)" -lt "$deadline" ] || { cat "$folder/keeper.log" >&2; exit 1; }
    sleep 0.05
  done
  cat "$folder/keeper.pid"
}

start_docker() {
  containerd_store=false
  minimum=
  case $variant in
    ctd) containerd_store=true ;;
    api144) minimum=1.44 ;;
    ctd144) containerd_store=true minimum=1.44 ;;
  esac
  cat >"$folder/daemon.json" <<X
{
  "data-root": "$folder/data", "exec-root": "$folder/exec", "pidfile": "$folder/docker.pid", "hosts": ["unix://$socket"],
  "features": { "containerd-snapshotter": $containerd_store }, "cgroup-parent": "/$name"
}
X
  setsid nsenter --target "$1" --net --mount env ${minimum:+DOCKER_MIN_API_VERSION=$minimum} \
    dockerd --config-file "$folder/daemon.json" >>"$folder/log" 2>&1 </dev/null &
  echo $! >"$folder/engine.pid"
}

start_podman() {
  cat >"$folder/containers.conf" <<X
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
X
  mkdir -p "$folder/tmp"
  setsid nsenter --target "$1" --net --mount env CONTAINERS_CONF="$folder/containers.conf" TMPDIR="$folder/tmp" \
    PODMAN_IGNORE_CGROUPSV1_WARNING=1 podman --root="$folder/data" --runroot="$folder/exec" --tmpdir="$folder/libpod" \
    system service --time=0 "unix://$socket" >>"$folder/log" 2>&1 </dev/null &
  echo $! >"$folder/engine.pid"
}

do_run() {
  read_name "$1"
  shift
  do_up "$name" >/dev/null
  # Something to mount the socket over. It goes again, unless an engine has come up there.
  place=
  if [ ! -e /run/docker.sock ]; then
    place=/run/docker.sock
    : >"$place"
  fi
  status=0
  # shellcheck disable=SC2016 # the inner shell expands them
  nsenter --target "$(cat "$folder/keeper.pid")" --net unshare --mount --propagation private sh -euc '
    layer=$1 socket=$2 containers=$3
    shift 3
    mount -t overlay -o "lowerdir=$layer:/usr" overlay /usr
    # A podman without a service works on the default storage: a newer one would convert that of the machine.
    [ ! -d /var/lib/containers ] || mount --bind "$containers" /var/lib/containers
    mount --bind "$socket" /run/docker.sock
    unset DOCKER_HOST
    exec "$@"' run "$base/usr-$suite" "$socket" "$folder/containers" "$@" || status=$?
  [ -z "$place" ] || [ ! -f "$place" ] || rm -f "$place"
  return "$status"
}

do_down() {
  read_name "$1"
  pid=$(cat "$folder/docker.pid" 2>/dev/null || cat "$folder/engine.pid" 2>/dev/null || true)
  [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
  deadline=$(($(date +%s) + 20))
  while [ -n "$pid" ] && [ -e "/proc/$pid/exe" ] && [ "$(date +%s)" -lt "$deadline" ]; do sleep 0.1; done
  keeper=$(cat "$folder/keeper.pid" 2>/dev/null || true)
  # Everything else in the keeper's mount namespace: containers of Podman and their conmon.
  if [ -n "$keeper" ]; then
    own=$(readlink "/proc/$keeper/ns/mnt" || true)
    for other in /proc/[0-9]*; do
      [ -z "$own" ] || [ "$(readlink "$other/ns/mnt" 2>/dev/null)" != "$own" ] || kill -9 "${other#/proc/}" 2>/dev/null || true
    done
  fi
  rm -f "$folder/keeper.pid" "$folder/engine.pid" "$folder/docker.pid"
}

do_purge() {
  do_down "$1"
  # A file that a spec has made undeletable and left.
  chattr -R -f -i "$folder/data" 2>/dev/null || true
  rm -rf "$folder"
  find /sys/fs/cgroup -mindepth 2 -depth -path "/sys/fs/cgroup/*/$name*" -type d -exec rmdir {} + 2>/dev/null || true
}

main "$@"
