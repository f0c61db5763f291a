//! Exact arithmetic with fractions: of 128 bits where they do, else of any size.

use crate::mutants::m;
use crate::plan::{Ratio, Term};
use num_bigint::BigInt;
use num_traits::{CheckedAdd, CheckedMul, CheckedSub, ToPrimitive};
use std::cmp::Ordering;

/// A measured value: a fraction of two whole numbers; None: there is none.
pub type Measured = Option<(i128, i128)>;

/// A fraction; the denominator is positive.
#[derive(Clone, Debug)]
struct Fraction<T>(T, T);

/// A number did not fit.
struct TooLarge;

trait Number: Clone + Ord + From<i128> + CheckedAdd + CheckedSub + CheckedMul {}

impl Number for i128 {}

impl Number for BigInt {}

fn times<T: Number>(left: &T, right: &T) -> Result<T, TooLarge> {
    left.checked_mul(right).ok_or(TooLarge)
}

impl<T: Number> Fraction<T> {
    fn plus(&self, minus: bool, other: &Fraction<T>) -> Result<Fraction<T>, TooLarge> {
        let (left, right, below) = if self.1 == other.1 {
            (self.0.clone(), other.0.clone(), self.1.clone())
        } else {
            (
                times(&self.0, &other.1)?,
                times(&other.0, &self.1)?,
                times(&self.1, &other.1)?,
            )
        };
        let above = if m!("a difference is a sum", minus, false) {
            left.checked_sub(&right)
        } else {
            left.checked_add(&right)
        };
        Ok(Fraction(above.ok_or(TooLarge)?, below))
    }

    /// None: the divisor is zero.
    fn over(&self, other: &Fraction<T>) -> Result<Option<Fraction<T>>, TooLarge> {
        let zero = T::from(0);
        let (above, below) = (times(&self.0, &other.1)?, times(&self.1, &other.0)?);
        Ok(match below.cmp(&zero) {
            Ordering::Equal => None,
            Ordering::Greater => Some(Fraction(above, below)),
            Ordering::Less => Some(Fraction(
                zero.checked_sub(&above).ok_or(TooLarge)?,
                zero.checked_sub(&below).ok_or(TooLarge)?,
            )),
        })
    }
}

fn of_term<T: Number>(term: &Term, parts: &[Measured]) -> Result<Option<Fraction<T>>, TooLarge> {
    let of_ratio = |ratio: &Ratio| Fraction(T::from(ratio.numerator), T::from(ratio.denominator));
    Ok(match term {
        Term::Constant { number } => Some(of_ratio(number)),
        Term::Part { part } => parts[*part].map(|(above, below)| Fraction(T::from(above), T::from(below))),
        Term::Sum { left, minus, right } => match (of_term::<T>(left, parts)?, of_term::<T>(right, parts)?) {
            (Some(left), Some(right)) => Some(left.plus(*minus, &right)?),
            _ => None,
        },
        Term::Product { factor, of } => match of_term::<T>(of, parts)? {
            None => None,
            Some(of) => {
                let factor = of_ratio(factor);
                Some(Fraction(times(&factor.0, &of.0)?, times(&factor.1, &of.1)?))
            }
        },
        Term::Quotient { left, right } => match (of_term::<T>(left, parts)?, of_term::<T>(right, parts)?) {
            (Some(left), Some(right)) => left.over(&right)?,
            _ => None,
        },
    })
}

/// The value of a term of any size.
fn exact(term: &Term, parts: &[Measured]) -> Option<Fraction<BigInt>> {
    of_term(term, parts).ok().flatten()
}

/// How two terms compare; None: one of them has no value.
pub fn compare(left: &Term, right: &Term, parts: &[Measured]) -> Option<Ordering> {
    ordered::<i128>(left, right, parts)
        .or_else(|TooLarge| ordered::<BigInt>(left, right, parts))
        .ok()
        .flatten()
}

fn ordered<T: Number>(left: &Term, right: &Term, parts: &[Measured]) -> Result<Option<Ordering>, TooLarge> {
    Ok(match (of_term::<T>(left, parts)?, of_term::<T>(right, parts)?) {
        (Some(left), Some(right)) => Some(times(&left.0, &right.1)?.cmp(&times(&right.0, &left.1)?)),
        _ => None,
    })
}

/// The whole milliseconds by which one duration is longer than another; None: one of them has no value.
pub fn longer(left: &Term, right: &Term, parts: &[Measured]) -> Option<i64> {
    let Fraction(above, below) = exact(left, parts)?.plus(true, &exact(right, parts)?).ok()?;
    (above / below).to_i64()
}

/// A term with `digits` digits after the point, rounded half-even, as a whole number of the last digit.
pub fn rounded(term: &Term, parts: &[Measured], digits: u32) -> Option<i128> {
    let Fraction(above, below) = exact(term, parts)?;
    let scaled = above * BigInt::from(10_i128.pow(digits));
    let mut quotient: BigInt = &scaled / &below;
    let mut rest: BigInt = &scaled - &quotient * &below;
    if rest < BigInt::from(0) {
        quotient -= 1;
        rest += &below;
    }
    let (twice, odd) = (rest * 2, &quotient % 2 != BigInt::from(0));
    if m!("a calculated half is rounded up", twice > below, twice >= below) || (twice == below && odd) {
        quotient += 1;
    }
    quotient.to_i128()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constant(numerator: i128, denominator: i128) -> Box<Term> {
        let number = Ratio {
            numerator,
            denominator,
        };
        Box::new(Term::Constant { number })
    }

    /// Sums, differences, multiples and quotients are exact; what is divided by zero has no value.
    #[test]
    fn fractions() {
        let third = Term::Quotient {
            left: Box::new(Term::Part { part: 0 }),
            right: constant(-3, 1),
        };
        let one = |part| [Some(part)];
        assert_eq!(
            compare(&third, &constant(-1, 3), &one((1, 1))),
            Some(Ordering::Equal)
        );
        assert_eq!(compare(&third, &constant(-1, 3), &[None]), None);
        let sum = Term::Sum {
            left: Box::new(third.clone()),
            minus: true,
            right: constant(1, 6),
        };
        assert_eq!(
            compare(&sum, &constant(-1, 2), &one((1, 1))),
            Some(Ordering::Equal)
        );
        assert_eq!(rounded(&sum, &one((1, 1)), 6), Some(-500_000));
        let by_zero = Term::Quotient {
            left: constant(1, 1),
            right: Box::new(sum),
        };
        assert_eq!(compare(&by_zero, &constant(0, 1), &one((-1, 2))), None);
    }

    /// Numbers that 128 bits do not hold are compared as exactly.
    #[test]
    fn of_any_size() {
        let large = |add: i128| Term::Product {
            factor: Ratio {
                numerator: i128::MAX - 1 + add,
                denominator: 7,
            },
            of: constant(i128::MAX, 3),
        };
        assert_eq!(compare(&large(1), &large(0), &[]), Some(Ordering::Greater));
        assert_eq!(compare(&large(0), &large(0), &[]), Some(Ordering::Equal));
    }

    /// Half to even, on both sides of zero; whole milliseconds between durations.
    #[test]
    fn rounding() {
        for (numerator, denominator, digits, found) in [
            (1, 2, 0, 0),
            (3, 2, 0, 2),
            (-1, 2, 0, 0),
            (-3, 2, 0, -2),
            (2, 3, 6, 666_667),
            (-7, 4, 1, -18),
        ] {
            assert_eq!(
                rounded(&constant(numerator, denominator), &[], digits),
                Some(found)
            );
        }
        assert_eq!(longer(&constant(7, 2), &constant(1, 1), &[]), Some(2));
    }
}
