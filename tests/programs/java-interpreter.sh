# group: java
# set: long
java="/usr/lib/jvm/java-17-openjdk-$ARCH/bin/java -Xshare:off -XX:+UseSerialGC -Xmx256m"
part=20
# There the library makes a fused multiply-add of big decimals.
[ $ARCH = arm64 ] || part=200
prepare() { run $java -m jdk.compiler/com.sun.tools.javac.Main -cp /nowhere -d . "$here/Jit.java"; }
work() { run $java -Xint -cp . Jit $part; }
