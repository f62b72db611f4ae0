# group: node
work() { run /usr/bin/node "$here/jit.js" 5; }
