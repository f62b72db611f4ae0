# group: python
# oracle: none
# set: long
work() { run /usr/bin/python3.11 -B -m test test_threading >log 2>&1 || { cat log; false; }; tail -n 1 log; }
