#!/usr/bin/env bash
# Makes a Debian tree for arm64 with wine and a prefix in it, unless it is there: tests/windows/arm64-tree.sh TREE. Nothing of it
# is run but by qemu-aarch64; needs mmdebstrap and qemu-user-static, or qemu-user with qemu-user-binfmt.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$1
mkdir -p "$(dirname "$tree")"
exec 9>"$tree.lock"
flock 9
[ -f "$tree/complete" ] && exit 0
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
rm -rf "$tree"
mmdebstrap --quiet --variant=extract --mode=chrootless --arch=arm64 --include=wine64,libwine,busybox-static \
    --aptopt='APT::Install-Recommends "false"' bookworm "$tree" "deb $mirror bookworm main"
mkdir -p "$tree"/{bin,proc,sys,root,mnt,run,tmp,dev,payloads}
ln -sf busybox "$tree/bin/sh"
rm -rf "$tree"/usr/share/{doc,man,locale,icons} "$tree"/usr/lib/aarch64-linux-gnu/wine/{i386,x86_64}-windows
"$here/in-tree.sh" "$tree" "$tree/mnt" / wineboot -i 9>&-
touch "$tree/complete"
