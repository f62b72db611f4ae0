# group: tools
# armhf: long
# A VP9 encoder and decoder.
prepare() { run /usr/bin/luajit "$here/picture.lua" 352 288 5 >clip.yuv; }
work() {
    run /usr/bin/vpxenc -q --codec=vp9 --i420 -w 352 -h 288 --fps=25/1 --good --cpu-used=3 --threads=1 --ivf -o clip.ivf clip.yuv 2>log
    sha256sum clip.ivf
    run /usr/bin/vpxdec --md5 --i420 clip.ivf
}
