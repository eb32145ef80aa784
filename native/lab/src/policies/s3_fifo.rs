//! S3-FIFO (Yang et al., SOSP 2023) with the rules of libCacheSim's reference implementation: small FIFO of 10 %,
//! main FIFO with reinsertion, ghost of evicted keys worth 90 % of the capacity.
//!
//! The rules, exactly (C = capacity, S = floor(0.1 C), M = C - S, G = floor(0.9 C)):
//!
//! 1. Lookup. In small: count up, hit. Else take the key out of the ghost if it is there (remember that it was);
//!    in main: count up, hit. Else a miss. Counts are taken as they are while the key stays in small, and as
//!    min(count, 3) when main's hand comes by, so 2 bits that saturate at 3 are the same thing.
//! 2. A miss first evicts until the new object fits (`used + size <= C` over small and main together), then inserts:
//!    into main if the key came out of the ghost, else into small; with count 0.
//! 3. Nothing bounds small by itself: a cold cache fills with small alone up to C, and only evictions shrink it.
//!    (`small_bound_when_cold` turns on the younger rule: before the first eviction a new key goes to main while
//!    small holds S or more.)
//! 4. Evict from main if main holds more than M (strictly) or small is empty; else from small.
//! 5. Evict from small: take the oldest. Count >= 2: to the newest end of main, count 0, and take the next oldest;
//!    nothing bounds main here, so it may pass M. Count < 2: into the ghost, out, done. When small runs empty
//!    without a victim the next turn is main's.
//! 6. Evict from main: take the oldest. Count >= 1: to the newest end of main with min(count, 3) - 1, and again.
//!    Count 0: out, done. It does not enter the ghost.
//! 7. Ghost: FIFO by time of eviction, G objects (bytes). A key leaves it when asked for again, hit or miss.
//! 8. By bytes: an object larger than S is never admitted, and one of exactly S only by way of the ghost.

use super::{Policy, Ring};
use std::collections::VecDeque;

const ABSENT: u8 = 0;
const SMALL: u8 = 1;
const MAIN: u8 = 2;

/// What may be varied; `Default` is the reference.
#[derive(Clone, Copy)]
pub struct Rules {
    pub small_share: f64,
    pub ghost_share: f64,
    pub promote_at: u8,
    pub small_bound_when_cold: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { small_share: 0.1, ghost_share: 0.9, promote_at: 2, small_bound_when_cold: false }
    }
}

pub struct S3Fifo {
    capacity: u64,
    small_target: u64,
    rules: Rules,
    small: Ring,
    main: Ring,
    ghost: Ghost,
    place: Vec<u8>,
    count: Vec<u8>,
    evicted_once: bool,
}

impl S3Fifo {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Self::with_rules(capacity, keys, Rules::default())
    }

    pub fn with_rules(capacity: u64, keys: usize, rules: Rules) -> Self {
        S3Fifo {
            capacity,
            small_target: (capacity as f64 * rules.small_share) as u64,
            rules,
            small: Ring::default(),
            main: Ring::default(),
            ghost: Ghost::new((capacity as f64 * rules.ghost_share) as u64, keys),
            place: vec![ABSENT; keys],
            count: vec![0; keys],
            evicted_once: false,
        }
    }

    fn evict(&mut self) {
        self.evicted_once = true;
        if self.main.used() > self.capacity - self.small_target || self.small.is_empty() {
            self.evict_main();
        } else {
            self.evict_small();
        }
    }

    fn evict_small(&mut self) {
        while let Some((key, size)) = self.small.pop() {
            if self.count[key as usize] >= self.rules.promote_at {
                self.place[key as usize] = MAIN;
                self.count[key as usize] = 0;
                self.main.push(key, size);
            } else {
                self.place[key as usize] = ABSENT;
                self.ghost.insert(key, size);
                return;
            }
        }
    }

    fn evict_main(&mut self) {
        while let Some((key, size)) = self.main.pop() {
            let count = self.count[key as usize];
            if count == 0 {
                self.place[key as usize] = ABSENT;
                return;
            }
            self.count[key as usize] = count - 1;
            self.main.push(key, size);
        }
    }
}

impl Policy for S3Fifo {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let at = key as usize;
        if self.place[at] != ABSENT {
            self.count[at] = (self.count[at] + 1).min(3);
            return true;
        }
        let remembered = self.ghost.remove(key);
        if u64::from(size) > self.small_target {
            return false;
        }
        while self.small.used() + self.main.used() + u64::from(size) > self.capacity {
            self.evict();
        }
        let small_is_full = self.small.used() >= self.small_target;
        if remembered || (self.rules.small_bound_when_cold && !self.evicted_once && small_is_full) {
            self.place[at] = MAIN;
            self.main.push(key, size);
        } else if u64::from(size) >= self.small_target && size > 1 {
            return false;
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

/// Keys of evicted objects, oldest first, bounded by the size they had.
pub struct Ghost {
    capacity: u64,
    used: u64,
    /// (key, size, turn): only the entry of a key's latest turn is alive.
    queue: VecDeque<(u32, u32, u32)>,
    turn: Vec<u32>,
    turns: u32,
}

impl Ghost {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Ghost { capacity, used: 0, queue: VecDeque::new(), turn: vec![0; keys], turns: 0 }
    }

    pub fn insert(&mut self, key: u32, size: u32) {
        if u64::from(size) > self.capacity {
            return;
        }
        while self.used + u64::from(size) > self.capacity {
            let Some((oldest, its_size, turn)) = self.queue.pop_front() else { break };
            if self.turn[oldest as usize] == turn {
                self.turn[oldest as usize] = 0;
                self.used -= u64::from(its_size);
            }
        }
        self.turns += 1;
        self.turn[key as usize] = self.turns;
        self.queue.push_back((key, size, self.turns));
        self.used += u64::from(size);
    }

    /// Whether it was there.
    pub fn remove(&mut self, key: u32) -> bool {
        let turn = std::mem::take(&mut self.turn[key as usize]);
        if turn == 0 {
            return false;
        }
        // Turns only grow along the queue, so the entry is found by bisection.
        if let Ok(found) = self.queue.binary_search_by_key(&turn, |&(_, _, t)| t) {
            self.used -= u64::from(self.queue[found].1);
        }
        true
    }

    pub fn audit(&self) -> Result<(), String> {
        let alive = self.queue.iter().filter(|&&(key, _, turn)| self.turn[key as usize] == turn);
        let sum: u64 = alive.map(|&(_, size, _)| u64::from(size)).sum();
        (sum == self.used && sum <= self.capacity)
            .then_some(())
            .ok_or_else(|| format!("ghost: holds {sum}, count says {}, bound {}", self.used, self.capacity))
    }
}
