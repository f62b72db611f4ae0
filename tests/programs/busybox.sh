# group: shell
# Applets, each a program of its own.
prepare() { cat "$libc" "$ROOT/bin/bash" >data; }
box() { run /bin/busybox "$@"; }
work() {
    for sum in md5sum sha1sum sha256sum sha512sum sha3sum; do echo $sum $(box $sum <data); done
    box gzip -c data >packed.gz
    box sha256sum packed.gz
    box gunzip -c packed.gz | cmp - data && echo same
    head -c 300000 data | box bzip2 -c >packed.bz2
    box bunzip2 -c packed.bz2 | box md5sum
    box seq 1 20000 | box awk '{ x = (x * 16807 + $1) % 2147483647; n[x % 37]++; t += x / 7; print x, $1 * $1 / 11 }
        END { for (i = 0; i < 37; i++) printf "%d ", n[i]; printf "\n%.12g %x\n", t, 123456789 }' >table
    tail -n 2 table
    box sort -n -k 2 table | box sed -n -e '/99 /{s/^\([0-9]*\) \(.*\)/\2:\1/;y/0123456789/9876543210/;p}' | box md5sum
    box sort -r table | box tr 0-9 a-j | box cut -c 2-9 | box uniq -c | box md5sum
    echo 'scale = 60; 4 * a(1); e(1.5); 2 ^ 300 % 1000003; sqrt(2)' | box bc -l
    box od -A d -t x4 data | box tail -n 3
    box base64 data | box grep -c 'A.*z'
}
