# group: tools
# armhf: long
prepare() { cat "$libs/libcrypto.so.3" >data; }
work() {
    for level in 3 12; do
        run /usr/bin/zstd -q --single-thread -$level data -o packed.$level
        run /usr/bin/zstd -q -d packed.$level -o data.$level
        cmp data data.$level
    done
    sha256sum packed.*
}
