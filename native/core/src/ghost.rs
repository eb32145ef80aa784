//! Ghosts: fingerprints of keys that small evicted lately (docs/slab.md 6). A key that comes back while its ghost is
//! valid goes to main. Racy on purpose: a lost or false ghost costs one misplaced entry, never a wrong answer.

use crate::attachment::Attachment;
use crate::hash::{KeyHash, fastrange};
use crate::host::Host;
use crate::layout::{ghost, shard};
use crate::region::{Ordering, Region};
use crate::shard::Shard;

const WAYS: u32 = 8;

/// A ghost table: the shard's, or that of a miniature.
pub(crate) struct Ghosts<'a> {
    pub region: &'a Region,
    pub at: u32,
    pub buckets: u32,
    /// Where the word lies that counts what is remembered; its bits from `shift` on are the time.
    pub clock_at: u32,
    pub shift: u32,
    /// How many may have been remembered since.
    pub limit: u32,
}

impl Ghosts<'_> {
    fn bucket(&self, h: u32) -> u32 {
        self.at + fastrange(h, self.buckets) * ghost::BUCKET_BYTES
    }

    fn age(&self, entry: u32) -> u32 {
        let now = self.region.load32(self.clock_at, Ordering::Relaxed) >> self.shift;
        now.wrapping_sub(entry >> 16) & 0xFFFF
    }

    /// Remembers a key. Called by the evictor.
    pub fn insert(&self, h: u32, fingerprint: u32) {
        let clock = self.region.load32(self.clock_at, Ordering::Relaxed).wrapping_add(1);
        self.region.store32(self.clock_at, clock, Ordering::Relaxed);
        let bucket = self.bucket(h);
        let fingerprint = fingerprint.max(1);
        let (mut victim, mut oldest) = (bucket, 0);
        for way in 0..WAYS {
            let at = bucket + 4 * way;
            let entry = self.region.load32(at, Ordering::Relaxed);
            let age = if entry == 0 {
                u32::MAX
            } else if entry & 0xFFFF == fingerprint {
                victim = at;
                break;
            } else {
                self.age(entry)
            };
            if age >= oldest {
                (victim, oldest) = (at, age);
            }
        }
        let time = (clock >> self.shift) & 0xFFFF;
        self.region.store32(victim, fingerprint | (time << 16), Ordering::Relaxed);
    }

    /// Whether the key has a valid ghost; it is used up by the question.
    pub fn take(&self, h: u32, fingerprint: u32) -> bool {
        let bucket = self.bucket(h);
        let fingerprint = fingerprint.max(1);
        for way in 0..WAYS {
            let at = bucket + 4 * way;
            let entry = self.region.load32(at, Ordering::Relaxed);
            if entry != 0 && entry & 0xFFFF == fingerprint {
                self.region.store32(at, 0, Ordering::Relaxed);
                return self.age(entry) <= self.limit >> self.shift;
            }
        }
        false
    }
}

impl<H: Host> Attachment<H> {
    fn ghosts<'a>(&self, home: &'a Shard) -> Ghosts<'a> {
        Ghosts {
            region: &home.region,
            at: home.ghost_offset,
            buckets: home.ghost_buckets,
            clock_at: shard::GHOST_CLOCK,
            shift: home.ghost_shift,
            limit: home.region.load32(shard::GHOST_LIMIT, Ordering::Relaxed),
        }
    }

    pub(crate) fn ghost_insert(&self, home: &Shard, hash: KeyHash) {
        self.ghosts(home).insert(hash.h, hash.fingerprint());
    }

    pub(crate) fn ghost_take(&self, home: &Shard, hash: KeyHash) -> bool {
        self.ghosts(home).take(hash.h, hash.fingerprint())
    }
}
