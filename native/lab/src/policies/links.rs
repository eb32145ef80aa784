//! Two queues that the policies are built from: intrusive lists over key numbers, and a ring of keys.

use std::collections::VecDeque;

const NONE: u32 = u32::MAX;

/// Doubly linked lists over the key numbers. A key stands in at most one list of a `Links`. The newest is the head.
pub struct Links {
    prev: Vec<u32>,
    next: Vec<u32>,
    keys: usize,
}

impl Links {
    /// `keys` key numbers, `lists` lists, all empty.
    pub fn new(keys: usize, lists: usize) -> Self {
        let mut links = Links { prev: vec![NONE; keys + lists], next: vec![NONE; keys + lists], keys };
        for list in 0..lists {
            let sentinel = keys + list;
            links.prev[sentinel] = sentinel as u32;
            links.next[sentinel] = sentinel as u32;
        }
        links
    }

    pub fn push_head(&mut self, list: usize, key: u32) {
        let sentinel = (self.keys + list) as u32;
        let first = self.next[sentinel as usize];
        self.prev[key as usize] = sentinel;
        self.next[key as usize] = first;
        self.prev[first as usize] = key;
        self.next[sentinel as usize] = key;
    }

    /// Takes `key` out of the list it stands in.
    pub fn unlink(&mut self, key: u32) {
        let (before, after) = (self.prev[key as usize], self.next[key as usize]);
        self.next[before as usize] = after;
        self.prev[after as usize] = before;
        self.prev[key as usize] = NONE;
        self.next[key as usize] = NONE;
    }

    pub fn is_linked(&self, key: u32) -> bool {
        self.next[key as usize] != NONE
    }

    pub fn move_to_head(&mut self, list: usize, key: u32) {
        self.unlink(key);
        self.push_head(list, key);
    }

    pub fn tail(&self, list: usize) -> Option<u32> {
        self.real(self.prev[self.keys + list])
    }

    pub fn head(&self, list: usize) -> Option<u32> {
        self.real(self.next[self.keys + list])
    }

    /// The next newer entry, or `None` at the head.
    pub fn newer(&self, key: u32) -> Option<u32> {
        self.real(self.prev[key as usize])
    }

    fn real(&self, key: u32) -> Option<u32> {
        ((key as usize) < self.keys).then_some(key)
    }

    /// From the oldest to the newest.
    pub fn oldest_first(&self, list: usize) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(self.tail(list), |&key| self.newer(key))
    }
}

/// A FIFO of keys with the sum of their sizes.
#[derive(Default)]
pub struct Ring {
    queue: VecDeque<(u32, u32)>,
    used: u64,
}

impl Ring {
    pub fn push(&mut self, key: u32, size: u32) {
        self.queue.push_back((key, size));
        self.used += u64::from(size);
    }

    pub fn pop(&mut self) -> Option<(u32, u32)> {
        let (key, size) = self.queue.pop_front()?;
        self.used -= u64::from(size);
        Some((key, size))
    }

    pub fn oldest(&self) -> Option<(u32, u32)> {
        self.queue.front().copied()
    }

    pub fn used(&self) -> u64 {
        self.used
    }

    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.queue.iter().copied()
    }
}
