//! Numbers of 106 bits: a sum of two doubles, with the operations, the logarithm and the exponential that models need.
//!
//! Only `+`, `-`, `*`, `/` and rounding of doubles are used, whose results are defined: every machine gives the same
//! bits, and no library of the system takes part. An operation is right to about 2^-102, `ln` and `exp` to about 2^-98.

use std::ops::{Add, Div, Mul, Neg, Sub};

/// A number: the unevaluated sum of two doubles, the second at most half a last place of the first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exact(pub f64, pub f64);

/// ln 2.
const LN2: Exact = Exact(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);
/// 2^27 + 1 splits a double into halves of 26 bits.
const SPLIT: f64 = 134_217_729.0;
/// Terms of the series of `ln`: the last is below 2^-110 for arguments between the roots of 1/2 and 2.
const LN_TERMS: u32 = 23;
/// Terms of the series of `exp`: the last is below 2^-110 for arguments up to ln 2 / 2.
const EXP_TERMS: u32 = 27;
/// Beyond these powers of two doubles end.
const LARGEST: f64 = 1_000.0;

fn two_sum(a: f64, b: f64) -> Exact {
    let sum = a + b;
    let part = sum - a;
    Exact(sum, (a - (sum - part)) + (b - part))
}

fn quick(a: f64, b: f64) -> Exact {
    let sum = a + b;
    Exact(sum, b - (sum - a))
}

fn halves(a: f64) -> (f64, f64) {
    let scaled = SPLIT * a;
    let high = scaled - (scaled - a);
    (high, a - high)
}

fn two_product(a: f64, b: f64) -> Exact {
    let product = a * b;
    let ((a1, a2), (b1, b2)) = (halves(a), halves(b));
    Exact(product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2)
}

impl Exact {
    /// Nought.
    pub const ZERO: Exact = Exact(0.0, 0.0);
    /// One.
    pub const ONE: Exact = Exact(1.0, 0.0);

    /// A whole number, exact up to 2^106.
    pub fn of(number: i128) -> Exact {
        let high = number as f64;
        quick(high, (number - high as i128) as f64)
    }

    /// A double.
    pub fn double(number: f64) -> Exact {
        Exact(number, 0.0)
    }

    /// The natural logarithm of a positive number.
    pub fn ln(self) -> Exact {
        let mut power = 0;
        let mut scale = 1.0;
        // Between the roots of 1/2 and 2; a power of two changes no digit.
        while self.0 * scale > std::f64::consts::SQRT_2 {
            scale *= 0.5;
            power += 1;
        }
        while self.0 * scale < std::f64::consts::FRAC_1_SQRT_2 {
            scale *= 2.0;
            power -= 1;
        }
        let near = Exact(self.0 * scale, self.1 * scale);
        let ratio = (near - Exact::ONE) / (near + Exact::ONE);
        let square = ratio * ratio;
        let mut sum = Exact::ZERO;
        for term in (0..LN_TERMS).rev() {
            sum = sum * square + Exact::ONE / Exact::double((2 * term + 1) as f64);
        }
        Exact::double(2.0) * ratio * sum + Exact::double(power as f64) * LN2
    }

    /// The exponential; nought below the smallest doubles, infinite above the largest.
    pub fn exp(self) -> Exact {
        let power = (self.0 / LN2.0).round();
        if power.abs() > LARGEST {
            return if power > 0.0 {
                Exact(f64::INFINITY, 0.0)
            } else {
                Exact::ZERO
            };
        }
        let rest = self - Exact::double(power) * LN2;
        let mut sum = Exact::ONE;
        for term in (1..EXP_TERMS).rev() {
            sum = sum * rest / Exact::double(term as f64) + Exact::ONE;
        }
        let mut scale = 1.0;
        for _ in 0..power.abs() as u32 {
            scale *= if power > 0.0 { 2.0 } else { 0.5 };
        }
        Exact(sum.0 * scale, sum.1 * scale)
    }

    /// The largest whole number that is not greater, of a number of less than 2^100.
    pub fn floor(self) -> i128 {
        let high = self.0.floor();
        let rest = (self.0 - high) + self.1;
        high as i128 + rest.floor() as i128
    }
}

impl Add for Exact {
    type Output = Exact;
    fn add(self, other: Exact) -> Exact {
        let (high, low) = (two_sum(self.0, other.0), two_sum(self.1, other.1));
        let first = quick(high.0, high.1 + low.0);
        quick(first.0, first.1 + low.1)
    }
}

impl Neg for Exact {
    type Output = Exact;
    fn neg(self) -> Exact {
        Exact(-self.0, -self.1)
    }
}

impl Sub for Exact {
    type Output = Exact;
    fn sub(self, other: Exact) -> Exact {
        self + -other
    }
}

impl Mul for Exact {
    type Output = Exact;
    fn mul(self, other: Exact) -> Exact {
        let product = two_product(self.0, other.0);
        quick(product.0, product.1 + (self.0 * other.1 + self.1 * other.0))
    }
}

impl Div for Exact {
    type Output = Exact;
    fn div(self, other: Exact) -> Exact {
        let first = self.0 / other.0;
        let rest = self - other * Exact::double(first);
        let second = rest.0 / other.0;
        let rest = rest - other * Exact::double(second);
        quick(first, second) + Exact::double(rest.0 / other.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(left: Exact, right: Exact) -> bool {
        let rest = left - right;
        rest.0.abs() <= right.0.abs() * 1e-29
    }

    /// A third times three is one, and a product that no double holds comes back from a division.
    #[test]
    fn the_operations_keep_30_digits() {
        let third = Exact::ONE / Exact::of(3);
        assert!(close(third * Exact::of(3), Exact::ONE));
        let number = Exact::of(123_456_789_012_345_678_901_234_567);
        assert!(close(number / Exact::of(7) * Exact::of(7), number));
        assert_eq!(number.floor(), 123_456_789_012_345_678_901_234_567);
        assert_eq!((-third).floor(), -1);
    }

    /// ln 10 and e have the digits that are printed in books; each function undoes the other.
    #[test]
    fn logarithm_and_exponential() {
        let ln10 = Exact::of(2_302_585_092_994_045_684_017_991_454_684) / Exact::of(10i128.pow(30));
        assert!(close(Exact::of(10).ln(), ln10));
        let e = Exact::of(2_718_281_828_459_045_235_360_287_471_353) / Exact::of(10i128.pow(30));
        assert!(close(Exact::ONE.exp(), e));
        for number in [1, 2, 12_345, 10i128.pow(20)] {
            assert!(close(Exact::of(number).ln().exp(), Exact::of(number)), "{number}");
        }
        assert_eq!(Exact::of(-10_000).exp(), Exact::ZERO);
        assert_eq!(Exact::of(10_000).exp().0, f64::INFINITY);
    }
}
