# group: tools
# set: long
# Runs for a given time, so it measures nothing here; it must run to its end.
work() {
    run /usr/bin/openssl speed -seconds 1 -bytes 8192 sha256 aes-128-cbc ghash rsa1024 ecdsap256 ed25519 >log 2>&1
    grep -c '^sha256\|^aes-128\|^ghash\|^rsa\|ecdsa\|EdDSA' log
}
