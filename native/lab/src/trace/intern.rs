//! Key numbers to dense numbers, by open addressing: the standard map's hashing would dominate the reading of
//! long traces.

use crate::mix;

const FREE: u32 = u32::MAX;

pub struct Interner {
    slots: Vec<(u64, u32)>,
    count: usize,
}

impl Default for Interner {
    fn default() -> Self {
        Self::new()
    }
}

impl Interner {
    pub fn new() -> Self {
        Interner { slots: vec![(0, FREE); 1 << 12], count: 0 }
    }

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The dense number of `key`, in order of first sight.
    pub fn number(&mut self, key: u64) -> u32 {
        let mask = self.slots.len() - 1;
        let mut at = mix(key) as usize & mask;
        loop {
            let (stored, number) = self.slots[at];
            if number == FREE {
                break;
            }
            if stored == key {
                return number;
            }
            at = (at + 1) & mask;
        }
        let number = self.count as u32;
        self.slots[at] = (key, number);
        self.count += 1;
        if self.count * 2 > self.slots.len() {
            self.grow();
        }
        number
    }

    fn grow(&mut self) {
        let larger = vec![(0, FREE); self.slots.len() * 4];
        let mask = larger.len() - 1;
        for (key, number) in std::mem::replace(&mut self.slots, larger) {
            if number == FREE {
                continue;
            }
            let mut at = mix(key) as usize & mask;
            while self.slots[at].1 != FREE {
                at = (at + 1) & mask;
            }
            self.slots[at] = (key, number);
        }
    }
}
