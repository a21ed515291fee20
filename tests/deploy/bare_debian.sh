#!/usr/bin/env bash
# Makes the Debian package from build/release, installs it on a bare Debian 12 that debootstrap makes in a folder of its own, and
# there starts the node as its unit does and as the image does, each in a network of its own, and asks it. Needs root,
# debootstrap and Debian's archive; says so and succeeds where one is missing.
# usage: bash tests/deploy/bare_debian.sh [BUILD]   BUILD is build/release unless told; its programs must be built
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
build=$(realpath "${1:-build/release}")
# Where this machine's own packages come from.
archive=${AICACHE_DEBIAN:-$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 2>/dev/null | head -n 1)}

if [[ ${AICACHE_BARE_INSIDE:-} != yes ]]; then
  missing=''
  ((EUID == 0)) || missing+=' root'
  for tool in debootstrap unshare ip cpack; do command -v "$tool" >/dev/null || missing+=" $tool"; done
  if [[ -n $missing ]]; then
    echo "skipped   the package on a bare Debian: missing:$missing"
    exit 0
  fi
  # Whatever is mounted goes with this process.
  AICACHE_BARE_INSIDE=yes exec unshare --mount --pid --fork --kill-child bash "$0" "$build"
fi

work=$(mktemp -d)
trap 'umount -l "$work/root/proc" 2>/dev/null || true; rm -rf "$work"' EXIT
root=$work/root
failed=0
check() {
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    echo "ok        $what"
  else
    echo "FAILED    $what (exit $?)"
    tail -n 30 "$work/out"
    failed=1
    return 1
  fi
}
must() { check "$@" || exit 1; }
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"; }

must "the package is made" cpack --config "$build/CPackConfig.cmake" -B "$work/made"
package=$(echo "$work"/made/*.deb)
must "a bare Debian 12" debootstrap --variant=minbase bookworm "$root" "$archive"
mount -t proc proc "$root/proc" || exit 1
cp /etc/resolv.conf "$root/etc/resolv.conf" || exit 1
cp "$package" "$root/aicache.deb" || exit 1
must "the package and what it needs are installed" in_root apt-get -q -y --no-install-recommends install /aicache.deb
du -m "$package" | awk '{ print "          " $1 " MB, needs:" }'
in_root dpkg-query -f '          ${Depends}\n' -W aicache

every_file() {
  local file
  for file in usr/bin/{aicached,aicachectl,aicache-load,aicache-replay} usr/lib/systemd/system/aicached.service etc/aicache/aicache.toml \
    etc/default/aicached usr/include/aicache/aicache.hpp usr/lib/aicache/ask-http usr/share/doc/aicache/operations.md; do
    [[ -e $root/$file ]] || { echo "there is no $file"; return 1; }
  done
  [[ -n $(find "$root/usr/lib" -name 'libaicache_engine.a') ]] && [[ -n $(find "$root/usr/lib" -name 'aicache-config.cmake') ]]
}
check "programs, library, headers, unit, settings and guide are there" every_file
no_library_missing() { ! in_root ldd /usr/bin/aicached /usr/bin/aicachectl /usr/bin/aicache-load | grep 'not found'; }
check "no library is missing" no_library_missing
# A node by these words, in a network that has nothing but loopback, as a user that owns nothing; then what `ask` asks.
live() {
  local ask=$1
  shift
  unshare --net bash -c '
    set -euo pipefail
    root=$1 work=$2 ask=$3
    shift 3
    ip link set lo up
    # As the unit and the image have it: a user without rights, who can get none.
    chroot "$root" setpriv --reuid 64100 --regid 64100 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
      env -i PATH=/usr/bin:/bin "$@" >"$work/node" 2>"$work/log" &
    pid=$!
    for _ in $(seq 200); do
      grep -q "^ready " "$work/node" && break
      kill -0 "$pid" || { cat "$work/log"; exit 1; }
      sleep 0.1
    done
    as_guest() { chroot --userspec=64100:64100 "$root" env -i PATH=/usr/bin:/bin HOME=/nonexistent "$@"; }
    eval "$ask"
    kill -TERM "$pid"
    wait "$pid"
  ' live "$root" "$work" "$ask" "$@"
}

read -ra start < <(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/aicached.service")
must "the node starts by the words of its unit and answers aicachectl stats summary" live '
  grep -q "^ready caf=127.0.0.1:7411 http=127.0.0.1:9464" "$work/node"
  as_guest aicache-load --node 127.0.0.1:7411 --requests 20000
  for _ in $(seq 50); do as_guest aicachectl stats summary | tee "$work/summary" | grep -q "qa" && break; sleep 0.1; done
  cat "$work/summary"
  grep -q "hit ratio" "$work/summary"
  as_guest /usr/lib/aicache/ask-http /readyz
  kill -HUP "$pid"
  as_guest /usr/lib/aicache/ask-http /healthz
' "${start[@]}"
head -n 12 "$work/summary" | sed 's/^/          /'

# The second stage of the Dockerfile, whose only other step is the installation above.
dockerfile() { sed -n "s/^$1 //p" deploy/Dockerfile | tail -n 1; }
list() { python3 -c 'import json, sys; print(*json.loads(sys.argv[1]), sep="\n")' "$1"; }
check "the image's folder for state" in_root install -d -o 64100 -g 64100 /var/lib/aicache
mapfile -t entry < <(list "$(dockerfile ENTRYPOINT)" && list "$(dockerfile CMD)")
health=$(sed -n 's/^HEALTHCHECK .* CMD //p' deploy/Dockerfile)
mapfile -t probe < <(list "$health")
check "the node starts by the words of the image, and its health check passes" live "
  grep -q ' http=0.0.0.0:9464' \"\$work/node\"
  for _ in \$(seq 50); do as_guest ${probe[*]} && break; sleep 0.1; done
  as_guest ${probe[*]}
" "$(dockerfile ENV)" AICACHE_INVALIDATION_JOURNAL_FILE=/var/lib/aicache/journal AICACHE_REDIS_URL=redis://127.0.0.1:1 "${entry[@]}"

check "it is removed" in_root apt-get -q -y purge aicache
nothing_left() { [[ ! -e $root/usr/bin/aicached && ! -e $root/etc/aicache/aicache.toml && ! -e $root/usr/lib/systemd/system/aicached.service ]]; }
check "and leaves nothing" nothing_left
exit "$failed"
