//! How often a key was asked for lately: 4-bit counters, four probes in one 64-byte line, halved in turns.

use crate::mix;

/// Probes of one key lie in one line of 128 counters, each in its own quarter.
pub struct Sketch {
    lines: Vec<[u64; 8]>,
    added: u64,
    halve_at: u64,
    seed: u64,
}

impl Sketch {
    /// `entries`: how many keys the cache holds. One line for 16 entries is 4 bytes an entry.
    pub fn new(entries: u64, sample: u64, seed: u64) -> Self {
        let lines = (entries / 16).max(4).next_power_of_two();
        Sketch { lines: vec![[0; 8]; lines as usize], added: 0, halve_at: sample.max(16), seed }
    }

    fn probes(&self, key: u32) -> (usize, [(usize, u32); 4]) {
        let hash = mix(u64::from(key) ^ self.seed);
        let line = (hash >> 32) as usize & (self.lines.len() - 1);
        let probe = |i: u32| {
            let bits = (hash >> (i * 5)) as usize & 31;
            (i as usize * 2 + bits / 16, (bits as u32 % 16) * 4)
        };
        (line, [probe(0), probe(1), probe(2), probe(3)])
    }

    pub fn estimate(&self, key: u32) -> u32 {
        let (line, probes) = self.probes(key);
        let words = &self.lines[line];
        probes.iter().map(|&(word, shift)| (words[word] >> shift) as u32 & 15).min().unwrap_or(0)
    }

    /// Counts the key up by `by`, raising only the counters that are at its minimum.
    pub fn add(&mut self, key: u32, by: u32) {
        let (line, probes) = self.probes(key);
        let target = (self.estimate(key) + by).min(15);
        let words = &mut self.lines[line];
        for (word, shift) in probes {
            let old = (words[word] >> shift) as u32 & 15;
            if old < target {
                words[word] = words[word] & !(15 << shift) | u64::from(target) << shift;
            }
        }
        self.added += u64::from(by);
        if self.added >= self.halve_at {
            self.added /= 2;
            for words in &mut self.lines {
                words.iter_mut().for_each(|word| *word = (*word >> 1) & 0x7777_7777_7777_7777);
            }
        }
    }
}
