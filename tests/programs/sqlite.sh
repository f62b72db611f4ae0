# group: tools
work() { run /usr/bin/sqlite3 -batch test.db <"$here/join.sql"; }
