# group: node
work() { run /usr/bin/node "$here/wasm.js"; }
