//! The one structure that every mode runs: a small FIFO, a main FIFO with reinsertion, a ghost, a sketch.
//!
//! Written so that the engine can do the same over segments: a hit raises a 2-bit count and nothing else; everything
//! else happens where an entry is inserted or stands at the old end of its queue. The sketch learns an entry's hits
//! when a hand passes it, not when they happen: that costs a hit nothing and measured better, because a burst of hits
//! counts for three at most.

use super::sketch::Sketch;
use crate::policies::s3_fifo::Ghost;
use crate::policies::{Policy, Ring};

const ABSENT: u8 = 0;
const SMALL: u8 = 1;
const MAIN: u8 = 2;
/// Where the count of an entry saturates: two bits.
const MOST: u8 = 3;
/// How fast the bar of worth per byte moves: by e^8 while bytes worth one capacity are looked at.
const BAR_GAIN: f64 = 8.0;
/// What a round of main without a hit leaves of an entry's worth: the fourth root of a half.
const FADE: f64 = 0.840_896_415_253_714_6;
/// Rounds without a hit are counted up to here.
const OLDEST: u8 = 7;

/// What a mode decides. Everything else is common to all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Share of the capacity that small may hold before main is the one that gives room. 0: new keys go to main.
    pub small_share: f64,
    /// Hits in small that take an entry to main when it leaves small.
    pub promote_at: u8,
    /// Whether a key that returns out of the ghost goes to main at once.
    pub ghost: bool,
    /// Entries that leave small unpromoted challenge main's oldest: their frequency must be larger by this.
    pub duel: Option<u32>,
    /// Where set, entries stay by frequency per byte, so that about this share of the bytes looked at stays.
    pub density: Option<f64>,
}

pub struct Structure {
    capacity: u64,
    mode: Mode,
    small: Ring,
    main: Ring,
    ghost: Ghost,
    place: Vec<u8>,
    count: Vec<u8>,
    /// Rounds since the last hit; only by frequency per byte.
    age: Vec<u8>,
    sketch: Sketch,
    evicted_once: bool,
    /// Natural logarithm of the worth per byte above which an entry stays; NaN until the first eviction.
    bar: f64,
}

impl Structure {
    /// `entries` is how many the capacity is expected to hold: the capacity itself where objects count 1.
    pub fn new(capacity: u64, entries: u64, keys: usize, mode: Mode, seed: u64) -> Self {
        Structure {
            capacity,
            mode,
            small: Ring::default(),
            main: Ring::default(),
            ghost: Ghost::new((capacity as f64 * 0.9) as u64, keys),
            place: vec![ABSENT; keys],
            count: vec![0; keys],
            age: vec![0; keys],
            sketch: Sketch::new(entries, 10 * entries, seed),
            evicted_once: false,
            bar: f64::NAN,
        }
    }

    /// Changes what is decided from now on; what is resident stays where it is.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    fn small_target(&self) -> u64 {
        let share = self.mode.small_share;
        ((self.capacity as f64 * share) as u64).max(u64::from(share > 0.0))
    }

    fn small_gives(&self) -> bool {
        !self.small.is_empty() && (self.main.is_empty() || self.small.used() >= self.small_target())
    }

    fn evict(&mut self) {
        self.evicted_once = true;
        if let Some(retain) = self.mode.density {
            self.evict_by_worth(retain);
        } else if self.small_gives() {
            self.evict_small();
        } else {
            self.evict_main();
        }
    }

    fn evict_main(&mut self) {
        self.settle_main();
        if let Some((victim, _)) = self.main.pop() {
            self.learn(victim, MOST);
            self.place[victim as usize] = ABSENT;
        }
    }

    /// Tells the sketch of up to `most` hits that the entry has had, and takes them off its count.
    fn learn(&mut self, key: u32, most: u8) {
        let hits = self.count[key as usize].min(most);
        if hits > 0 {
            self.sketch.add(key, u32::from(hits));
            self.count[key as usize] -= hits;
        }
    }

    /// Reinserts main's oldest until the oldest has count 0.
    fn settle_main(&mut self) {
        while let Some((key, size)) = self.main.oldest() {
            if self.count[key as usize] == 0 {
                return;
            }
            self.main.pop();
            self.learn(key, 1);
            self.main.push(key, size);
        }
    }

    fn put_in_main(&mut self, key: u32, size: u32) {
        self.place[key as usize] = MAIN;
        self.main.push(key, size);
    }

    fn evict_small(&mut self) {
        while let Some((key, size)) = self.small.pop() {
            let promoted = self.count[key as usize] >= self.mode.promote_at;
            self.learn(key, MOST);
            // After a change of mode main may hold less than its share: it takes what small has too much. Without
            // this a smaller share of small would never come true, since every eviction frees just what is asked for.
            let free = self.main.used() + self.small_target() + u64::from(size) < self.capacity;
            if free || promoted {
                self.put_in_main(key, size);
                continue;
            }
            if self.mode.duel.is_some_and(|margin| self.wins(key, margin)) {
                self.evict_main();
                self.put_in_main(key, size);
                return;
            }
            self.place[key as usize] = ABSENT;
            self.ghost.insert(key, size);
            return;
        }
    }

    fn wins(&mut self, candidate: u32, margin: u32) -> bool {
        self.settle_main();
        let Some((victim, _)) = self.main.oldest() else { return false };
        self.sketch.estimate(candidate) >= self.sketch.estimate(victim) + margin
    }

    /// Size-aware eviction: the oldest stays if its frequency per byte, faded for each round without a hit, passes
    /// the bar. The bar follows what it lets pass, so neither sizes nor frequencies need a scale.
    fn evict_by_worth(&mut self, retain: f64) {
        loop {
            let from_small = self.small_gives();
            let Some((key, size)) = (if from_small { self.small.pop() } else { self.main.pop() }) else { return };
            let at = key as usize;
            if self.count[at] > 0 {
                self.age[at] = 0;
                self.learn(key, MOST);
            } else if !from_small {
                self.age[at] = (self.age[at] + 1).min(OLDEST);
            }
            let frequency = f64::from(self.sketch.estimate(key).max(1));
            let worth = (frequency * FADE.powi(i32::from(self.age[at])) / f64::from(size)).ln();
            if self.bar.is_nan() {
                self.bar = worth;
            }
            let step = BAR_GAIN * f64::from(size) / self.capacity as f64;
            if worth > self.bar {
                self.bar += step * (1.0 - retain);
                self.put_in_main(key, size);
                continue;
            }
            self.bar -= step * retain;
            self.place[at] = ABSENT;
            if from_small {
                self.ghost.insert(key, size);
            }
            return;
        }
    }
}

impl Policy for Structure {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let at = key as usize;
        if self.place[at] != ABSENT {
            self.count[at] = (self.count[at] + 1).min(MOST);
            return true;
        }
        self.sketch.add(key, 1);
        let remembered = self.ghost.remove(key);
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.used() + u64::from(size) > self.capacity {
            self.evict();
        }
        self.count[at] = 0;
        self.age[at] = 0;
        // Before the first eviction nothing is known: main takes what small has no room for. Who came first then
        // stays, which is what a loop larger than the cache needs, and costs others nothing.
        let cold = !self.evicted_once && self.small.used() >= self.small_target();
        if self.mode.small_share == 0.0 || cold || (remembered && self.mode.ghost) {
            self.put_in_main(key, size);
        } else {
            self.place[at] = SMALL;
            self.small.push(key, size);
        }
        false
    }

    fn used(&self) -> u64 {
        self.small.used() + self.main.used()
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        for (queue, place, name) in [(&self.small, SMALL, "small"), (&self.main, MAIN, "main")] {
            let placed = self.place.iter().filter(|&&p| p == place).count();
            let right = queue.iter().filter(|&(key, _)| self.place[key as usize] == place).count();
            if placed != right || right != queue.len() {
                return Err(format!("{name}: {placed} placed, {right} of {} queued are", queue.len()));
            }
        }
        self.ghost.audit()
    }
}
