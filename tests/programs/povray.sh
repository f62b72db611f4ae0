# group: povray
# armhf: long
# The picture's bytes alone: its header tells when it was made.
work() {
    run /usr/bin/povray +I"$here/scene.pov" +Oscene.ppm +FP +W96 +H72 +WT1 -D -GA 2>log
    tail -c $((96 * 72 * 3)) scene.ppm | sha256sum
}
