//! The adaptive policy: the structure in the mode that miniature caches over sampled keys say is best.

use super::structure::{Mode, Structure};
use crate::mix;
use crate::policies::Policy;

/// What the tournament is run with.
#[derive(Clone, Debug)]
pub struct Tuning {
    pub modes: Vec<Mode>,
    /// The mode that the cache starts in.
    pub first: usize,
    /// Entries that a miniature cache should have.
    pub mini_entries: u64,
    /// Largest sampling: one key in this many.
    pub sample_at_most: u64,
    /// Standard errors by which a challenger must lead.
    pub errors: f64,
    /// Leads are forgotten over this many times the miniature's entries of sampled requests.
    pub horizon: f64,
    /// A challenger must also lead by this share of the sampled requests in the horizon.
    pub least_gain: f64,
    /// Sampled requests judged at once, as a share of the miniature's entries.
    pub block: f64,
    pub floor_ease: f64,
    pub least_lead: f64,
    pub kappa: f64,
    pub root: f64,
}

pub struct Adaptive {
    real: Structure,
    minis: Vec<Structure>,
    current: usize,
    /// Per pair (other against current): sum of differences and of their squares, decayed.
    lead: Vec<f64>,
    noise: Vec<f64>,
    weight: f64,
    decay: f64,
    block: u32,
    block_len: u32,
    block_hits: Vec<f64>,
    threshold: u64,
    seed: u64,
    tuning: Tuning,
    sampled: u64,
    pub switches: Vec<(u64, usize)>,
    requests: u64,
}

impl Adaptive {
    pub fn new(capacity: u64, keys: usize, seed: u64, tuning: Tuning) -> Self {
        let wanted = (tuning.mini_entries as f64).max(tuning.root * (capacity as f64).sqrt());
        let rate = (wanted / capacity as f64).clamp(1.0 / tuning.sample_at_most as f64, 1.0);
        let mini = ((capacity as f64 * rate).round() as u64).max(1);
        let minis: Vec<Structure> =
            tuning.modes.iter().map(|&mode| Structure::new(mini, keys, mode, seed, true)).collect();
        let count = minis.len();
        let block = (tuning.block * mini as f64).max(1.0);
        Adaptive {
            real: Structure::new(capacity, keys, tuning.modes[tuning.first], seed, true),
            minis,
            current: tuning.first,
            lead: vec![0.0; count],
            noise: vec![0.0; count],
            weight: 0.0,
            decay: 1.0 - (block / (tuning.horizon * mini as f64).max(2.0 * block)),
            block: block as u32,
            block_len: 0,
            block_hits: vec![0.0; count],
            threshold: if rate >= 1.0 { u64::MAX } else { (rate * u64::MAX as f64) as u64 },
            seed,
            tuning,
            sampled: 0,
            switches: Vec::new(),
            requests: 0,
        }
    }

    fn observe(&mut self, key: u32, size: u32) {
        self.sampled += 1;
        for (mini, hits) in self.minis.iter_mut().zip(&mut self.block_hits) {
            *hits += f64::from(u8::from(mini.request(key, size)));
        }
        self.block_len += 1;
        if self.block_len >= self.block {
            self.judge();
        }
    }

    fn judge(&mut self) {
        let decay = self.decay;
        self.weight = self.weight * decay + f64::from(self.block_len);
        let own = self.block_hits[self.current];
        let mut best = (0.0, self.current);
        for other in 0..self.minis.len() {
            let difference = self.block_hits[other] - own;
            self.lead[other] = self.lead[other] * decay + difference;
            self.noise[other] = self.noise[other] * decay + difference * difference;
            let mut errors = self.tuning.errors;
            if self.tuning.modes[other].small_share == 0.0 {
                errors *= self.tuning.floor_ease;
            }
            let margin = errors * self.noise[other].sqrt()
                + self.tuning.least_gain * self.weight
                + self.tuning.least_lead
                + self.tuning.kappa * self.minis[0].capacity() as f64;
            let over = self.lead[other] - margin;
            if over > best.0 {
                best = (over, other);
            }
        }
        self.block_len = 0;
        self.block_hits.iter_mut().for_each(|hits| *hits = 0.0);
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
            // Against the new current one: differences are additive, the noise is not known and starts over.
            self.lead[other] -= base;
            self.noise[other] = self.noise[other].max(self.lead[other].abs());
        }
        self.lead[to] = 0.0;
        self.noise[to] = 0.0;
    }
}

impl Policy for Adaptive {
    fn request(&mut self, key: u32, size: u32) -> bool {
        self.requests += 1;
        if mix(u64::from(key) ^ self.seed.rotate_left(17)) <= self.threshold {
            self.observe(key, size);
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

impl Drop for Adaptive {
    fn drop(&mut self) {
        if std::env::var_os("LAB_SWITCHES").is_some() {
            let head: Vec<String> = self.switches.iter().take(12).map(|(at, to)| format!("{at}:{to}")).collect();
            eprintln!(
                "C={} n={} sampled={} switches={} {}",
                self.capacity(),
                self.requests,
                self.sampled,
                self.switches.len(),
                head.join(" ")
            );
        }
    }
}
