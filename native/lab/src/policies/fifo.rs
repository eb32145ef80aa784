//! First in, first out: a hit changes nothing.

use super::{Policy, Ring};

pub struct Fifo {
    capacity: u64,
    queue: Ring,
    resident: Vec<bool>,
}

impl Fifo {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Fifo { capacity, queue: Ring::default(), resident: vec![false; keys] }
    }
}

impl Policy for Fifo {
    fn request(&mut self, key: u32, size: u32) -> bool {
        if self.resident[key as usize] {
            return true;
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.queue.used() + u64::from(size) > self.capacity {
            let Some((victim, _)) = self.queue.pop() else { break };
            self.resident[victim as usize] = false;
        }
        self.queue.push(key, size);
        self.resident[key as usize] = true;
        false
    }

    fn used(&self) -> u64 {
        self.queue.used()
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        let resident = self.resident.iter().filter(|&&r| r).count();
        let listed = self.queue.iter().filter(|&(key, _)| self.resident[key as usize]).count();
        (resident == listed && listed == self.queue.len())
            .then_some(())
            .ok_or_else(|| format!("{resident} resident, {listed} of {} queued are", self.queue.len()))
    }
}
