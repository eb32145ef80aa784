//! What is asked for among the sampled keys, on its way to the miniatures (docs/slab.md 10): a ring that every thread
//! appends to and the evictor empties. Advice: a full ring takes no more, and what is torn or lost is one sample less.

use crate::attachment::Attachment;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::layout::{samples, shard};
use crate::region::Ordering;
use crate::shard::Shard;

/// What happened to a sampled key. With sizes in units where they are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    Hit {
        h: u32,
        units: u32,
    },
    Miss {
        h: u32,
    },
    /// Written as a new key.
    Stored {
        h: u32,
        units: u32,
    },
}

const HIT: u32 = 0;
const MISS: u32 = 1;
const STORED: u32 = 2;
const KIND_SHIFT: u32 = 30;
const MOST_UNITS: u32 = (1 << 24) - 1;
/// Samples that wait before a writer stops to pass them on.
const DUE: u32 = 16;

/// A record's size in units by what a reader knows of it.
pub(crate) fn units_of(key: usize, value: usize) -> u32 {
    ((key + value + 15) / 8).min(MOST_UNITS as usize) as u32
}

impl Shard {
    #[inline(always)]
    pub(crate) fn is_sampled(&self, h: u32) -> bool {
        h.wrapping_mul(0x9E37_79B1) < self.region.load32(shard::SAMPLE_BELOW, Ordering::Relaxed)
    }

    fn pending(&self) -> u32 {
        let head = self.region.load32(shard::SAMPLE_HEAD, Ordering::Relaxed);
        head.wrapping_sub(self.region.load32(shard::SAMPLE_TAIL, Ordering::Relaxed))
    }

    fn post(&self, h: u32, units: u32, kind: u32) {
        if self.mini_entries == 0 || self.pending() >= samples::SLOTS {
            return;
        }
        let at = self.sample_at(self.region.add32(shard::SAMPLE_HEAD, 1));
        self.region.store32(at + 4, units | kind << KIND_SHIFT, Ordering::Relaxed);
        // 0 stands for a sample that is still being written.
        self.region.release32(at, h.max(1));
    }

    fn sample_at(&self, number: u32) -> u32 {
        self.samples_offset() + (number % samples::SLOTS) * samples::BYTES
    }

    /// The oldest sample that nobody took yet; none again where its writer is not done. Evictor only.
    pub(crate) fn next_sample(&self) -> Option<Option<Sample>> {
        let pending = self.pending();
        if pending == 0 {
            return None;
        }
        if pending > samples::SLOTS {
            // More than there can be.
            let head = self.region.load32(shard::SAMPLE_HEAD, Ordering::Relaxed);
            self.region.store32(shard::SAMPLE_TAIL, head, Ordering::Relaxed);
            return None;
        }
        let tail = self.region.load32(shard::SAMPLE_TAIL, Ordering::Relaxed);
        let at = self.sample_at(tail);
        let h = self.region.load32(at, Ordering::Acquire);
        let word = self.region.load32(at + 4, Ordering::Relaxed);
        self.region.store32(at, 0, Ordering::Relaxed);
        self.region.store32(shard::SAMPLE_TAIL, tail.wrapping_add(1), Ordering::Relaxed);
        let units = (word & MOST_UNITS).max(1);
        Some(match word >> KIND_SHIFT {
            _ if h == 0 => None,
            HIT => Some(Sample::Hit { h, units }),
            MISS => Some(Sample::Miss { h }),
            _ => Some(Sample::Stored { h, units }),
        })
    }
}

impl<H: Host> Attachment<H> {
    /// Notes a use or a miss of a key. One comparison for all but the sampled keys.
    #[inline(always)]
    pub(crate) fn sample_read(&self, home: &Shard, hash: KeyHash, key: usize, value: Option<usize>) {
        if home.is_sampled(hash.h) {
            match value {
                Some(length) => home.post(hash.h, units_of(key, length), HIT),
                None => home.post(hash.h, 0, MISS),
            }
        }
    }

    #[inline(always)]
    pub(crate) fn sample_stored(&self, home: &Shard, hash: KeyHash, key: usize, value: usize) {
        if home.is_sampled(hash.h) {
            home.post(hash.h, units_of(key, value), STORED);
        }
    }

    /// Hands samples on to the miniatures when enough have come together, unless another thread evicts. Unpinned writers.
    #[inline(always)]
    pub(crate) fn learn_if_due(&self, number: usize) {
        let home = &self.shards[number];
        if home.mini_entries != 0 && home.pending() >= DUE {
            self.learn_as_evictor(number);
        }
    }

    #[cold]
    fn learn_as_evictor(&self, number: usize) {
        let home = &self.shards[number];
        if home.region.cas32(shard::EVICTOR, 0, self.me + 1).is_ok() {
            self.learn(home);
            home.region.release32(shard::EVICTOR, 0);
        }
    }
}
