# group: node
# armhf: long
work() { run /usr/bin/node "$here/wasm.js"; }
