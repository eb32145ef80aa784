//! GDSF (Cherkasova 1998): the victim is the object of least priority = clock + frequency / size, where the clock is
//! the priority of the last victim. The yardstick where sizes differ.

use super::Policy;
use std::collections::BTreeSet;

pub struct Gdsf {
    capacity: u64,
    used: u64,
    clock: f64,
    now: u64,
    /// (priority as ordered bits, time of last use, key)
    order: BTreeSet<(u64, u64, u32)>,
    entries: Vec<Option<Entry>>,
}

#[derive(Clone, Copy)]
struct Entry {
    rank: u64,
    touched: u64,
    frequency: u32,
    size: u32,
}

impl Gdsf {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Gdsf { capacity, used: 0, clock: 0.0, now: 0, order: BTreeSet::new(), entries: vec![None; keys] }
    }

    fn place(&mut self, key: u32, frequency: u32, size: u32) {
        // Priorities are never negative, so their bits sort as they do.
        let rank = (self.clock + f64::from(frequency) * 1.0e6 / f64::from(size.max(1))).to_bits();
        self.order.insert((rank, self.now, key));
        self.entries[key as usize] = Some(Entry { rank, touched: self.now, frequency, size });
    }
}

impl Policy for Gdsf {
    fn request(&mut self, key: u32, size: u32) -> bool {
        self.now += 1;
        if let Some(entry) = self.entries[key as usize] {
            self.order.remove(&(entry.rank, entry.touched, key));
            self.place(key, entry.frequency + 1, entry.size);
            return true;
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.used + u64::from(size) > self.capacity {
            let Some((rank, _, victim)) = self.order.pop_first() else { break };
            self.clock = f64::from_bits(rank);
            let gone = self.entries[victim as usize].take();
            self.used -= gone.map_or(0, |entry| u64::from(entry.size));
        }
        self.place(key, 1, size);
        self.used += u64::from(size);
        false
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        let sum: u64 = self.entries.iter().flatten().map(|entry| u64::from(entry.size)).sum();
        let count = self.entries.iter().flatten().count();
        (sum == self.used && count == self.order.len())
            .then_some(())
            .ok_or_else(|| format!("{sum} bytes in {count} entries; counted {} in {}", self.used, self.order.len()))
    }
}
