# group: perl
work() { run /usr/bin/perl "$here/mixed.pl"; }
