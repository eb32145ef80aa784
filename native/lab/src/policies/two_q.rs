//! 2Q, full version (Johnson, Shasha, VLDB 1994): a FIFO for new keys (25 %), a ghost of what left it (50 %), an LRU
//! for keys that came back out of the ghost. A hit in the FIFO changes nothing.

use super::s3_fifo::Ghost;
use super::{Links, Policy, Ring};

const ABSENT: u8 = 0;
const INCOMING: u8 = 1;
const MAIN: u8 = 2;

pub struct TwoQ {
    capacity: u64,
    incoming_target: u64,
    incoming: Ring,
    ghost: Ghost,
    main: Links,
    main_used: u64,
    place: Vec<u8>,
    sizes: Vec<u32>,
}

impl TwoQ {
    pub fn new(capacity: u64, keys: usize) -> Self {
        TwoQ {
            capacity,
            incoming_target: capacity / 4,
            incoming: Ring::default(),
            ghost: Ghost::new(capacity / 2, keys),
            main: Links::new(keys, 1),
            main_used: 0,
            place: vec![ABSENT; keys],
            sizes: vec![0; keys],
        }
    }

    fn evict_main(&mut self) -> bool {
        let Some(victim) = self.main.tail(0) else { return false };
        self.main.unlink(victim);
        self.main_used -= u64::from(self.sizes[victim as usize]);
        self.place[victim as usize] = ABSENT;
        true
    }

    fn evict_incoming(&mut self) {
        if let Some((victim, size)) = self.incoming.pop() {
            self.place[victim as usize] = ABSENT;
            self.ghost.insert(victim, size);
        }
    }
}

impl Policy for TwoQ {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let at = key as usize;
        match self.place[at] {
            INCOMING => return true,
            MAIN => {
                self.main.move_to_head(0, key);
                return true;
            }
            _ => {}
        }
        let remembered = self.ghost.remove(key);
        if u64::from(size) > self.incoming_target {
            return false;
        }
        while self.used() + u64::from(size) > self.capacity {
            // Where main is empty the FIFO has all there is: it alone can give room.
            if self.incoming.used() > self.incoming_target || !self.evict_main() {
                self.evict_incoming();
            }
        }
        self.sizes[at] = size;
        if remembered {
            while self.main_used + u64::from(size) > self.capacity - self.incoming_target && self.evict_main() {}
            self.main.push_head(0, key);
            self.main_used += u64::from(size);
            self.place[at] = MAIN;
        } else {
            self.incoming.push(key, size);
            self.place[at] = INCOMING;
        }
        false
    }

    fn used(&self) -> u64 {
        self.incoming.used() + self.main_used
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        let sum: u64 = self.main.oldest_first(0).map(|key| u64::from(self.sizes[key as usize])).sum();
        if sum != self.main_used {
            return Err(format!("main holds {sum}, the count says {}", self.main_used));
        }
        self.ghost.audit()
    }
}
