//! The adaptive policy: the structure in the mode that miniature caches over sampled keys say is best.
//!
//! One miniature per mode sees the requests of the same sampled keys. Hits are compared block by block, a block being
//! half as many sampled requests as a miniature has entries. Blocks are long on purpose: which mode is ahead comes in
//! runs about as long as the cache (a scan that turns back favours recency until it has crossed the cache), and noise
//! taken per request would mistake one such run for proof.

use super::structure::{Mode, Structure};
use crate::mix;
use crate::policies::Policy;

/// What the tournament is run with.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// The candidates. The first is the one that the cache starts in.
    pub modes: Vec<Mode>,
    /// Entries of a miniature: at least this many,
    pub mini_entries: f64,
    /// … and at least this times the square root of the cache's entries,
    pub mini_root: f64,
    /// … but never more than one key in so many is sampled less.
    pub sample_at_most: f64,
    /// Standard errors by which a challenger must lead.
    pub errors: f64,
    /// The same for a challenger that sends everything to main, the floor: cheaper to believe.
    pub floor_errors: f64,
    /// Leads are forgotten over this many times the miniature's entries of sampled requests.
    pub horizon: f64,
    /// Length of a block as a share of the miniature's entries.
    pub block: f64,
}

pub struct Adaptive {
    real: Structure,
    minis: Vec<Structure>,
    tuning: Tuning,
    current: usize,
    /// Per mode, against the current one: sum of differences in hits and of their squares per block, decayed.
    lead: Vec<f64>,
    noise: Vec<f64>,
    decay: f64,
    block: u32,
    block_length: u32,
    block_hits: Vec<u32>,
    sample_below: u64,
    seed: u64,
    requests: u64,
    switches: Vec<(u64, usize)>,
}

impl Adaptive {
    /// `entries` is how many the capacity is expected to hold: the capacity itself where objects count 1.
    pub fn new(capacity: u64, entries: u64, keys: usize, seed: u64, tuning: Tuning) -> Self {
        let wanted = tuning.mini_entries.max(tuning.mini_root * (entries as f64).sqrt());
        let rate = (wanted / entries as f64).clamp(1.0 / tuning.sample_at_most, 1.0);
        let scaled = |full: u64| ((full as f64 * rate).round() as u64).max(1);
        let (mini, mini_entries) = (scaled(capacity), scaled(entries));
        let minis: Vec<Structure> =
            tuning.modes.iter().map(|&mode| Structure::new(mini, mini_entries, keys, mode, seed)).collect();
        let count = minis.len();
        let block = (tuning.block * mini_entries as f64).floor().max(1.0);
        Adaptive {
            real: Structure::new(capacity, entries, keys, tuning.modes[0], seed),
            minis,
            current: 0,
            lead: vec![0.0; count],
            noise: vec![0.0; count],
            decay: 1.0 - block / (tuning.horizon * mini_entries as f64).max(2.0 * block),
            block: block as u32,
            block_length: 0,
            block_hits: vec![0; count],
            sample_below: if rate >= 1.0 { u64::MAX } else { (rate * u64::MAX as f64) as u64 },
            seed,
            tuning,
            requests: 0,
            switches: Vec::new(),
        }
    }

    /// (request, mode) of every change so far.
    pub fn switches(&self) -> &[(u64, usize)] {
        &self.switches
    }

    fn judge(&mut self) {
        let own = self.block_hits[self.current];
        let mut best = (0.0, self.current);
        for other in 0..self.minis.len() {
            let difference = f64::from(self.block_hits[other]) - f64::from(own);
            self.lead[other] = self.lead[other] * self.decay + difference;
            self.noise[other] = self.noise[other] * self.decay + difference * difference;
            let floor = self.tuning.modes[other].small_share == 0.0;
            let errors = if floor { self.tuning.floor_errors } else { self.tuning.errors };
            let beyond = self.lead[other] - errors * self.noise[other].sqrt();
            if beyond > best.0 {
                best = (beyond, other);
            }
        }
        self.block_length = 0;
        self.block_hits.fill(0);
        if best.1 != self.current {
            self.switch(best.1);
        }
    }

    fn switch(&mut self, to: usize) {
        self.current = to;
        self.real.set_mode(self.tuning.modes[to]);
        self.switches.push((self.requests, to));
        let base = self.lead[to];
        for other in 0..self.lead.len() {
            // Differences add up; noise does not, and is at least what the lead itself shows.
            self.lead[other] -= base;
            self.noise[other] = self.noise[other].max(self.lead[other].abs());
        }
        self.noise[to] = 0.0;
    }
}

impl Policy for Adaptive {
    fn request(&mut self, key: u32, size: u32) -> bool {
        self.requests += 1;
        if mix(u64::from(key) ^ self.seed.rotate_left(17)) <= self.sample_below {
            for (mini, hits) in self.minis.iter_mut().zip(&mut self.block_hits) {
                *hits += u32::from(mini.request(key, size));
            }
            self.block_length += 1;
            if self.block_length >= self.block {
                self.judge();
            }
        }
        self.real.request(key, size)
    }

    fn used(&self) -> u64 {
        self.real.used()
    }

    fn capacity(&self) -> u64 {
        self.real.capacity()
    }

    fn audit(&self) -> Result<(), String> {
        self.minis.iter().try_for_each(Policy::audit)?;
        self.real.audit()
    }
}
