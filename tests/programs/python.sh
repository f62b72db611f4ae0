# group: python
work() { run /usr/bin/python3.11 -B -S "$here/mixed.py"; }
