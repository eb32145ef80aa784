//! CLOCK as FIFO with reinsertion: a hit sets one bit, an old entry with the bit goes round once more.

use super::{Policy, Ring};

const ABSENT: u8 = 2;

pub struct Clock {
    capacity: u64,
    queue: Ring,
    /// 0 or 1: resident and its bit; `ABSENT`: not resident.
    bit: Vec<u8>,
}

impl Clock {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Clock { capacity, queue: Ring::default(), bit: vec![ABSENT; keys] }
    }
}

impl Policy for Clock {
    fn request(&mut self, key: u32, size: u32) -> bool {
        if self.bit[key as usize] != ABSENT {
            self.bit[key as usize] = 1;
            return true;
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        while self.queue.used() + u64::from(size) > self.capacity {
            let Some((oldest, its_size)) = self.queue.pop() else { break };
            if self.bit[oldest as usize] == 1 {
                self.bit[oldest as usize] = 0;
                self.queue.push(oldest, its_size);
            } else {
                self.bit[oldest as usize] = ABSENT;
            }
        }
        self.queue.push(key, size);
        self.bit[key as usize] = 0;
        false
    }

    fn used(&self) -> u64 {
        self.queue.used()
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        let resident = self.bit.iter().filter(|&&b| b != ABSENT).count();
        (resident == self.queue.len())
            .then_some(())
            .ok_or_else(|| format!("{resident} marked, {} queued", self.queue.len()))
    }
}
