//! LIRS (Jiang, Zhang, SIGMETRICS 2002): stack S of recency with ghosts, queue Q (1 %) of resident keys of long
//! inter-reference recency.
//!
//! Follows libCacheSim, which differs from the paper in one place that costs it dearly on recency-heavy traces: a hit
//! on a key that is in Q but no longer in S first demotes the oldest LIR entry when the LIR set is full, so the next
//! new key is taken for LIR. The stack is held to twice the capacity by dropping the oldest ghosts.

use super::{Links, Policy};

pub struct Lirs {
    capacity: u64,
    queue_limit: u64,
    hot_limit: u64,
    stack: Links,
    queue: Links,
    ghosts: Links,
    hot: Vec<bool>,
    in_cache: Vec<bool>,
    sizes: Vec<u32>,
    hot_used: u64,
    queue_used: u64,
    stack_used: u64,
}

impl Lirs {
    pub fn new(capacity: u64, keys: usize) -> Self {
        let queue_limit = ((0.01 * capacity as f64) as u64).max(1);
        Lirs {
            capacity,
            queue_limit,
            hot_limit: capacity.saturating_sub(queue_limit),
            stack: Links::new(keys, 1),
            queue: Links::new(keys, 1),
            ghosts: Links::new(keys, 1),
            hot: vec![false; keys],
            in_cache: vec![false; keys],
            sizes: vec![0; keys],
            hot_used: 0,
            queue_used: 0,
            stack_used: 0,
        }
    }

    fn size(&self, key: u32) -> u64 {
        u64::from(self.sizes[key as usize])
    }

    fn push_stack(&mut self, key: u32, hot: bool) {
        self.stack.push_head(0, key);
        self.stack_used += self.size(key);
        self.hot[key as usize] = hot;
        self.in_cache[key as usize] = true;
    }

    fn drop_from_stack(&mut self, key: u32) {
        self.stack.unlink(key);
        self.stack_used -= self.size(key);
    }

    fn drop_ghost(&mut self, key: u32) {
        if self.ghosts.is_linked(key) {
            self.ghosts.unlink(key);
        }
    }

    /// Cold entries at the old end of the stack say nothing more: they go, ghosts with them.
    fn prune(&mut self) {
        while let Some(oldest) = self.stack.tail(0) {
            if self.hot[oldest as usize] || self.stack.head(0) == Some(oldest) {
                break;
            }
            if !self.in_cache[oldest as usize] {
                self.drop_ghost(oldest);
            }
            self.drop_from_stack(oldest);
        }
    }

    fn demote_hot(&mut self) {
        let Some(oldest) = self.stack.tail(0) else { return };
        let size = self.size(oldest);
        self.hot_used -= size;
        self.hot[oldest as usize] = false;
        self.drop_from_stack(oldest);
        if size <= self.queue_limit {
            while self.queue_used + size > self.queue_limit {
                self.evict_cold();
            }
            self.queue.push_head(0, oldest);
            self.in_cache[oldest as usize] = true;
            self.queue_used += size;
        } else {
            self.in_cache[oldest as usize] = false;
        }
        self.prune();
    }

    fn evict_cold(&mut self) {
        let Some(oldest) = self.queue.tail(0) else { return };
        self.queue.unlink(oldest);
        self.queue_used -= self.size(oldest);
        self.in_cache[oldest as usize] = false;
        if self.stack.is_linked(oldest) {
            self.ghosts.push_head(0, oldest);
        }
    }

    fn make_hot_room(&mut self, size: u64) {
        while self.hot_used > 0 && self.hot_used + size > self.hot_limit {
            self.demote_hot();
        }
    }

    fn limit_stack(&mut self) {
        while self.stack_used > 2 * self.capacity {
            let Some(oldest) = self.ghosts.tail(0) else { break };
            self.ghosts.unlink(oldest);
            self.drop_from_stack(oldest);
        }
    }

    fn hit(&mut self, key: u32, size: u64) {
        let in_queue = self.queue.is_linked(key);
        if in_queue {
            self.queue.move_to_head(0, key);
        }
        if self.stack.is_linked(key) {
            self.stack.move_to_head(0, key);
            if self.hot[key as usize] {
                self.prune();
                return;
            }
            if in_queue {
                self.queue.unlink(key);
                self.queue_used -= size;
            }
            self.make_hot_room(size);
            self.hot[key as usize] = true;
            self.hot_used += size;
        } else {
            self.make_hot_room(size);
            // Making room may have pushed this very key out of the queue; then it is no longer resident.
            if self.in_cache[key as usize] {
                self.push_stack(key, false);
            }
        }
    }

    fn miss(&mut self, key: u32, size: u64) {
        if self.stack.is_linked(key) {
            self.stack.move_to_head(0, key);
            self.make_hot_room(size);
            self.drop_ghost(key);
            self.hot[key as usize] = true;
            self.in_cache[key as usize] = true;
            self.hot_used += size;
            return;
        }
        if size > self.hot_limit || size > self.queue_limit {
            return;
        }
        if self.hot_used + size <= self.hot_limit {
            self.push_stack(key, true);
            self.hot_used += size;
            return;
        }
        while self.queue_used + size > self.queue_limit {
            self.evict_cold();
        }
        self.push_stack(key, false);
        self.queue.push_head(0, key);
        self.queue_used += size;
    }
}

impl Policy for Lirs {
    fn request(&mut self, key: u32, size: u32) -> bool {
        let hit = self.in_cache[key as usize];
        self.sizes[key as usize] = size;
        if hit {
            self.hit(key, u64::from(size));
        } else {
            self.miss(key, u64::from(size));
        }
        self.limit_stack();
        hit
    }

    fn used(&self) -> u64 {
        self.hot_used + self.queue_used
    }

    fn capacity(&self) -> u64 {
        self.capacity
    }

    fn audit(&self) -> Result<(), String> {
        let hot: u64 = self.stack.oldest_first(0).filter(|&k| self.hot[k as usize]).map(|k| self.size(k)).sum();
        let queued: u64 = self.queue.oldest_first(0).map(|k| self.size(k)).sum();
        if hot != self.hot_used || queued != self.queue_used {
            return Err(format!("hot {hot} / {}, queue {queued} / {}", self.hot_used, self.queue_used));
        }
        let resident: u64 =
            (0..self.sizes.len() as u32).filter(|&k| self.in_cache[k as usize]).map(|k| self.size(k)).sum();
        (resident == hot + queued).then_some(()).ok_or_else(|| format!("{resident} resident, {} counted", hot + queued))
    }
}
