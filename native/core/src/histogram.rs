//! Log-linear latency histograms in shared memory: at most 1 % off at any value, one atomic add to record.
//!
//! Values below 64 ns have a bucket each; above, every power of two is cut into 64 equal parts, so that a bucket's middle
//! is at most 1/128 off. 1,984 buckets of 32 bits reach 68 s; slower is counted in the last one.

use crate::layout::control;
use crate::region::{Ordering, Region};

const SUB_BITS: u32 = 6;
const SUB: u64 = 1 << SUB_BITS;

/// What a histogram is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Get = 0,
    Set = 1,
    Delete = 2,
    Load = 3,
}

pub fn bucket_of(nanoseconds: u64) -> u32 {
    if nanoseconds < SUB {
        return nanoseconds as u32;
    }
    let octave = 63 - nanoseconds.leading_zeros() - SUB_BITS;
    let part = (nanoseconds >> octave) - SUB;
    (SUB as u32 * (octave + 1) + part as u32).min(control::HISTOGRAM_BUCKETS - 1)
}

/// The middle of a bucket, in nanoseconds.
pub fn value_of(bucket: u32) -> f64 {
    if u64::from(bucket) < SUB {
        return f64::from(bucket);
    }
    let octave = bucket / SUB as u32 - 1;
    let low = (SUB + u64::from(bucket % SUB as u32)) << octave;
    low as f64 + ((1u64 << octave) - 1) as f64 / 2.0
}

/// Any thread may record; about 6 ns.
pub fn record(region: &Region, operation: Operation, nanoseconds: u64) {
    let bucket = operation as u32 * control::HISTOGRAM_BUCKETS + bucket_of(nanoseconds);
    region.add32(control::HISTOGRAMS + 4 * bucket, 1);
}

/// The value that a share `quantile` (0 to 1) of all recorded values does not exceed; `None` when nothing was recorded.
pub fn quantile(region: &Region, operation: Operation, quantile: f64) -> Option<f64> {
    let first = control::HISTOGRAMS + 4 * operation as u32 * control::HISTOGRAM_BUCKETS;
    let count = |bucket: u32| u64::from(region.load32(first + 4 * bucket, Ordering::Relaxed));
    let total: u64 = (0..control::HISTOGRAM_BUCKETS).map(count).sum();
    if total == 0 {
        return None;
    }
    let rank = ((total as f64 * quantile).ceil() as u64).clamp(1, total);
    let mut seen = 0;
    (0..control::HISTOGRAM_BUCKETS)
        .find(|&bucket| {
            seen += count(bucket);
            seen >= rank
        })
        .map(value_of)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_is_at_most_one_percent_off(value in 0u64..68_000_000_000) {
            let shown = value_of(bucket_of(value));
            prop_assert!((shown - value as f64).abs() <= value as f64 * 0.01, "{value} shown as {shown}");
        }

        #[test]
        fn buckets_keep_order(a in any::<u64>(), b in any::<u64>()) {
            prop_assert!(bucket_of(a.min(b)) <= bucket_of(a.max(b)));
        }
    }
}
