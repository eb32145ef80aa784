//! How often keys were asked for lately: 4-bit counters, four probes of a key in one line of 64 bytes, halved in turns
//! (docs/slab.md 6). Racy on purpose: what is lost or counted twice makes one choice worse, never an answer wrong.

use crate::hash::{fastrange, fmix32};
use crate::layout::{shard, sketch};
use crate::region::{Ordering, Region};
use crate::shard::Shard;

/// Up to so many lines are halved at once; more, in steps of so many with each addition.
const LINES_A_STEP: u32 = 1024;
const MOST: u32 = 15;

/// Where a sketch lies: the shard's own, or that of a miniature.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sketch<'a> {
    pub region: &'a Region,
    pub lines_at: u32,
    pub lines: u32,
    /// Where its two words lie: additions since the last halving, and the line that a halving under way stands at + 1.
    pub words_at: u32,
    /// Additions after which all is halved.
    pub halve_at: u32,
}

impl Shard {
    pub(crate) fn sketch(&self) -> Sketch<'_> {
        Sketch {
            region: &self.region,
            lines_at: self.policy_offset,
            lines: self.sketch_lines,
            words_at: shard::SKETCH_ADDED,
            halve_at: self.sketch_halve_at,
        }
    }
}

impl Sketch<'_> {
    /// The word and the shift of each probe of a key with this hash.
    #[inline]
    fn probes(&self, h: u32) -> [(u32, u32); 4] {
        let mixed = fmix32(h ^ 0x5BD1_E995);
        let line = self.lines_at + fastrange(mixed, self.lines) * sketch::LINE_BYTES;
        let bits = mixed.wrapping_mul(0x9E37_79B1) >> 12;
        [0, 1, 2, 3].map(|quarter| {
            let probe = (bits >> (5 * quarter)) & 31;
            (line + 16 * quarter + 4 * (probe >> 3), 4 * (probe & 7))
        })
    }

    #[inline]
    fn least(&self, probes: &[(u32, u32); 4]) -> u32 {
        let counter = |&(at, shift): &(u32, u32)| (self.region.load32(at, Ordering::Relaxed) >> shift) & MOST;
        probes.iter().map(counter).min().unwrap_or(0)
    }

    pub fn estimate(&self, h: u32) -> u32 {
        if self.lines == 0 { 0 } else { self.least(&self.probes(h)) }
    }

    /// Counts a key up, raising only the counters that are at its minimum.
    pub fn add(&self, h: u32, by: u32) {
        if self.lines == 0 || by == 0 {
            return;
        }
        let probes = self.probes(h);
        let target = (self.least(&probes) + by).min(MOST);
        for (at, shift) in probes {
            let seen = self.region.load32(at, Ordering::Relaxed);
            if (seen >> shift) & MOST < target {
                self.region.store32(at, seen & !(MOST << shift) | target << shift, Ordering::Relaxed);
            }
        }
        let added = self.region.load32(self.words_at, Ordering::Relaxed).wrapping_add(by);
        let standing = self.region.load32(self.words_at + 4, Ordering::Relaxed);
        if added >= self.halve_at {
            self.region.store32(self.words_at, added / 2, Ordering::Relaxed);
            self.halve(0);
        } else {
            self.region.store32(self.words_at, added, Ordering::Relaxed);
            if standing != 0 {
                self.halve(standing - 1);
            }
        }
    }

    fn halve(&self, from: u32) {
        let from = from.min(self.lines);
        let to = (from + LINES_A_STEP).min(self.lines);
        for at in (self.lines_at + from * sketch::LINE_BYTES..self.lines_at + to * sketch::LINE_BYTES).step_by(4) {
            let seen = self.region.load32(at, Ordering::Relaxed);
            if seen != 0 {
                self.region.store32(at, (seen >> 1) & 0x7777_7777, Ordering::Relaxed);
            }
        }
        let standing = if to == self.lines { 0 } else { to + 1 };
        self.region.store32(self.words_at + 4, standing, Ordering::Relaxed);
    }
}
