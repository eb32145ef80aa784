//! What an eviction policy decides: one structure, several modes of it (docs/slab.md 6). Touches nothing shared.
//!
//! The engine keeps two queues of segments in the order of writing, small and main, two bits of frequency per slot, a
//! ghost table and a sketch; it moves records and keeps every bound. A mode only sets a few numbers, so it cannot make
//! the engine wrong, only worse.

use crate::mutant;

pub const SMALL: u32 = 0;
pub const MAIN: u32 = 1;

/// How full the queues are, in entries or in segments, whichever bound is at work.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    pub small: u32,
    pub main: u32,
}

/// What decides about a record that stands at the old end of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Its uses alone: S3-FIFO (Yang et al., SOSP 2023).
    Uses,
    /// What leaves small without the uses that lead to main takes the place of main's oldest if it was asked for more
    /// often by [`DUEL_MARGIN`].
    Duel,
    /// How often it was asked for per byte, against a bar that follows what it lets pass.
    Worth,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Hundredths of the capacity that small may hold before main gives room. 0: new keys go to main.
    pub small_percent: u32,
    /// A key that comes back while its ghost is there goes to main.
    pub ghost: bool,
    /// Until the first eviction small holds its share only and the rest stays in main: far better for loops and scans, a
    /// little worse where all is recency.
    pub main_first: bool,
    pub rule: Rule,
}

const fn dueling(small_percent: u32, ghost: bool) -> Mode {
    Mode { small_percent, ghost, main_first: true, rule: Rule::Duel }
}

/// By their number in shared memory. Neither `MODES` nor the numbers below may change without the layout version.
pub const MODES: [Mode; 8] = [
    Mode { small_percent: 10, ghost: true, main_first: false, rule: Rule::Uses },
    Mode { small_percent: 10, ghost: true, main_first: true, rule: Rule::Uses },
    // Nothing known yet.
    dueling(30, false),
    // Loops and skew: what has proven itself stays.
    dueling(1, false),
    // Reuse soon after eviction is believed at once.
    dueling(20, true),
    // Everything to main, with one chance more for each use: LRU's floor.
    dueling(0, false),
    // Scans with reuse.
    dueling(5, true),
    // Sizes that differ.
    Mode { small_percent: 5, ghost: false, main_first: true, rule: Rule::Worth },
];

pub const S3_FIFO: u32 = 0;
pub const S3_FIFO_MAIN_FIRST: u32 = 1;
pub const BALANCED: u32 = 2;
pub const FREQUENCY: u32 = 3;
pub const RECENCY: u32 = 4;
pub const CLOCK: u32 = 5;
pub const SCAN: u32 = 6;
pub const LIGHT: u32 = 7;
/// As a cache's policy: the mode is chosen by miniatures, shard by shard.
pub const ADAPTIVE: u32 = 8;

/// Uses in small that lead to main.
pub const PROMOTE_AT: u32 = 2;
/// By how much a candidate from small must have been asked for more often than main's oldest.
pub const DUEL_MARGIN: u32 = 2;
/// Rounds without a use are counted up to here.
pub const OLDEST: u32 = 3;

impl Mode {
    /// Of a number that was read from shared memory, whatever it is.
    #[inline]
    pub fn of(number: u32) -> Mode {
        MODES[if (number as usize) < MODES.len() { number as usize } else { S3_FIFO_MAIN_FIRST as usize }]
    }

    /// Entries, segments or units that small may hold of `capacity`.
    pub fn small_target(self, capacity: u32) -> u32 {
        let share = (u64::from(capacity) * u64::from(self.small_percent) / 100) as u32;
        if self.rule == Rule::Uses { share } else { share.max(u32::from(self.small_percent > 0)) }
    }

    /// Queue of a new key. `returned`: its ghost was there. `small_full`: small has its share and nothing was evicted yet.
    pub fn queue_of_new(self, returned: bool, small_full: bool) -> u32 {
        let to_main = self.small_percent == 0 || (returned && self.ghost) || (small_full && self.main_first);
        if to_main { MAIN } else { SMALL }
    }

    /// Queue that the next victim is looked for in.
    pub fn queue_to_evict(self, fill: Fill) -> u32 {
        let target = self.small_target(fill.small + fill.main);
        if fill.small == 0 || (fill.main > 0 && fill.small < target) { MAIN } else { SMALL }
    }

    /// Whether main holds so little that it takes what leaves small without asking. After a change of mode nothing else would
    /// bring small down to a smaller share, since every eviction frees just what is asked for.
    pub fn main_takes(self, fill: Fill) -> bool {
        let capacity = fill.small + fill.main;
        !mutant::is("no-overflow") && fill.main + self.small_target(capacity) + 1 < capacity
    }
}

/// A record's worth: log2(frequency / size) in 256ths, less a quarter of an octave for each round without a use.
pub fn worth(frequency: u32, age: u32, units: u32) -> i32 {
    log2(frequency.max(1)) as i32 - log2(units.max(1)) as i32 - 64 * age as i32
}

/// log2 in 256ths, right to two of them; in whole numbers, so that both engines say the same.
pub fn log2(value: u32) -> u32 {
    let octave = 31 - value.leading_zeros();
    let scaled = if octave >= 8 { value >> (octave - 8) } else { value << (8 - octave) };
    let part = scaled & 255;
    256 * octave + part + ((part * (256 - part) * 88) >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_gives_until_it_is_below_its_share() {
        let mode = Mode::of(S3_FIFO);
        assert_eq!(mode.queue_to_evict(Fill { small: 10, main: 90 }), SMALL);
        assert_eq!(mode.queue_to_evict(Fill { small: 9, main: 91 }), MAIN);
        assert_eq!(mode.queue_to_evict(Fill { small: 0, main: 5 }), MAIN);
        assert_eq!(mode.queue_to_evict(Fill { small: 5, main: 0 }), SMALL);
        assert_eq!(Mode::of(CLOCK).queue_to_evict(Fill { small: 1, main: 99 }), SMALL);
    }

    #[test]
    fn main_takes_from_small_only_what_it_has_a_right_to() {
        let mode = Mode::of(FREQUENCY);
        assert!(mode.main_takes(Fill { small: 30, main: 70 }));
        assert!(!mode.main_takes(Fill { small: 2, main: 98 }));
        assert!(!mode.main_takes(Fill { small: 1, main: 99 }));
    }

    #[test]
    fn a_number_from_broken_memory_is_a_mode_too() {
        assert_eq!(Mode::of(77), Mode::of(S3_FIFO_MAIN_FIRST));
    }

    #[test]
    fn the_logarithm_is_close_enough() {
        for value in [1u32, 2, 3, 5, 7, 100, 255, 256, 257, 1000, 65_537, u32::MAX] {
            let exact = f64::from(value).log2() * 256.0;
            assert!((f64::from(log2(value)) - exact).abs() < 3.5, "{value}: {} for {exact}", log2(value));
        }
        assert!(worth(4, 0, 16) > worth(4, 1, 16) && worth(4, 0, 16) > worth(4, 0, 17));
    }
}
