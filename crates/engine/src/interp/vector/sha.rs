//! The SHA-1 and SHA-2 instructions (FIPS 180-4) and the SHA-3 group, by the pseudocode of the Arm ARM.

use super::lanes::{Bytes, Lane, Operands, ops};
use crate::uop::VectorOp;

ops! {
    Sha1c: own any sha1c;
    Sha1p: own any sha1p;
    Sha1m: own any sha1m;
    Sha1h: own any sha1h;
    Sha1su0: own any sha1su0;
    Sha1su1: own any sha1su1;
    Sha256h: own any sha256h;
    Sha256h2: own any sha256h2;
    Sha256su0: own any sha256su0;
    Sha256su1: own any sha256su1;
    Sha512h: own any sha512h;
    Sha512h2: own any sha512h2;
    Sha512su0: own any sha512su0;
    Sha512su1: own any sha512su1;
    Rax1: own any rax1;
    Xar: own any xar;
}

fn words(v: &Bytes) -> [u32; 4] {
    std::array::from_fn(|n| u32::get(v, n))
}

fn set_words(d: &mut Bytes, words: [u32; 4]) -> bool {
    for (n, word) in words.into_iter().enumerate() {
        word.put(d, n);
    }
    false
}

/// The two 64-bit halves, lower first.
fn halves(v: &Bytes) -> [u64; 2] {
    [u64::get(v, 0), u64::get(v, 1)]
}

fn set_halves(d: &mut Bytes, halves: [u64; 2]) -> bool {
    halves[0].put(d, 0);
    halves[1].put(d, 1);
    false
}

/// The functions of both standards, for 32 and 64-bit words.
macro_rules! choose {
    ($x:expr, $y:expr, $z:expr) => {
        ($x & $y) ^ (!$x & $z)
    };
}
macro_rules! majority {
    ($x:expr, $y:expr, $z:expr) => {
        ($x & $y) ^ ($x & $z) ^ ($y & $z)
    };
}
macro_rules! sigma {
    ($x:expr, $a:literal, $b:literal, $c:literal) => {
        $x.rotate_right($a) ^ $x.rotate_right($b) ^ $x.rotate_right($c)
    };
    ($x:expr, $a:literal, $b:literal, shr $c:literal) => {
        $x.rotate_right($a) ^ $x.rotate_right($b) ^ $x >> $c
    };
}

/// Four rounds of SHA-1 on a-d in `c` and e in `a`, with round inputs `b`.
#[inline(always)]
fn sha1(o: &Operands, d: &mut Bytes, f: impl Fn(u32, u32, u32) -> u32) -> bool {
    let (mut x, mut y) = (words(&o.c), u32::get(&o.a, 0));
    for w in words(&o.b) {
        let t = f(x[1], x[2], x[3]);
        y = y.wrapping_add(x[0].rotate_left(5)).wrapping_add(t).wrapping_add(w);
        (x, y) = ([y, x[0], x[1].rotate_left(30), x[2]], x[3]);
    }
    set_words(d, x)
}

fn sha1c(o: &Operands, d: &mut Bytes) -> bool {
    sha1(o, d, |x, y, z| choose!(x, y, z))
}

fn sha1p(o: &Operands, d: &mut Bytes) -> bool {
    sha1(o, d, |x, y, z| x ^ y ^ z)
}

fn sha1m(o: &Operands, d: &mut Bytes) -> bool {
    sha1(o, d, |x, y, z| majority!(x, y, z))
}

fn sha1h(o: &Operands, d: &mut Bytes) -> bool {
    set_words(d, [u32::get(&o.a, 0).rotate_left(30), 0, 0, 0])
}

fn sha1su0(o: &Operands, d: &mut Bytes) -> bool {
    let (one, two, three) = (halves(&o.c), halves(&o.a), halves(&o.b));
    set_halves(d, [one[1] ^ one[0] ^ three[0], two[0] ^ one[1] ^ three[1]])
}

fn sha1su1(o: &Operands, d: &mut Bytes) -> bool {
    let (one, two) = (words(&o.c), words(&o.a));
    let t = [one[0] ^ two[1], one[1] ^ two[2], one[2] ^ two[3], one[3]];
    set_words(
        d,
        [
            t[0].rotate_left(1),
            t[1].rotate_left(1),
            t[2].rotate_left(1),
            t[3].rotate_left(1) ^ t[0].rotate_left(2),
        ],
    )
}

/// Four rounds of SHA-256 on a-d in `x` and e-h in `y`, with round inputs `w`.
fn sha256(mut x: [u32; 4], mut y: [u32; 4], w: [u32; 4]) -> ([u32; 4], [u32; 4]) {
    for w in w {
        let t = y[3]
            .wrapping_add(sigma!(y[0], 6, 11, 25))
            .wrapping_add(choose!(y[0], y[1], y[2]))
            .wrapping_add(w);
        let e = x[3].wrapping_add(t);
        let a = t.wrapping_add(sigma!(x[0], 2, 13, 22)).wrapping_add(majority!(x[0], x[1], x[2]));
        (x, y) = ([a, x[0], x[1], x[2]], [e, y[0], y[1], y[2]]);
    }
    (x, y)
}

fn sha256h(o: &Operands, d: &mut Bytes) -> bool {
    set_words(d, sha256(words(&o.c), words(&o.a), words(&o.b)).0)
}

fn sha256h2(o: &Operands, d: &mut Bytes) -> bool {
    set_words(d, sha256(words(&o.a), words(&o.c), words(&o.b)).1)
}

fn sha256su0(o: &Operands, d: &mut Bytes) -> bool {
    let (one, two) = (words(&o.c), words(&o.a));
    let t = [one[1], one[2], one[3], two[0]];
    set_words(d, std::array::from_fn(|n| one[n].wrapping_add(sigma!(t[n], 7, 18, shr 3))))
}

fn sha256su1(o: &Operands, d: &mut Bytes) -> bool {
    let (one, two, three) = (words(&o.c), words(&o.a), words(&o.b));
    let t = [two[1], two[2], two[3], three[0]];
    let sum = |n: usize, from: u32| sigma!(from, 17, 19, shr 10).wrapping_add(one[n]).wrapping_add(t[n]);
    let (first, second) = (sum(0, three[2]), sum(1, three[3]));
    set_words(d, [first, second, sum(2, first), sum(3, second)])
}

fn sha512h(o: &Operands, d: &mut Bytes) -> bool {
    let ([w0, w1], [x0, x1], [y0, y1]) = (halves(&o.c), halves(&o.a), halves(&o.b));
    let high = choose!(y1, x0, x1).wrapping_add(sigma!(y1, 14, 18, 41)).wrapping_add(w1);
    let t = high.wrapping_add(y0);
    let low = choose!(t, y1, x0).wrapping_add(sigma!(t, 14, 18, 41)).wrapping_add(w0);
    set_halves(d, [low, high])
}

fn sha512h2(o: &Operands, d: &mut Bytes) -> bool {
    let ([w0, w1], [x0, _], [y0, y1]) = (halves(&o.c), halves(&o.a), halves(&o.b));
    let high = majority!(x0, y1, y0).wrapping_add(sigma!(y0, 28, 34, 39)).wrapping_add(w1);
    let low = majority!(high, y0, y1).wrapping_add(sigma!(high, 28, 34, 39)).wrapping_add(w0);
    set_halves(d, [low, high])
}

fn sha512su0(o: &Operands, d: &mut Bytes) -> bool {
    let ([w0, w1], [x0, _]) = (halves(&o.c), halves(&o.a));
    set_halves(d, [w0.wrapping_add(sigma!(w1, 1, 8, shr 7)), w1.wrapping_add(sigma!(x0, 1, 8, shr 7))])
}

fn sha512su1(o: &Operands, d: &mut Bytes) -> bool {
    let (w, x, y) = (halves(&o.c), halves(&o.a), halves(&o.b));
    let sum = |n: usize| w[n].wrapping_add(sigma!(x[n], 19, 61, shr 6)).wrapping_add(y[n]);
    set_halves(d, [sum(0), sum(1)])
}

fn rax1(o: &Operands, d: &mut Bytes) -> bool {
    let (a, b) = (halves(&o.a), halves(&o.b));
    set_halves(d, [a[0] ^ b[0].rotate_left(1), a[1] ^ b[1].rotate_left(1)])
}

fn xar(o: &Operands, d: &mut Bytes) -> bool {
    let (a, b) = (halves(&o.a), halves(&o.b));
    set_halves(d, [(a[0] ^ b[0]).rotate_right(o.imm), (a[1] ^ b[1]).rotate_right(o.imm)])
}
