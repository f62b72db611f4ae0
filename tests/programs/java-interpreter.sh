# group: java
# set: long
java="/usr/lib/jvm/java-17-openjdk-$ARCH/bin/java -Xshare:off -XX:+UseSerialGC -Xmx256m"
prepare() { run $java -m jdk.compiler/com.sun.tools.javac.Main -d . "$here/Jit.java"; }
work() { run $java -Xint -cp . Jit 20; }
