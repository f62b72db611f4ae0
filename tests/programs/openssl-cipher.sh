# group: tools
prepare() { for i in 1 2; do cat "$libs/libcrypto.so.3"; done >data; }
work() {
    for cipher in aes-128-cbc aes-256-ctr chacha20 camellia-256-cbc; do
        run /usr/bin/openssl enc -$cipher -pbkdf2 -iter 1000 -nosalt -k armlet -in data -out packed
        run /usr/bin/openssl enc -d -$cipher -pbkdf2 -iter 1000 -nosalt -k armlet -in packed | cmp - data
        echo $cipher $(sha256sum <packed)
    done
}
