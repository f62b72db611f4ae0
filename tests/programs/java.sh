# group: java
# set: long
# Hot loops on several threads, compiled while they run. The Java compiler, itself a Java program, is not timed.
# It looks into no folders but its own: those of 64-bit hosts are too much for a 32-bit program under the oracle.
java="/usr/lib/jvm/java-17-openjdk-$ARCH/bin/java -Xshare:off -XX:+UseSerialGC -Xmx256m"
part=4
# There the library makes a fused multiply-add of big decimals.
[ $ARCH = arm64 ] || part=100
prepare() { run $java -m jdk.compiler/com.sun.tools.javac.Main -cp /nowhere -d . "$here/Jit.java"; }
work() { run $java -cp . Jit $part; }
