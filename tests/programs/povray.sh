# group: povray
work() {
    run /usr/bin/povray +I"$here/scene.pov" +Oscene.ppm +FP +W96 +H72 +WT1 -D -GA 2>log
    sha256sum scene.ppm
}
