//! ARC (Megiddo, Modha, FAST 2003): recency list T1 and frequency list T2, each with a ghost (B1, B2) that moves the
//! target size of T1.

use super::{Links, Policy};

const T1: usize = 0;
const T2: usize = 1;
const B1: usize = 2;
const B2: usize = 3;
const ABSENT: u8 = 4;

pub struct Arc {
    capacity: u64,
    /// Target of T1.
    target: f64,
    links: Links,
    list: Vec<u8>,
    sizes: Vec<u32>,
    used: [u64; 4],
}

impl Arc {
    pub fn new(capacity: u64, keys: usize) -> Self {
        Arc {
            capacity,
            target: 0.0,
            links: Links::new(keys, 4),
            list: vec![ABSENT; keys],
            sizes: vec![0; keys],
            used: [0; 4],
        }
    }

    fn take(&mut self, key: u32) {
        self.used[self.list[key as usize] as usize] -= u64::from(self.sizes[key as usize]);
        self.links.unlink(key);
        self.list[key as usize] = ABSENT;
    }

    fn put(&mut self, list: usize, key: u32) {
        self.used[list] += u64::from(self.sizes[key as usize]);
        self.links.push_head(list, key);
        self.list[key as usize] = list as u8;
    }

    fn shift(&mut self, from: usize, to: usize) {
        if let Some(key) = self.links.tail(from) {
            self.take(key);
            self.put(to, key);
        }
    }

    fn drop_tail(&mut self, list: usize) {
        if let Some(key) = self.links.tail(list) {
            self.take(key);
        }
    }

    fn replace(&mut self, from_b2: bool) {
        let t1 = self.used[T1] as f64;
        if (t1 > 0.0 && (t1 > self.target || (t1 == self.target && from_b2))) || self.used[T2] == 0 {
            self.shift(T1, B1);
        } else {
            self.shift(T2, B2);
        }
    }

    fn make_room(&mut self, size: u64, ghost: Option<usize>) {
        while self.used() + size > self.capacity {
            if let Some(list) = ghost {
                self.replace(list == B2);
            } else if self.used[T1] + self.used[B1] + size > self.capacity {
                if self.used[B1] > 0 {
                    self.drop_tail(B1);
                    self.replace(false);
                } else {
                    self.drop_tail(T1);
                }
            } else {
                if self.used.iter().sum::<u64>() >= 2 * self.capacity {
                    self.drop_tail(B2);
                }
                self.replace(false);
            }
        }
    }
}

impl Policy for Arc {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let list = self.list[key as usize] as usize;
        if list == T1 || list == T2 {
            self.take(key);
            self.put(T2, key);
            return true;
        }
        let mut ghost = None;
        if list == B1 {
            let step = (self.used[B2] as f64 / self.used[B1] as f64).max(1.0);
            self.target = (self.target + step).min(self.capacity as f64);
            self.take(key);
            ghost = Some(B1);
        } else if list == B2 {
            let step = (self.used[B1] as f64 / self.used[B2] as f64).max(1.0);
            self.target = (self.target - step).max(0.0);
            self.take(key);
            ghost = Some(B2);
        }
        if u64::from(size) > self.capacity {
            return false;
        }
        self.make_room(u64::from(size), ghost);
        self.sizes[key as usize] = size;
        self.put(if ghost.is_some() { T2 } else { T1 }, key);
        false
    }

    fn used(&self) -> u64 {
        self.used[T1] + self.used[T2]
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        for list in [T1, T2, B1, B2] {
            let sum: u64 = self.links.oldest_first(list).map(|key| u64::from(self.sizes[key as usize])).sum();
            if sum != self.used[list] {
                return Err(format!("list {list} holds {sum}, the count says {}", self.used[list]));
            }
        }
        Ok(())
    }
}
