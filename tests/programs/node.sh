# group: node
# armhf: long
work() { run /usr/bin/node "$here/jit.js" 5; }
