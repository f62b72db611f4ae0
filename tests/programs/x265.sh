# group: tools
# armhf: long
# An H.265 encoder: vector code of its own, written by hand.
prepare() { run /usr/bin/luajit "$here/picture.lua" 352 288 4 >clip.yuv; }
work() {
    run /usr/bin/x265 --log-level none --input clip.yuv --input-res 352x288 --fps 25 --pools none --frame-threads 1 --no-info \
        --preset medium -o clip.hevc 2>log
    sha256sum clip.yuv clip.hevc
}
