# group: python
# oracle: none
# set: long
# Python's own tests. Some start Python again, which the oracle can't.
work() { run /usr/bin/python3.11 -B -m test test_math test_cmath test_struct test_re test_float test_long >log 2>&1 || { cat log; false; }; tail -n 1 log; }
