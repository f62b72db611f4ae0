# Text, hashes, regular expressions, sorting, packing and floating point.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use List::Util qw(sum reduce);
use Math::BigInt;

my $seed = 42;
sub rnd { $seed = ($seed * 1103515245 + 12345) & 0x7fffffff; return $seed % $_[0] }
my @words = map { join '', map { chr(97 + rnd(12)) } 1 .. 2 + rnd(6) } 1 .. 60000;
my %seen;
$seen{$_}++ for @words;
my @top = sort { $seen{$b} <=> $seen{$a} || $a cmp $b } keys %seen;
print "words ", scalar(keys %seen), " $_=$seen{$_}\n" for @top[0 .. 4];
my $text = join ' ', @words;
my $pairs = 0;
$pairs++ while $text =~ /\b(\w)\w*\1\b/g;
print "pairs $pairs\n";
(my $swapped = $text) =~ s/(\w+) (\w+)/\u$2-$1/g;
$swapped =~ tr/a-m/n-z/;
print "swapped ", sha256_hex($swapped), "\n";
my @m = map { my $i = $_; [map { ($i * $_ + 1) % 17 / 3 } 0 .. 59] } 0 .. 59;
my @p = map { my $r = $_; [map { my $c = $_; sum map { $r->[$_] * $m[$_][$c] } 0 .. 59 } 0 .. 59] } @m;
printf "matrix %.15g\n", sum map { @$_ } @p;
print "packed ", unpack('%32C*', pack('(NvqdA4)*', map { ($_, $_ % 999, -$_, $_ / 7, "w$_") } 1 .. 30000)), "\n";
print "big ", Math::BigInt->new(2)->bpow(700)->bmodpow(65537, Math::BigInt->new('1000000000000000000000000000057')), "\n";
my $fib;
$fib = sub { $_[0] < 2 ? $_[0] : $fib->($_[0] - 1) + $fib->($_[0] - 2) };
print "fib ", $fib->(22), "\n";
print "sorted ", sha256_hex(join ',', sort { $a <=> $b } map { rnd(1e6) / 8 } 1 .. 80000), "\n";
