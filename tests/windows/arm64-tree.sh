#!/usr/bin/env bash
# Makes a Debian tree for arm64 with wine and a prefix in it: tests/windows/arm64-tree.sh TREE. Nothing of it is run but by
# qemu-aarch64; needs mmdebstrap, qemu-user and qemu-user-binfmt.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tree=$1
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
rm -rf "$tree"
mmdebstrap --quiet --variant=extract --mode=root --arch=arm64 --include=wine64,libwine,busybox-static \
    --aptopt='APT::Install-Recommends "false"' bookworm "$tree" "deb $mirror bookworm main"
mkdir -p "$tree"/{bin,proc,sys,root,mnt,run,tmp,dev}
ln -sf busybox "$tree/bin/sh"
rm -rf "$tree"/usr/share/{doc,man,locale,icons} "$tree"/usr/lib/aarch64-linux-gnu/wine/{i386,x86_64}-windows
"$here/in-tree.sh" "$tree" "$tree/mnt" / wineboot -i
