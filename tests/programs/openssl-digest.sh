# group: tools
prepare() { for i in 1 2 3 4 5 6 7 8; do cat "$libs/libcrypto.so.3"; done >data; }
work() {
    for digest in md5 sha1 sha256 sha512 sha3-256 blake2b512 sm3; do
        run /usr/bin/openssl dgst -$digest -r data
    done
}
