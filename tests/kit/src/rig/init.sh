#!/bin/sh
# The first process in the rig. Runs /rig/command for a person or a test runner, or all of /rig/scenarios, one after
# another, and tells on the console what they did: see frame.rs.
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
# Not over a program that was built below /tmp and is packed under its own name.
mkdir -p /tmp
[ -f /rig/command ] || mount -t tmpfs tmpfs /tmp
ip link set lo up
export PATH=/bin:/usr/bin HOME=/tmp TERM=vt100
. /rig/environment
for module in /rig/modules/*; do [ ! -f "$module" ] || insmod "$module"; done
[ -z "${MOUNT:-}" ] || mount -t ext4 /dev/vda "$MOUNT"
[ ! -f /rig/prepare ] || . /rig/prepare
stty -onlcr

send() { # file: as text, with what it takes to see that nothing was lost on the way
    echo "@@ file $1 $(wc -c <"$1") $(crc32 <"$1")"
    base64 "$1" | sed 's/^/@@= /'
}

scenario() { # name
    mkdir "/tmp/$1"
    cd "/tmp/$1"
    echo "@@ begin $1"
    start=$(cut -d ' ' -f 1 /proc/uptime)
    timeout "$LIMIT" sh "/rig/scenarios/$1" >stdout 2>stderr </dev/null
    status=$?
    end=$(cut -d ' ' -f 1 /proc/uptime)
    # From the first process this reaches all others: nothing is left for the next scenario.
    kill -9 -1 2>/dev/null
    for file in *; do send "$file"; done
    echo "@@ end $1 $status $start $end"
    cd /
    rm -rf "/tmp/$1"
}

if [ -f /rig/command ]; then
    cd "$DIRECTORY"
    setsid -c sh /rig/command </dev/ttyAMA0 >/dev/ttyAMA0 2>&1
    printf '\036@@ status %d\n' $?
else
    stty -echo
    for path in /rig/scenarios/*; do scenario "${path##*/}"; done
    echo "@@ done"
fi
poweroff -f
