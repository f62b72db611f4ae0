//! Vectors as lanes, and the shapes that ops have.

use crate::uop::VectorOp;

/// 128 bits, least significant byte first.
pub type Bytes = [u8; 16];

/// What an op reads.
#[repr(align(16))]
pub struct Operands {
    /// First operand.
    pub a: Bytes,
    /// Second operand.
    pub b: Bytes,
    /// Third operand.
    pub c: Bytes,
    /// Immediate.
    pub imm: u32,
    /// Flag Q of the uop.
    pub q: bool,
    /// Flag HIGH of the uop.
    pub high: bool,
}

/// An op on elements of one size: writes the result, whose upper half the caller clears without Q,
/// and says if an element was saturated.
pub type Exec = fn(&Operands, &mut Bytes) -> bool;

/// Ops of a class with their functions for 8, 16, 32 and 64-bit elements.
pub type Ops = &'static [(VectorOp, [Exec; 4])];

/// Stands where an op has no such element size.
pub fn none(_: &Operands, _: &mut Bytes) -> bool {
    false
}

/// Lists the ops of a class: `Op: shape types |operands| result;`. The closure is compiled once for
/// each element size, with these names for types: `T` the element, as signed or unsigned as `types`
/// says; `U` and `S` the same unsigned and signed; `W`, `UW` and `SW` twice as wide. `Op: own any function;`
/// is an op that has no element size or sees to it itself.
macro_rules! ops {
    ($($op:ident: $shape:ident $types:ident $f:expr;)*) => {
        pub const OPS: $crate::interp::vector::lanes::Ops = &[
            $((VectorOp::$op, $crate::interp::vector::lanes::ops!(@$types $shape $f))),*
        ];
    };
    (@unsigned $shape:ident $f:expr) => { [
        $crate::interp::vector::lanes::ops!(@exec $shape $f, u8 u8 i8 u16 u16 i16),
        $crate::interp::vector::lanes::ops!(@exec $shape $f, u16 u16 i16 u32 u32 i32),
        $crate::interp::vector::lanes::ops!(@exec $shape $f, u32 u32 i32 u64 u64 i64),
        $crate::interp::vector::lanes::ops!(@exec $shape $f, u64 u64 i64 u128 u128 i128),
    ] };
    (@signed $shape:ident $f:expr) => { [
        $crate::interp::vector::lanes::ops!(@exec $shape $f, i8 u8 i8 i16 u16 i16),
        $crate::interp::vector::lanes::ops!(@exec $shape $f, i16 u16 i16 i32 u32 i32),
        $crate::interp::vector::lanes::ops!(@exec $shape $f, i32 u32 i32 i64 u64 i64),
        $crate::interp::vector::lanes::ops!(@exec $shape $f, i64 u64 i64 i128 u128 i128),
    ] };
    // A function for every size.
    (@any $shape:ident $f:expr) => { [$f; 4] };
    (@exec $shape:ident $f:expr, $t:ident $u:ident $s:ident $w:ident $uw:ident $sw:ident) => { {
        #[allow(dead_code)] type T = $t;
        #[allow(dead_code)] type U = $u;
        #[allow(dead_code)] type S = $s;
        #[allow(dead_code)] type W = $w;
        #[allow(dead_code)] type UW = $uw;
        #[allow(dead_code)] type SW = $sw;
        fn exec(
            operands: &$crate::interp::vector::lanes::Operands,
            result: &mut $crate::interp::vector::lanes::Bytes,
        ) -> bool {
            #[allow(clippy::unnecessary_cast)]
            $crate::interp::vector::lanes::$shape::<T>(operands, result, $f)
        }
        exec
    } };
}
pub(super) use ops;

/// A type that elements can have.
pub trait Lane: Copy + Default {
    /// Bytes of an element.
    const SIZE: usize;
    /// Elements in 128 bits.
    const COUNT: usize = 16 / Self::SIZE;
    /// As signed, twice as wide.
    type Wide: Lane;
    /// Element `n` of `bytes`.
    fn get(bytes: &[u8], n: usize) -> Self;
    /// Sets element `n` of `bytes`.
    fn put(self, bytes: &mut [u8], n: usize);
    /// The same number, twice as wide.
    fn widen(self) -> Self::Wide;
}

macro_rules! lane {
    ($($type:ty, $wide:ty;)*) => { $(
        impl Lane for $type {
            const SIZE: usize = size_of::<$type>();
            type Wide = $wide;
            #[inline(always)]
            fn get(bytes: &[u8], n: usize) -> Self {
                let at = n * Self::SIZE;
                Self::from_le_bytes(bytes[at..at + Self::SIZE].try_into().unwrap())
            }
            #[inline(always)]
            fn put(self, bytes: &mut [u8], n: usize) {
                let at = n * Self::SIZE;
                bytes[at..at + Self::SIZE].copy_from_slice(&self.to_le_bytes());
            }
            #[inline(always)]
            fn widen(self) -> $wide {
                self.into()
            }
        }
    )* };
}
lane! {
    u8, u16; u16, u32; u32, u64; u64, u128; u128, u128;
    i8, i16; i16, i32; i32, i64; i64, i128; i128, i128;
}

/// The half of a narrow operand that HIGH asks for.
#[inline(always)]
pub fn half(bytes: &Bytes, high: bool) -> &[u8] {
    let at = 8 * usize::from(high);
    &bytes[at..at + 8]
}

/// `d = f(a)`.
#[inline(always)]
pub fn one<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T) -> T) -> bool {
    for n in 0..T::COUNT {
        f(T::get(&o.a, n)).put(d, n);
    }
    false
}

/// `d = f(a, b)`.
#[inline(always)]
pub fn two<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T) -> T) -> bool {
    for n in 0..T::COUNT {
        f(T::get(&o.a, n), T::get(&o.b, n)).put(d, n);
    }
    false
}

/// `d = f(c, a, b)`.
#[inline(always)]
pub fn three<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T, T) -> T) -> bool {
    for n in 0..T::COUNT {
        f(T::get(&o.c, n), T::get(&o.a, n), T::get(&o.b, n)).put(d, n);
    }
    false
}

/// `d = f(a)` with saturation.
#[inline(always)]
pub fn one_sat<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T) -> (T, bool)) -> bool {
    three_sat(o, d, |_, a, _| f(a))
}

/// `d = f(a, b)` with saturation.
#[inline(always)]
pub fn two_sat<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T) -> (T, bool)) -> bool {
    three_sat(o, d, |_, a, b| f(a, b))
}

/// `d = f(c, a, b)` with saturation.
#[inline(always)]
pub fn three_sat<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T, T) -> (T, bool)) -> bool {
    // Kept by element, not summed up on the way: so both loops become vector instructions.
    let mut saturated = [0; 16];
    for (n, saturated) in saturated.iter_mut().enumerate().take(T::COUNT) {
        let (result, sat) = f(T::get(&o.c, n), T::get(&o.a, n), T::get(&o.b, n));
        *saturated = u8::from(sat);
        result.put(d, n);
    }
    let any = |part: &[u8]| part.iter().fold(0, |any, sat| any | sat) != 0;
    // The upper half counts with Q only.
    any(&saturated[..T::COUNT / 2]) | (any(&saturated[T::COUNT / 2..T::COUNT]) & o.q)
}

/// `d = f(a, imm)`.
#[inline(always)]
pub fn imm<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, u32) -> T) -> bool {
    one(o, d, |a| f(a, o.imm))
}

/// `d = f(c, a, imm)`.
#[inline(always)]
pub fn imm_into<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T, u32) -> T) -> bool {
    three(o, d, |c, a, _| f(c, a, o.imm))
}

/// `d = f(a, imm)` with saturation.
#[inline(always)]
pub fn imm_sat<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, u32) -> (T, bool)) -> bool {
    one_sat(o, d, |a| f(a, o.imm))
}

/// `d = f` over pairs of neighbours of `b:a`, halves of 64 bits without Q.
#[inline(always)]
pub fn pairs<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T) -> T) -> bool {
    let pair = |from: &Bytes, n: usize| f(T::get(from, 2 * n), T::get(from, 2 * n + 1));
    let from_each = if o.q { T::COUNT / 2 } else { T::COUNT / 4 };
    for n in 0..from_each {
        pair(&o.a, n).put(d, n);
        pair(&o.b, n).put(d, from_each + n);
    }
    false
}

/// `d = f` over pairs of neighbours of `a` and the element of `c` they lie under, twice as wide.
#[inline(always)]
pub fn pairs_long<T: Lane>(
    o: &Operands,
    d: &mut Bytes,
    f: impl Fn(T::Wide, T::Wide, T::Wide) -> T::Wide,
) -> bool {
    for n in 0..T::COUNT / 2 {
        let (low, high) = (T::get(&o.a, 2 * n), T::get(&o.a, 2 * n + 1));
        f(T::Wide::get(&o.c, n), low.widen(), high.widen()).put(d, n);
    }
    false
}

/// One element = `f` over all of `a`.
#[inline(always)]
pub fn across<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T, T) -> T) -> bool {
    let count = if o.q { T::COUNT } else { T::COUNT / 2 };
    (1..count).fold(T::get(&o.a, 0), |total, n| f(total, T::get(&o.a, n))).put(d, 0);
    false
}

/// One element, twice as wide, = `f` over all of `a`.
#[inline(always)]
pub fn across_long<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, T::Wide) -> T::Wide) -> bool {
    let count = if o.q { T::COUNT } else { T::COUNT / 2 };
    (1..count).fold(T::get(&o.a, 0).widen(), |total, n| f(total, T::get(&o.a, n).widen())).put(d, 0);
    false
}

/// Wide `d = f(c, a, b)` with saturation, `c` wide, `a` and `b` narrow.
#[inline(always)]
pub fn long_sat<T: Lane>(
    o: &Operands,
    d: &mut Bytes,
    f: impl Fn(T::Wide, T::Wide, T::Wide) -> (T::Wide, bool),
) -> bool {
    let (a, b) = (half(&o.a, o.high), half(&o.b, o.high));
    let mut saturated = false;
    for n in 0..T::COUNT / 2 {
        let (result, sat) = f(T::Wide::get(&o.c, n), T::get(a, n).widen(), T::get(b, n).widen());
        saturated |= sat;
        result.put(d, n);
    }
    saturated
}

/// Wide `d = f(c, a, b)`, `c` wide, `a` and `b` narrow.
#[inline(always)]
pub fn long_into<T: Lane>(
    o: &Operands,
    d: &mut Bytes,
    f: impl Fn(T::Wide, T::Wide, T::Wide) -> T::Wide,
) -> bool {
    long_sat::<T>(o, d, |c, a, b| (f(c, a, b), false))
}

/// Wide `d = f(a, b)`, both narrow.
#[inline(always)]
pub fn long<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, T::Wide) -> T::Wide) -> bool {
    long_into::<T>(o, d, |_, a, b| f(a, b))
}

/// Wide `d = f(a, imm)`, `a` narrow.
#[inline(always)]
pub fn long_imm<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, u32) -> T::Wide) -> bool {
    long_into::<T>(o, d, |_, a, _| f(a, o.imm))
}

/// Wide `d = f(a, b)`, `b` narrow.
#[inline(always)]
pub fn wide<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, T::Wide) -> T::Wide) -> bool {
    let b = half(&o.b, o.high);
    for n in 0..T::COUNT / 2 {
        f(T::Wide::get(&o.a, n), T::get(b, n).widen()).put(d, n);
    }
    false
}

/// Narrow half of `d = f(a, b)` with saturation, both wide.
#[inline(always)]
pub fn narrow_sat<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, T::Wide) -> (T, bool)) -> bool {
    let mut narrow = [0; 8];
    let mut saturated = false;
    for n in 0..T::COUNT / 2 {
        let (result, sat) = f(T::Wide::get(&o.a, n), T::Wide::get(&o.b, n));
        saturated |= sat;
        result.put(&mut narrow, n);
    }
    let narrow = u128::from(u64::from_le_bytes(narrow));
    let kept = u128::from_le_bytes(o.c) as u64;
    *d = if o.high { narrow << 64 | u128::from(kept) } else { narrow }.to_le_bytes();
    saturated
}

/// Narrow half of `d = f(a, b)`, both wide.
#[inline(always)]
pub fn narrow<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, T::Wide) -> T) -> bool {
    narrow_sat::<T>(o, d, |a, b| (f(a, b), false))
}

/// Narrow half of `d = f(a, imm)`, `a` wide.
#[inline(always)]
pub fn narrow_imm<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, u32) -> T) -> bool {
    narrow_sat::<T>(o, d, |a, _| (f(a, o.imm), false))
}

/// Narrow half of `d = f(a, imm)` with saturation, `a` wide.
#[inline(always)]
pub fn narrow_imm_sat<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(T::Wide, u32) -> (T, bool)) -> bool {
    narrow_sat::<T>(o, d, |a, _| f(a, o.imm))
}

/// `d[n] = f(n, count)`, `f` choosing the operand (0 is `a`, 1 is `b`) and an element of it; `count` is the number
/// of elements in use.
#[inline(always)]
pub fn choose<T: Lane>(o: &Operands, d: &mut Bytes, f: impl Fn(usize, usize) -> (usize, usize)) -> bool {
    let mut put = |count| {
        for n in 0..count {
            let (from, element) = f(n, count);
            T::get(if from == 0 { &o.a } else { &o.b }, element).put(d, n);
        }
    };
    // Two calls, so that the count is a constant in both.
    if o.q {
        put(T::COUNT)
    } else {
        put(T::COUNT / 2)
    }
    false
}

/// Elements of `a` in reverse order within groups of some bytes.
#[inline(always)]
pub fn reverse<T: Lane>(o: &Operands, d: &mut Bytes, group: usize) -> bool {
    let flip = (group / T::SIZE).saturating_sub(1);
    for n in 0..T::COUNT {
        T::get(&o.a, n ^ flip).put(d, n);
    }
    false
}
