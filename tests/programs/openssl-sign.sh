# group: tools
# Keys are made anew in each run, so only what was found of the signatures is printed.
prepare() {
    cp "$libc" data
    run /usr/bin/openssl genrsa -out rsa 2048 2>/dev/null
    run /usr/bin/openssl ecparam -genkey -name prime256v1 -out ec-p256
    run /usr/bin/openssl ecparam -genkey -name secp384r1 -out ec-p384
    for key in rsa ec-p256 ec-p384; do run /usr/bin/openssl pkey -in $key -pubout -out $key.pub; done
}
work() {
    for key in rsa ec-p256 ec-p384; do
        for i in 1 2 3; do
            run /usr/bin/openssl dgst -sha256 -sign $key -out signature data
            echo $key $(run /usr/bin/openssl dgst -sha256 -verify $key.pub -signature signature data)
        done
    done
    run /usr/bin/openssl prime -generate -bits 256 >prime
    run /usr/bin/openssl prime $(cat prime) | grep -c 'is prime'
}
