#!/bin/sh
# Takes the machine's name, ssh keys and a script from the disk labelled CIDATA, once for each new instance.
# cloud-init, if it is installed, does this and more, and then this script leaves it alone.
set -eu
[ ! -e /usr/bin/cloud-init ] || exit 0
seed=/run/armlet-seed
state=/var/lib/armlet
mkdir -p "$seed" "$state"
modprobe -a vfat nls_cp437 nls_ascii 2>/dev/null || true
mount -o ro LABEL=CIDATA "$seed" 2>/dev/null || mount -o ro LABEL=cidata "$seed"
trap 'umount "$seed"' EXIT
instance=$(sed -n 's/^instance-id: *//p' "$seed/meta-data")
[ "$(cat "$state/instance" 2>/dev/null)" != "$instance" ] || exit 0
if [ -s "$seed/armlet/hostname" ]; then
    name=$(cat "$seed/armlet/hostname")
    sed -i "s/^127\.0\.1\.1.*/127.0.1.1\t$name/" /etc/hosts
    hostnamectl hostname "$name" 2>/dev/null || { echo "$name" >/etc/hostname; hostname "$name"; }
fi
if [ -s "$seed/armlet/authorized_keys" ]; then
    mkdir -p -m 700 /root/.ssh
    touch /root/.ssh/authorized_keys
    chmod 600 /root/.ssh/authorized_keys
    sort -u "$seed/armlet/authorized_keys" /root/.ssh/authorized_keys >/root/.ssh/new
    mv /root/.ssh/new /root/.ssh/authorized_keys
fi
echo "$instance" >"$state/instance"
case $(head -c 2 "$seed/user-data") in
    '#!')
        install -m 700 "$seed/user-data" "$state/user-script"
        "$state/user-script"
        ;;
    *) grep -qv '^#\|^$' "$seed/user-data" && echo "user-data is for cloud-init, which is not installed" >&2 || true ;;
esac
