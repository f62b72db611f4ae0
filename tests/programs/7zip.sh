# group: tools
# armhf: long
# LZMA2 both ways; times stay out of the archive.
prepare() { cat "$libc" "$libs/libcrypto.so.3" | head -c 1500000 >data; }
work() {
    run /usr/bin/7zz a -bd -bso0 -mx5 -mmt1 -mtm- packed.7z data
    sha256sum packed.7z
    mkdir out
    run /usr/bin/7zz x -bd -bso0 -oout packed.7z
    run /usr/bin/7zz t -bd -bso0 packed.7z
    cmp data out/data && echo same
}
