//! W-TinyLFU (Einziger, Friedman, Manes 2017) with a fixed window of 1 %, as libCacheSim has it: an LRU window, a
//! segmented LRU main (1 : 4), a counting Bloom filter that decides whether the window's victim displaces main's.
//!
//! Kept as there, though Caffeine does otherwise: only hits in main count up a key (besides insertion and each duel),
//! the filter is halved after 32 times main's capacity of such hits, a tie is lost by the newcomer, and below 100
//! objects the window rounds to nothing, so that nothing is ever admitted.

use super::{Links, Policy};
use crate::mix;

const WINDOW: u8 = 0;
const PROBATION: u8 = 1;
const PROTECTED: u8 = 2;
const ABSENT: u8 = 3;

pub struct WTinyLfu {
    capacity: u64,
    limit: [u64; 3],
    main_limit: u64,
    used: [u64; 3],
    links: Links,
    list: Vec<u8>,
    sizes: Vec<u32>,
    filter: Filter,
    counted: u64,
}

impl WTinyLfu {
    pub fn new(capacity: u64, keys: usize) -> Self {
        let window = (capacity as f64 * 0.01) as u64;
        let main_limit = capacity - window;
        WTinyLfu {
            capacity,
            limit: [window, (main_limit as f64 * 0.2) as u64, (main_limit as f64 * 0.8) as u64],
            main_limit,
            used: [0; 3],
            links: Links::new(keys, 3),
            list: vec![ABSENT; keys],
            sizes: vec![0; keys],
            filter: Filter::new(main_limit),
            counted: 0,
        }
    }

    fn size(&self, key: u32) -> u64 {
        u64::from(self.sizes[key as usize])
    }

    fn take(&mut self, key: u32) {
        self.used[self.list[key as usize] as usize] -= self.size(key);
        self.links.unlink(key);
        self.list[key as usize] = ABSENT;
    }

    fn put(&mut self, list: u8, key: u32) {
        self.used[list as usize] += self.size(key);
        self.links.push_head(list as usize, key);
        self.list[key as usize] = list;
    }

    fn main_used(&self) -> u64 {
        self.used[PROBATION as usize] + self.used[PROTECTED as usize]
    }

    fn main_victim(&self) -> Option<u32> {
        self.links.tail(PROBATION as usize).or_else(|| self.links.tail(PROTECTED as usize))
    }

    fn insert_main(&mut self, key: u32) {
        let size = self.size(key);
        for list in [PROBATION, PROTECTED] {
            if self.used[list as usize] + size <= self.limit[list as usize] {
                self.put(list, key);
                return;
            }
        }
        while self.main_used() + size > self.main_limit {
            let Some(victim) = self.main_victim() else { break };
            self.take(victim);
        }
        self.put(PROBATION, key);
    }

    fn hit(&mut self, key: u32) {
        let list = self.list[key as usize];
        if list == WINDOW {
            self.links.move_to_head(WINDOW as usize, key);
            return;
        }
        self.take(key);
        self.put(PROTECTED, key);
        if list == PROBATION {
            while self.used[PROTECTED as usize] > self.limit[PROTECTED as usize] {
                let Some(cooled) = self.links.tail(PROTECTED as usize) else { break };
                self.take(cooled);
                self.put(PROBATION, cooled);
            }
            while self.used[PROBATION as usize] > self.limit[PROBATION as usize] {
                let Some(victim) = self.links.tail(PROBATION as usize) else { break };
                self.take(victim);
            }
        }
        self.filter.add(key);
        self.counted += 1;
        if self.counted >= 32 * self.main_limit {
            self.counted = 0;
            self.filter.halve();
        }
    }

    fn evict(&mut self) {
        while let Some(candidate) = self.links.tail(WINDOW as usize) {
            let mut evicted = false;
            if self.main_used() + self.size(candidate) <= self.main_limit {
                self.take(candidate);
                self.insert_main(candidate);
            } else if let Some(victim) = self.main_victim() {
                if self.filter.estimate(candidate) > self.filter.estimate(victim) {
                    self.take(victim);
                    self.take(candidate);
                    self.insert_main(candidate);
                } else {
                    self.take(candidate);
                    evicted = true;
                }
            }
            self.filter.add(candidate);
            if evicted {
                return;
            }
        }
        if let Some(victim) = self.main_victim() {
            self.take(victim);
        }
    }
}

impl Policy for WTinyLfu {
    fn request(&mut self, key: u32, size: u32) -> bool {
        if self.list[key as usize] != ABSENT {
            self.hit(key);
            return true;
        }
        let needed = u64::from(size);
        if needed > self.limit[WINDOW as usize] || needed > self.limit[PROBATION as usize] {
            return false;
        }
        while self.used() + needed > self.capacity {
            self.evict();
        }
        self.sizes[key as usize] = size;
        self.put(WINDOW, key);
        self.filter.add(key);
        false
    }

    fn used(&self) -> u64 {
        self.used.iter().sum()
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        for list in [WINDOW, PROBATION, PROTECTED] {
            let sum: u64 = self.links.oldest_first(list as usize).map(|key| self.size(key)).sum();
            if sum != self.used[list as usize] {
                return Err(format!("list {list} holds {sum}, the count says {}", self.used[list as usize]));
            }
        }
        Ok(())
    }
}

/// A counting Bloom filter for an error of 0.1 %: 14.4 counters an entry, 10 probes.
struct Filter {
    counters: Vec<u32>,
}

const PROBES: u32 = 10;
/// By bytes the reference would take 14.4 counters a byte; more than this many change nothing for our traces.
const MOST_COUNTERS: f64 = (1 << 23) as f64;

impl Filter {
    fn new(entries: u64) -> Self {
        let per_entry = -(0.001f64.ln()) / (2f64.ln() * 2f64.ln());
        let wanted = (per_entry * entries as f64).ceil().clamp(f64::from(2 * PROBES), MOST_COUNTERS);
        Filter { counters: vec![0; wanted as usize] }
    }

    fn probes(&self, key: u32) -> impl Iterator<Item = usize> {
        let hash = mix(u64::from(key));
        let (start, step) = (hash as u32, (hash >> 32) as u32);
        let count = self.counters.len() as u64;
        (0..PROBES).map(move |i| (u64::from(start.wrapping_add(i.wrapping_mul(step))) % count) as usize)
    }

    fn add(&mut self, key: u32) {
        for at in self.probes(key) {
            self.counters[at] += 1;
        }
    }

    fn estimate(&self, key: u32) -> u32 {
        self.probes(key).map(|at| self.counters[at]).min().unwrap_or(0)
    }

    fn halve(&mut self) {
        self.counters.iter_mut().for_each(|counter| *counter >>= 1);
    }
}
