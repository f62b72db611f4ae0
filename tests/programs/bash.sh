# group: shell
work() { run /bin/bash "$here/mixed.bash"; }
