//! Least recently used: a hit makes the key the newest, the oldest goes.

use super::{Links, Policy};

pub struct Lru {
    capacity: u64,
    used: u64,
    links: Links,
    sizes: Vec<u32>,
}

impl Lru {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Lru { capacity, used: 0, links: Links::new(keys, 1), sizes: vec![0; keys] }
    }
}

impl Policy for Lru {
    fn request(&mut self, key: u32, size: u32) -> bool {
        if self.links.is_linked(key) {
            self.links.move_to_head(0, key);
            return true;
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.used + u64::from(size) > self.capacity {
            let Some(victim) = self.links.tail(0) else { break };
            self.links.unlink(victim);
            self.used -= u64::from(self.sizes[victim as usize]);
        }
        self.links.push_head(0, key);
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
        (sum == self.used).then_some(()).ok_or_else(|| format!("the list holds {sum}, the count says {}", self.used))
    }
}
