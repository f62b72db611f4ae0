# group: perl
# Modules by name of their folders: qemu-arm-static looks for them on the host, not in ROOT.
export PERL5LIB="$libs/perl/5.36:$ROOT/usr/share/perl/5.36"
work() { run /usr/bin/perl "$here/mixed.pl"; }
