//! Belady's optimum for equal sizes: the victim is what is used again latest; what is never used again is not kept.
//! Blind to size when counting bytes, as in the reference.

use super::Policy;
use std::sync::Arc;

pub struct Belady {
    capacity: u64,
    used: u64,
    now: usize,
    next: Arc<Vec<u32>>,
    /// The key that is used at a time; filled in when the key becomes resident, which is before that time.
    key_at: Vec<u32>,
    /// Next use of each resident key; `u32::MAX` when not resident.
    due: Vec<u32>,
    sizes: Vec<u32>,
    /// Times at which a resident key is used next.
    times: TimeSet,
}

impl Belady {
    pub fn new(capacity: u64, keys: usize, next: Arc<Vec<u32>>) -> Self {
        Belady {
            capacity,
            used: 0,
            now: 0,
            times: TimeSet::new(next.len()),
            key_at: vec![u32::MAX; next.len()],
            next,
            due: vec![u32::MAX; keys],
            sizes: vec![0; keys],
        }
    }

    fn forget(&mut self, key: u32) {
        self.times.remove(self.due[key as usize]);
        self.due[key as usize] = u32::MAX;
        self.used -= u64::from(self.sizes[key as usize]);
    }

    fn remember(&mut self, key: u32, due: u32) {
        self.due[key as usize] = due;
        self.times.insert(due);
        self.key_at[due as usize] = key;
    }
}

impl Policy for Belady {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let due = self.next[self.now];
        self.now += 1;
        if self.due[key as usize] != u32::MAX {
            self.forget(key);
            if due != u32::MAX {
                self.used += u64::from(size);
                self.remember(key, due);
            }
            return true;
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.used + u64::from(size) > self.capacity {
            let Some(latest) = self.times.latest() else { break };
            self.forget(self.key_at[latest as usize]);
        }
        if due != u32::MAX {
            self.sizes[key as usize] = size;
            self.used += u64::from(size);
            self.remember(key, due);
        }
        false
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        let resident = (0..self.due.len()).filter(|&key| self.due[key] != u32::MAX);
        let sum: u64 = resident.map(|key| u64::from(self.sizes[key])).sum();
        (sum == self.used).then_some(()).ok_or_else(|| format!("{sum} resident, {} counted", self.used))
    }
}

/// A set of times that knows its latest: bits in words, and words above that say which words are not empty.
struct TimeSet {
    levels: Vec<Vec<u64>>,
}

impl TimeSet {
    fn new(times: usize) -> Self {
        let mut levels = Vec::new();
        let mut words = times.div_ceil(64).max(1);
        loop {
            levels.push(vec![0; words]);
            if words == 1 {
                return TimeSet { levels };
            }
            words = words.div_ceil(64);
        }
    }

    fn insert(&mut self, time: u32) {
        let mut at = time as usize;
        for level in &mut self.levels {
            level[at / 64] |= 1 << (at % 64);
            at /= 64;
        }
    }

    fn remove(&mut self, time: u32) {
        let mut at = time as usize;
        for level in &mut self.levels {
            level[at / 64] &= !(1 << (at % 64));
            if level[at / 64] != 0 {
                return;
            }
            at /= 64;
        }
    }

    fn latest(&self) -> Option<u32> {
        let mut at = 0;
        for level in self.levels.iter().rev() {
            let word = level[at];
            if word == 0 {
                return None;
            }
            at = at * 64 + 63 - word.leading_zeros() as usize;
        }
        Some(at as u32)
    }
}
