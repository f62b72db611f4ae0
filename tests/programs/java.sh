# group: java
# set: long
# Hot loops on several threads, compiled while they run. The Java compiler, itself a Java program, is not timed.
java="/usr/lib/jvm/java-17-openjdk-$ARCH/bin/java -Xshare:off -XX:+UseSerialGC -Xmx256m"
prepare() { run $java -m jdk.compiler/com.sun.tools.javac.Main -d . "$here/Jit.java"; }
work() { run $java -cp . Jit 4; }
