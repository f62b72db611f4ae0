# The small files of a source tree on ext4 and on a shared directory.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
timed() { # name, then a command whose output nobody wants
    name=$1
    shift
    sync
    echo 3 >/proc/sys/vm/drop_caches
    start=$(date +%s%N)
    "$@" >/dev/null || echo "$name fails"
    echo "@bench $name files $(($(date +%s%N) - start))"
}
unpack() {
    mkdir "$1" && tar -C "$1" -xf /tmp/tree.tar && sync -f "$1"
}
everything() { # where it is called, the directory
    timed "$1-unpack" unpack "$2/tree"
    timed "$1-find" find "$2/tree" -newer /tmp/tree.tar
    timed "$1-grep" grep -rc goroutine "$2/tree"
    timed "$1-remove" rm -r "$2/tree"
}
tar -C /usr/share/go-1.19/src/cmd -cf /tmp/tree.tar .
mke2fs -q -F -t ext4 -E lazy_itable_init=0 /dev/vdb
mkdir /tmp/ext4 /tmp/share
mount -t ext4 /dev/vdb /tmp/ext4
mount -t 9p -o trans=virtio,msize=512000 share /tmp/share
everything ext4 /tmp/ext4
everything 9p /tmp/share
