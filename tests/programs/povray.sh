# group: povray
work() {
    run /usr/bin/povray +I"$here/scene.pov" +Oscene.ppm +FP +W160 +H120 +WT1 -D +A0.3 -GA 2>log
    sha256sum scene.ppm
}
