# group: tools
# armhf: long
# Scalar floating point all along: one wrong rounding changes the stream.
prepare() { run /usr/bin/luajit "$here/sound.lua" 8 >sound.wav; }
work() {
    run /usr/bin/lame --quiet -q 2 -V 2 sound.wav sound.mp3
    run /usr/bin/lame --quiet --decode sound.mp3 back.wav
    sha256sum sound.mp3 back.wav
}
