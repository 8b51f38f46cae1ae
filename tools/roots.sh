# SPDX-License-Identifier: MPL-2.0
# Debian releases in directories of their own, for tools/matrix.sh and tools/packages.sh, which source this. They set `logs`, a directory.

say() { echo "$(basename "$0" .sh): $*" >&2; }
die() { say "$*"; exit 1; }

# Where this machine gets Debian from, so that a mirror or a snapshot is used for the roots too.
mirror() {
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    sed -n 's/^Debian \(.*\)$/\1/p' | grep -v security | sed -n 1p | grep .
}

bootstrap() {
  local release=$1 root=$2 script=/usr/share/debootstrap/scripts/$1
  # debootstrap keeps a directory of its own in a root until it is complete.
  [ -x "$root/usr/bin/apt-get" ] && [ ! -d "$root/debootstrap" ] && return
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  say "$release: bootstrapping into $root"
  rm -rf --one-file-system "$root"
  mkdir -p "$root"
  local archive
  archive=$(mirror) || die "apt names no Debian archive to take the roots from: see apt-get indextargets"
  debootstrap --variant=minbase "$release" "$root" "$archive" "$script" >"$logs/$release-bootstrap.log" 2>&1 ||
    { tail -5 "$logs/$release-bootstrap.log" >&2; return 1; }
}

# What the machine knows about reaching the network, for apt and npm inside.
share_network() {
  local root=$1 bundle=/etc/ssl/certs/ca-certificates.crt
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  apt-config dump | grep -E '^Acquire::(http|https|Check-|Max-ValidTime|Retries)' >"$root/etc/apt/apt.conf.d/90nnoe" || true
  [ ! -e "$bundle" ] || { mkdir -p "$root/etc/ssl/certs" && cp -L "$bundle" "$root/etc/ssl/nnoe-host.crt"; }
}

# The tree as it stands here, committed or not; what was built inside before stays, so that a second time is quick. Files
# that differ get the time of the copy: with their own, make could take what was built from another version for newer.
copy_tree() {
  local target=$1 file
  local -A wanted=()
  mkdir -p "$target"
  while IFS= read -r -d '' file; do
    [ -e "$file" ] || continue
    wanted[$file]=1
    cmp -s "$file" "$target/$file" && continue
    mkdir -p "$target/$(dirname "$file")"
    cp --no-preserve=timestamps "$file" "$target/$file"
  done < <(git -c safe.directory='*' ls-files -z -co --exclude-standard)
  while IFS= read -r -d '' file; do
    [ -n "${wanted[$file]:-}" ] || rm "$target/$file"
  done < <(cd "$target" && find . -mindepth 1 \( -path ./node_modules -o -path ./build -o -path ./dist \) -prune -o -type f -printf '%P\0')
}

# Runs in mount and process namespaces of its own: whatever happens, nothing stays mounted or running. INSIDE names more
# namespaces (--net); with CLEAN the root stays as it is: what is written goes to memory, and away; each of BINDS (FROM:TO) is mounted
# inside, to be read.
inside() {
  local root=$1
  shift
  [ -z "${CLEAN:-}" ] || mkdir -p "$root.clean"
  # shellcheck disable=SC2016 # expanded by the inner shell
  CLEAN=${CLEAN:-} BINDS=${BINDS:-} unshare --mount --pid --fork --kill-child --propagation private ${INSIDE:-} bash -c '
    set -e
    root=$1; shift
    if [ -n "$CLEAN" ]; then
      mount -t tmpfs -o mode=755 clean "$root.clean"
      mkdir "$root.clean"/{upper,work,root}
      mount -t overlay -o "lowerdir=$root,upperdir=$root.clean/upper,workdir=$root.clean/work" clean "$root.clean/root"
      root=$root.clean/root
    else
      mount --rbind "$root" "$root"
    fi
    for each in $BINDS; do
      mkdir -p "$root${each#*:}"
      mount --bind "${each%%:*}" "$root${each#*:}"
    done
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 tmp "$root/tmp"
    mount --rbind /dev "$root/dev"
    cd "$root"
    pivot_root . .   # not chroot: / stays a mount, and tests may make namespaces
    umount -l .
    cd /
    exec "$@"' - "$root" env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 JOBS="${JOBS:-$(nproc)}" FILTER="${tests:-}" \
    $([ ! -e "$root/etc/ssl/nnoe-host.crt" ] || printf '%s=/etc/ssl/nnoe-host.crt ' NODE_EXTRA_CA_CERTS npm_config_cafile) \
    npm_config_registry="$(npm config get registry 2>/dev/null)" "$@"
}

# The version of a package in a root, or a dash.
installed() { inside "$1" dpkg-query -W -f '${Version}' "$2" 2>/dev/null || echo -; }
