# group: tools
# armhf: long
# Code that is made while it runs: traces, their exits, and traces thrown away.
work() { run /usr/bin/luajit "$here/jit.lua"; }
