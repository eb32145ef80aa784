//! Memory that somebody else wrote over: whatever slots and records say, a read stays inside the region, ends, and
//! hands out nothing but bytes of the region. (What a write or an eviction makes of broken headers is not promised.)

use super::support::{Random, TestCache, geometry, labelled, rounds};
use crate::layout::slot;
use crate::region::Ordering;
use crate::shard::word;
use crate::{Cursor, Limits};

#[test]
fn broken_slots_and_records_are_read_without_harm() {
    let mut random = Random::new(99);
    for round in 0..rounds(300) {
        let cache = TestCache::new(geometry(64, 16, 10), Limits { seed: 6, ..Limits::default() });
        let a = cache.attach();
        for key in 0..40 {
            let length = [12, 60, 200, 2_500][(key % 4) as usize];
            a.put(&format!("{key}"), &labelled(key, round, length));
        }
        let home = &a.shards[0];
        let units = home.segments << (home.segment_shift - 3);
        let first = home.segments_offset;
        for _ in 0..200 {
            let at = first + 8 * random.below(units);
            let noise = (u64::from(random.below(u32::MAX)) << 32) | u64::from(random.below(u32::MAX));
            home.region.store64(at, noise, Ordering::Relaxed);
        }
        for _ in 0..20 {
            let bucket = home.bucket_offset + slot::BUCKET_BYTES * random.below(home.buckets);
            let at = bucket + slot::FIRST + 8 * random.below(slot::PER_BUCKET);
            let tag = a.hash(format!("{}", random.below(40)).as_bytes()).tag;
            // Near the segments' ends, and anywhere at all.
            let location =
                if random.below(2) == 0 { (first >> 3) + random.below(units) } else { random.below(u32::MAX) };
            home.region.store64(at, word::member(tag, location), Ordering::Relaxed);
        }
        let mut into = vec![0; 4_096];
        for key in 0..40 {
            let name = format!("{key}");
            a.has(name.as_bytes());
            a.expires_in(name.as_bytes());
            if let Some(value) = a.read(name.as_bytes(), crate::Use::Peek, &mut into) {
                assert!(value.length <= home.region.len());
                a.is_current(value.stamp);
            }
        }
        let mut cursor = Some(Cursor::default());
        while let Some(from) = cursor {
            cursor = a.scan(from, 10, b"", |_| {});
        }
    }
}
