//! The one structure that every mode runs: a small FIFO, a main FIFO with reinsertion, a ghost, a sketch.

use super::sketch::Sketch;
use crate::policies::s3_fifo::Ghost;
use crate::policies::{Policy, Ring};

const ABSENT: u8 = 0;
const SMALL: u8 = 1;
const MAIN: u8 = 2;

/// What a mode decides. Everything else is common to all.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// Share of the capacity that small may hold before main is the one that gives room. 0: new keys go to main.
    pub small_share: f64,
    /// Hits in small that take an entry to main when it leaves small.
    pub promote_at: u8,
    /// Whether a key that returns out of the ghost goes to main at once.
    pub ghost: bool,
    /// Entries that leave small without being promoted challenge main's oldest: their estimate must be larger by this.
    pub duel: Option<u32>,
    /// Counts at which main's reinsertion saturates.
    pub main_max: u8,
}

pub struct Structure {
    capacity: u64,
    mode: Mode,
    small: Ring,
    main: Ring,
    ghost: Ghost,
    place: Vec<u8>,
    count: Vec<u8>,
    sketch: Sketch,
    evicted_once: bool,
    flush: bool,
}

impl Structure {
    pub fn new(capacity: u64, keys: usize, mode: Mode, seed: u64, flush: bool) -> Self {
        Structure {
            capacity,
            mode,
            small: Ring::default(),
            main: Ring::default(),
            ghost: Ghost::new((capacity as f64 * 0.9) as u64, keys),
            place: vec![ABSENT; keys],
            count: vec![0; keys],
            sketch: Sketch::new(capacity, 10 * capacity, seed),
            evicted_once: false,
            flush,
        }
    }

    /// Changes what is decided from now on; what is resident stays where it is.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    fn small_target(&self) -> u64 {
        ((self.capacity as f64 * self.mode.small_share) as u64).max(u64::from(self.mode.small_share > 0.0))
    }

    fn evict(&mut self) {
        self.evicted_once = true;
        if self.small.is_empty() || self.small.used() < self.small_target() {
            if !self.main.is_empty() {
                self.settle_main();
                if let Some((key, _)) = self.main.pop() {
                    self.leave(key);
                }
                return;
            }
        }
        self.evict_small();
    }

    fn leave(&mut self, key: u32) {
        self.place[key as usize] = ABSENT;
        if self.flush && self.count[key as usize] > 0 {
            self.sketch.add(key, u32::from(self.count[key as usize]));
        }
    }

    /// Reinserts main's oldest until the oldest has count 0.
    fn settle_main(&mut self) {
        while let Some((key, size)) = self.main.oldest() {
            let count = self.count[key as usize];
            if count == 0 {
                return;
            }
            self.main.pop();
            if self.flush {
                self.sketch.add(key, 1);
            }
            self.count[key as usize] = count.min(self.mode.main_max) - 1;
            self.main.push(key, size);
        }
    }

    fn evict_small(&mut self) {
        while let Some((key, size)) = self.small.pop() {
            // Where main holds less than its share (after a change of mode) it takes what small has too much.
            let free = self.main.used() + self.small_target() + u64::from(size) < self.capacity;
            if free || self.count[key as usize] >= self.mode.promote_at {
                if self.flush {
                    self.sketch.add(key, u32::from(self.count[key as usize]));
                }
                self.place[key as usize] = MAIN;
                self.count[key as usize] = 0;
                self.main.push(key, size);
                continue;
            }
            if let Some(margin) = self.mode.duel {
                self.settle_main();
                if let Some((victim, _)) = self.main.oldest() {
                    let pending = if self.flush { u32::from(self.count[key as usize]) } else { 0 };
                    if self.sketch.estimate(key) + pending >= self.sketch.estimate(victim) + margin {
                        self.main.pop();
                        self.leave(victim);
                        if self.flush {
                            self.sketch.add(key, pending);
                        }
                        self.place[key as usize] = MAIN;
                        self.count[key as usize] = 0;
                        self.main.push(key, size);
                        return;
                    }
                }
            }
            self.leave(key);
            self.ghost.insert(key, size);
            return;
        }
    }
}

impl Policy for Structure {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let at = key as usize;
        if !self.flush {
            self.sketch.add(key, 1);
        }
        if self.place[at] != ABSENT {
            self.count[at] = (self.count[at] + 1).min(3);
            return true;
        }
        if self.flush {
            self.sketch.add(key, 1);
        }
        let remembered = self.ghost.remove(key);
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.used() + u64::from(size) > self.capacity {
            self.evict();
        }
        let direct = self.mode.small_share == 0.0;
        let cold = !self.evicted_once && self.small.used() >= self.small_target();
        if direct || cold || (remembered && self.mode.ghost) {
            self.place[at] = MAIN;
            self.main.push(key, size);
        } else {
            self.place[at] = SMALL;
            self.small.push(key, size);
        }
        self.count[at] = 0;
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
