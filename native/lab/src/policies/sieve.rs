//! SIEVE (Zhang et al., NSDI 2024): one queue, one bit, a hand that moves from old to new and takes the first
//! entry without the bit. Entries are not moved; the hand stays where it took the last victim.

use super::{Links, Policy};

pub struct Sieve {
    capacity: u64,
    used: u64,
    links: Links,
    sizes: Vec<u32>,
    visited: Vec<bool>,
    hand: Option<u32>,
}

impl Sieve {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Sieve {
            capacity,
            used: 0,
            links: Links::new(keys, 1),
            sizes: vec![0; keys],
            visited: vec![false; keys],
            hand: None,
        }
    }

    fn evict(&mut self) -> bool {
        let Some(mut at) = self.hand.or_else(|| self.links.tail(0)) else { return false };
        while std::mem::replace(&mut self.visited[at as usize], false) {
            let Some(next) = self.links.newer(at).or_else(|| self.links.tail(0)) else { return false };
            at = next;
        }
        self.hand = self.links.newer(at);
        self.links.unlink(at);
        self.used -= u64::from(self.sizes[at as usize]);
        true
    }
}

impl Policy for Sieve {
    fn request(&mut self, key: u32, size: u32) -> bool {
        if self.links.is_linked(key) {
            self.visited[key as usize] = true;
            return true;
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.used + u64::from(size) > self.capacity && self.evict() {}
        self.links.push_head(0, key);
        self.visited[key as usize] = false;
        self.sizes[key as usize] = size;
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
        let sum: u64 = self.links.oldest_first(0).map(|key| u64::from(self.sizes[key as usize])).sum();
        if self.hand.is_some_and(|hand| !self.links.is_linked(hand)) {
            return Err("the hand stands on an entry that is gone".into());
        }
        (sum == self.used).then_some(()).ok_or_else(|| format!("the list holds {sum}, the count says {}", self.used))
    }
}
