//! Walking over all keys, bucket by bucket, weakly consistent: a live key never changes its slot, so one that stays
//! during the whole walk is met exactly once (docs/slab.md 4).

use crate::attachment::Attachment;
use crate::host::Host;
use crate::index::slots;
use crate::layout::slot;
use crate::region::Ordering;
use crate::shard::word;
use crate::times::Standing;

/// Where a walk goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    pub shard: u32,
    pub bucket: u32,
}

/// Buckets looked at under one pin.
const BUCKETS_PER_PIN: u32 = 64;

impl<H: Host> Attachment<H> {
    /// Hands keys of live entries that begin with `prefix` to `visit`, at least `limit` of them unless the end comes
    /// first (a bucket is never cut). `None` when the walk is over. `visit` must not use the cache: it runs pinned.
    pub fn scan(&self, from: Cursor, limit: usize, prefix: &[u8], visit: impl FnMut(&[u8])) -> Option<Cursor> {
        self.scan_keys(from, limit, prefix, false, visit)
    }

    /// As `scan`; with `all` also keys whose value is stale, or is being loaded.
    pub fn scan_keys(
        &self,
        from: Cursor,
        limit: usize,
        prefix: &[u8],
        all: bool,
        mut visit: impl FnMut(&[u8]),
    ) -> Option<Cursor> {
        let mut at = from;
        let mut found = 0;
        let mut looked_at = 0;
        let mut key = Vec::new();
        while let Some(home) = self.shards.get(at.shard as usize) {
            let last = home.buckets.min(at.bucket.saturating_add(BUCKETS_PER_PIN));
            self.pin();
            let world = self.world();
            while at.bucket < last && found < limit {
                for place in slots(home.bucket_offset + at.bucket * slot::BUCKET_BYTES) {
                    let seen = home.region.load64(place, Ordering::Acquire);
                    if word::state(seen) != slot::MEMBER {
                        continue;
                    }
                    let location = word::location(seen);
                    let Some(header) = home.record(location) else { continue };
                    let member = self.describe(home, place, seen, location, header, world);
                    if !member.current {
                        continue;
                    }
                    let standing = self.record_standing(home, location, header);
                    if standing != Standing::Fresh && !(all && standing != Standing::Gone) {
                        continue;
                    }
                    home.read_key(location, header, &mut key);
                    if key.starts_with(prefix) {
                        visit(&key);
                        found += 1;
                    }
                }
                at.bucket += 1;
                looked_at += 1;
            }
            self.unpin();
            if at.bucket >= home.buckets {
                at = Cursor { shard: at.shard + 1, bucket: 0 };
            }
            // A sparse index is walked in bounded calls too.
            if found >= limit || looked_at >= 1 << 16 {
                break;
            }
        }
        ((at.shard as usize) < self.shards.len()).then_some(at)
    }
}
