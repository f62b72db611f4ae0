# group: node
# set: long
work() { run /usr/bin/node --jitless "$here/jit.js" 16; }
