# group: java
# set: long
work() { run /usr/lib/jvm/java-17-openjdk-arm64/bin/java -Xint -Xshare:off -XX:+UseSerialGC -Xmx256m "$here/Jit.java" 20; }
