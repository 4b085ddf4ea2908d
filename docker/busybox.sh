# shellcheck shell=sh
# Sourced by images.sh and server-images.sh: this machine's static busybox, as the ground of an image. Callers have give_up.

# Prints the path of one, installed first where this machine may.
need_static_busybox() {
  find_static_busybox || install_busybox
}

find_static_busybox() {
  found=$(PATH=$PATH:/sbin:/usr/sbin command -v busybox) &&
    LC_ALL=C ldd "$found" 2>&1 | grep -Eq 'not a dynamic|statically linked' && echo "$found"
}

install_busybox() {
  # shellcheck source=docker/apt.sh
  . "$(dirname "$0")/apt.sh"
  obstacle=$(why_no_packages)
  [ -z "$obstacle" ] || give_up "there is no static busybox to build it from, and $obstacle; install busybox-static"
  take_lock
  install_packages busybox-static >&2 || give_up 'busybox-static could not be installed (apt-get said the above)'
  find_static_busybox || give_up 'busybox-static is installed, but there is no static busybox'
}

# Lays $1, a static busybox, into the root $2, with a link for each of its programs.
lay_out_busybox() {
  mkdir -p "$2/bin" "$2/etc" "$2/root" "$2/tmp"
  chmod 1777 "$2/tmp"
  cp "$1" "$2/bin/busybox"
  chmod 755 "$2/bin/busybox"
  echo 'root:x:0:0:root:/root:/bin/sh' >"$2/etc/passwd"
  # The list names busybox too: linking that one would replace the binary by a link to itself.
  "$1" --list | grep -vx busybox | (cd "$2/bin" && xargs -n 1 ln -s busybox)
}
