# group: tools
# armhf: long
prepare() { cp "$libc" data; }
work() {
    run /usr/bin/xz -T1 -6 -k data
    sha256sum data.xz
    run /usr/bin/xz -dc data.xz | cmp - data && echo same
}
