# group: java
# Compiled from source by the Java compiler, itself interpreted and compiled on the way; then hot loops on several threads.
work() { run /usr/lib/jvm/java-17-openjdk-arm64/bin/java -Xshare:off -XX:+UseSerialGC -Xmx256m "$here/Jit.java" 4; }
