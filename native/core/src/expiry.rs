//! Expiry times in 32 bits: milliseconds after the segment's base time as a pseudo-float (docs/slab.md 5).
//! Exact to the millisecond up to 12 days, then to 64 ms, 4 s, 4 min; rounded down, so never late. Touches nothing.

/// Stands for "no record of this segment lives for ever by expiry"; no pseudo-float decodes to it.
pub const NEVER: u32 = u32::MAX;

const MANTISSA_BITS: u32 = 30;
const MANTISSA: u64 = (1 << MANTISSA_BITS) - 1;

/// `None` when the time is further away than can be said (8,900 years): such an entry does not expire.
pub fn encode(delta_ms: u64) -> Option<u32> {
    let mut exponent = 0;
    let mut mantissa = delta_ms;
    while mantissa > MANTISSA {
        exponent += 1;
        if exponent > 3 {
            return None;
        }
        mantissa >>= 6;
    }
    let word = (exponent << MANTISSA_BITS) | mantissa as u32;
    if word == NEVER { None } else { Some(word) }
}

pub fn decode(word: u32) -> u64 {
    (u64::from(word) & MANTISSA) << (6 * (word >> MANTISSA_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_late_and_close(delta in 0u64..(1 << 47)) {
            let back = decode(encode(delta).unwrap());
            prop_assert!(back <= delta);
            prop_assert!(delta - back <= delta >> 23);
            prop_assert!(delta >= 1 << 30 || back == delta);
        }

        #[test]
        fn keeps_order(a in 0u64..(1 << 47), b in 0u64..(1 << 47)) {
            let (a, b) = (a.min(b), a.max(b));
            prop_assert!(decode(encode(a).unwrap()) <= decode(encode(b).unwrap()));
            prop_assert!(encode(a).unwrap() <= encode(b).unwrap());
        }
    }

    #[test]
    fn what_cannot_be_said_does_not_expire() {
        assert_eq!(encode(u64::MAX), None);
        assert_eq!(encode(1 << 50), None);
    }
}
