//! The policies, one file each, behind one contract.

pub mod arc;
pub mod belady;
pub mod clock;
pub mod fifo;
pub mod gdsf;
mod links;
pub mod lirs;
pub mod lru;
pub mod ours;
pub mod s3_fifo;
pub mod sieve;
pub mod two_q;
pub mod w_tiny_lfu;

pub use links::{Links, Ring};

use crate::trace::Trace;
use ours::adaptive::Adaptive;
use ours::structure::Structure;
use std::sync::Arc;

/// What a policy promises.
///
/// * `request(key, size)` is one lookup that inserts on a miss; it returns whether the key was resident before.
///   Keys are dense numbers below the `unique` the policy was made with. A key always comes with the same size.
/// * `used() <= capacity()` after every request, both in the unit of `size` (1 per object, or bytes).
/// * A key too large to be admitted is a miss and changes nothing that is resident.
/// * `audit()` recounts everything from the bare structure and says what does not fit; it is for tests and O(n).
/// * The same requests give the same answers: randomness comes from a seed given at construction.
pub trait Policy {
    fn request(&mut self, key: u32, size: u32) -> bool;
    fn used(&self) -> u64;
    fn capacity(&self) -> u64;
    fn audit(&self) -> Result<(), String>;
}

/// The nine that a cell must have in the reference to be judged, in the order they are printed.
pub const NINE: [&str; 9] = ["fifo", "lru", "clock", "2q", "arc", "lirs", "sieve", "s3-fifo", "wtinylfu"];

/// Makes the policy called `name`; `None` when there is none of that name. Besides the nine: `gdsf`, `belady`, `ours`,
/// variants of S3-FIFO (`s3-cold`, `s3-1`, `s3-noghost`, `s3-ghost2`), one fixed mode of ours (`mode:light`,
/// `mode:s10.p2.d2`) and other tournaments (`modes:balanced/clock:errors=2`).
pub fn make(name: &str, capacity: u64, by_bytes: bool, trace: &Trace, seed: u64) -> Option<Box<dyn Policy>> {
    let n = trace.unique;
    let mean = if by_bytes { (trace.footprint() / n.max(1) as u64).max(1) } else { 1 };
    let entries = (capacity / mean).max(1);
    Some(match name {
        "fifo" => Box::new(fifo::Fifo::new(capacity, n)),
        "lru" => Box::new(lru::Lru::new(capacity, n)),
        "clock" => Box::new(clock::Clock::new(capacity, n)),
        "2q" => Box::new(two_q::TwoQ::new(capacity, n)),
        "arc" => Box::new(arc::Arc::new(capacity, n)),
        "lirs" => Box::new(lirs::Lirs::new(capacity, n)),
        "sieve" => Box::new(sieve::Sieve::new(capacity, n)),
        "s3-fifo" => Box::new(s3_fifo::S3Fifo::new(capacity, n)),
        "s3-cold" => {
            let rules = s3_fifo::Rules { small_bound_when_cold: true, ..Default::default() };
            Box::new(s3_fifo::S3Fifo::with_rules(capacity, n, rules))
        }
        "s3-1" => {
            let rules = s3_fifo::Rules { promote_at: 1, ..Default::default() };
            Box::new(s3_fifo::S3Fifo::with_rules(capacity, n, rules))
        }
        "s3-noghost" => {
            let rules = s3_fifo::Rules { ghost_share: 0.0, ..Default::default() };
            Box::new(s3_fifo::S3Fifo::with_rules(capacity, n, rules))
        }
        "s3-ghost2" => {
            let rules = s3_fifo::Rules { ghost_share: 2.0, ..Default::default() };
            Box::new(s3_fifo::S3Fifo::with_rules(capacity, n, rules))
        }
        "wtinylfu" => Box::new(w_tiny_lfu::WTinyLfu::new(capacity, n)),
        "gdsf" => Box::new(gdsf::Gdsf::new(capacity, n)),
        "belady" => Box::new(belady::Belady::new(capacity, n, Arc::new(trace.next_uses()))),
        "ours" => {
            let tuning = if by_bytes { ours::differing_sizes() } else { ours::equal_sizes() };
            Box::new(Adaptive::new(capacity, entries, n, seed, tuning))
        }
        _ => {
            let (kind, text) = name.split_once(':')?;
            match kind {
                "mode" => Box::new(Structure::new(capacity, entries, n, ours::parse_mode(text)?, seed)),
                "modes" => Box::new(Adaptive::new(capacity, entries, n, seed, ours::parse_tuning(text)?)),
                _ => return None,
            }
        }
    })
}

/// Hits of objects and of bytes over a whole trace.
#[derive(Clone, Copy, Default, Debug, PartialEq)]
pub struct Outcome {
    pub requests: u64,
    pub hits: u64,
    pub bytes: u64,
    pub hit_bytes: u64,
}

impl Outcome {
    pub fn hit_percent(&self) -> f64 {
        100.0 * self.hits as f64 / (self.requests.max(1)) as f64
    }

    pub fn byte_hit_percent(&self) -> f64 {
        100.0 * self.hit_bytes as f64 / (self.bytes.max(1)) as f64
    }
}

/// Replays a trace. With `by_bytes` the sizes of the trace count, else every object is 1.
pub fn replay(policy: &mut dyn Policy, trace: &Trace, by_bytes: bool) -> Outcome {
    let mut outcome = Outcome { requests: trace.keys.len() as u64, ..Outcome::default() };
    match (&trace.sizes, by_bytes) {
        (Some(sizes), true) => {
            for (&key, &size) in trace.keys.iter().zip(sizes) {
                outcome.bytes += u64::from(size);
                if policy.request(key, size) {
                    outcome.hits += 1;
                    outcome.hit_bytes += u64::from(size);
                }
            }
        }
        _ => {
            for &key in &trace.keys {
                outcome.hits += u64::from(policy.request(key, 1));
            }
            outcome.bytes = outcome.requests;
            outcome.hit_bytes = outcome.hits;
        }
    }
    outcome
}
