//! Traces made from traces: what a policy has learned must not depend on names, on the beginning, or on being alone.
//! And scenes made from nothing: changes of phase and floods.

use super::Trace;
use crate::mix;

impl Trace {
    /// The same requests under other key numbers, by a permutation drawn from the seed.
    pub fn renamed(mut self, seed: u64) -> Trace {
        let mut order: Vec<u32> = (0..self.unique as u32).collect();
        order.sort_by_key(|&key| mix(u64::from(key) ^ seed.rotate_left(32)));
        self.keys.iter_mut().for_each(|key| *key = order[*key as usize]);
        self
    }

    /// Only the keys that a hash of them picks, one in `1 / rate`: a cache scaled by the same rate behaves alike
    /// (Waldspurger, SHARDS, 2015).
    pub fn sampled(&self, rate: f64, seed: u64) -> Trace {
        let below = (rate.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        let picked = |key: &&u32| mix(u64::from(**key) ^ seed.rotate_left(8)) <= below;
        Trace::from_keys(&self.name, self.keys.iter().filter(picked).map(|&key| u64::from(key)))
    }

    /// Without the first `share` of the requests.
    pub fn beheaded(mut self, share: f64) -> Trace {
        let cut = (self.keys.len() as f64 * share) as usize;
        self.keys.drain(..cut);
        if let Some(sizes) = &mut self.sizes {
            sizes.drain(..cut);
        }
        self
    }

    /// Several traces at once, each under names of its own, each as fast as lets all end together.
    pub fn interleaved(traces: &[Trace]) -> Trace {
        let mut offsets = Vec::new();
        let mut unique = 0;
        for trace in traces {
            offsets.push(unique as u32);
            unique += trace.unique;
        }
        let mut order: Vec<(f64, usize, usize)> = Vec::new();
        for (which, trace) in traces.iter().enumerate() {
            let length = trace.len() as f64;
            order.extend((0..trace.len()).map(|at| ((at as f64 + 0.5) / length, which, at)));
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let keys = order.iter().map(|&(_, which, at)| offsets[which] + traces[which].keys[at]).collect();
        let name = traces.iter().map(|t| t.name.as_str()).collect::<Vec<_>>().join("+");
        Trace { name, keys, sizes: None, unique }
    }

    /// One after the other, equal names meaning equal keys only within a trace given twice under the same name.
    pub fn in_turn(traces: &[&Trace]) -> Trace {
        let mut offsets: Vec<(&str, u32)> = Vec::new();
        let mut unique = 0;
        let mut keys = Vec::new();
        for trace in traces {
            let known = offsets.iter().find(|(name, _)| *name == trace.name).map(|&(_, offset)| offset);
            let offset = known.unwrap_or_else(|| {
                let offset = unique as u32;
                offsets.push((&trace.name, offset));
                unique += trace.unique;
                offset
            });
            keys.extend(trace.keys.iter().map(|key| offset + key));
        }
        Trace { name: "in turn".into(), keys, sizes: None, unique }
    }
}

/// Draws from a Zipf distribution over `count` keys by its inverse, deterministic in `seed`.
pub fn zipf(count: u64, exponent: f64, length: usize, seed: u64) -> impl Iterator<Item = u64> {
    let mut sums = Vec::with_capacity(count as usize);
    let mut sum = 0.0;
    for rank in 1..=count {
        sum += (rank as f64).powf(-exponent);
        sums.push(sum);
    }
    (0..length as u64).map(move |at| {
        let draw = (mix(at ^ seed.rotate_left(40)) >> 11) as f64 / (1u64 << 53) as f64 * sum;
        sums.partition_point(|&reached| reached < draw) as u64
    })
}

/// The scenes, each for a cache of `capacity` entries: (name, trace).
pub fn scenes(capacity: u64, seed: u64) -> Vec<(&'static str, Trace)> {
    let length = (capacity * 60) as usize;
    let usual = || zipf(capacity * 10, 0.9, length, seed);
    let third = length / 3;
    let far = 1 << 40;
    vec![
        (
            "hot set flips",
            Trace::from_keys("flip", usual().enumerate().map(|(at, key)| key + far * (at / third) as u64)),
        ),
        (
            "scan flood",
            Trace::from_keys(
                "scan",
                usual().enumerate().map(|(at, key)| if at / third == 1 && at % 4 != 0 { far + at as u64 } else { key }),
            ),
        ),
        (
            "one-hit flood",
            Trace::from_keys(
                "one-hit",
                usual().enumerate().map(|(at, key)| if at % 2 == 0 { far + at as u64 } else { key }),
            ),
        ),
        (
            "loop, then recency, then loop",
            Trace::from_keys(
                "loop",
                (0..length as u64).map(|at| {
                    let turn = capacity * 3 / 2;
                    match at / third as u64 {
                        1 => far + at / 2 - (mix(at) % (capacity / 2)).min(at / 4),
                        _ => at % turn,
                    }
                }),
            ),
        ),
    ]
}
