# group: tools
# armhf: long
work() { run /usr/bin/luajit -joff "$here/jit.lua" 10; }
