# group: tools
# armhf: long
prepare() { run /usr/bin/luajit "$here/sound.lua" 12 >sound.wav; }
work() {
    run /usr/bin/flac --silent -8 --no-padding -o sound.flac sound.wav
    sha256sum sound.wav sound.flac
    run /usr/bin/flac --silent -d -o back.wav sound.flac
    cmp sound.wav back.wav && echo same
}
