//! Ghosts: fingerprints of keys that small evicted lately (docs/slab.md 6). A key that comes back while its ghost is
//! valid goes to main. Racy on purpose: a lost or false ghost costs one misplaced entry, never a wrong answer.

use crate::attachment::Attachment;
use crate::hash::{KeyHash, fastrange};
use crate::host::Host;
use crate::layout::shard;
use crate::region::Ordering;
use crate::shard::Shard;

const WAYS: u32 = 8;
const BUCKET_BYTES: u32 = 4 * WAYS;

impl<H: Host> Attachment<H> {
    fn ghost_bucket(home: &Shard, hash: KeyHash) -> u32 {
        home.ghost_offset + fastrange(hash.h, home.ghost_buckets) * BUCKET_BYTES
    }

    fn ghost_age(home: &Shard, entry: u32) -> u32 {
        let now = home.region.load32(shard::GHOST_CLOCK, Ordering::Relaxed) >> home.ghost_shift;
        now.wrapping_sub(entry >> 16) & 0xFFFF
    }

    /// Remembers a key. Called by the evictor.
    pub(crate) fn ghost_insert(&self, home: &Shard, hash: KeyHash) {
        let clock = home.region.load32(shard::GHOST_CLOCK, Ordering::Relaxed).wrapping_add(1);
        home.region.store32(shard::GHOST_CLOCK, clock, Ordering::Relaxed);
        let bucket = Self::ghost_bucket(home, hash);
        let fingerprint = hash.fingerprint();
        let (mut victim, mut oldest) = (bucket, 0);
        for way in 0..WAYS {
            let at = bucket + 4 * way;
            let entry = home.region.load32(at, Ordering::Relaxed);
            let age = if entry == 0 {
                u32::MAX
            } else if entry & 0xFFFF == fingerprint {
                victim = at;
                break;
            } else {
                Self::ghost_age(home, entry)
            };
            if age >= oldest {
                (victim, oldest) = (at, age);
            }
        }
        let time = (clock >> home.ghost_shift) & 0xFFFF;
        home.region.store32(victim, fingerprint | (time << 16), Ordering::Relaxed);
    }

    /// Whether the key has a valid ghost; it is used up by the question.
    pub(crate) fn ghost_take(&self, home: &Shard, hash: KeyHash) -> bool {
        let limit = home.region.load32(shard::GHOST_LIMIT, Ordering::Relaxed) >> home.ghost_shift;
        let bucket = Self::ghost_bucket(home, hash);
        let fingerprint = hash.fingerprint();
        for way in 0..WAYS {
            let at = bucket + 4 * way;
            let entry = home.region.load32(at, Ordering::Relaxed);
            if entry != 0 && entry & 0xFFFF == fingerprint {
                home.region.store32(at, 0, Ordering::Relaxed);
                return Self::ghost_age(home, entry) <= limit;
            }
        }
        false
    }
}
