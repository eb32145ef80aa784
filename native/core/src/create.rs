//! Regions laid out from Rust: for tests, models and fuzzing, which run without JavaScript. The package itself lays its
//! memory out in `src/engine/create.ts`.
//!
//! Engines read a region's geometry from its header, so sizes may be anything that fits, down to models with two buckets.

use crate::hash::{HASH_KEYS, hash_keys};
use crate::layout::{
    LAYOUT_VERSION, MAGIC, THREADS, control, samples, segment, shard, sketch, slot, tournament, version,
};
use crate::miniature::Miniature;
use crate::policy::{ADAPTIVE, BALANCED, LIGHT};
use crate::region::{Ordering, Region};
use crate::tournament::{sample_below, sampling_rate};

#[derive(Clone, Copy, Debug)]
pub struct ShardGeometry {
    pub buckets: u32,
    pub ghost_buckets: u32,
    pub ghost_shift: u32,
    pub segments: u32,
    pub segment_shift: u32,
    pub chunk_units: u32,
    pub chunked_limit_units: u32,
    pub expected_entries: u32,
    /// 0 for a cache without sketch.
    pub sketch_lines: u32,
    /// Of one miniature; 0 for a cache whose mode is fixed.
    pub mini_entries: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    pub shards: u32,
    pub shard: ShardGeometry,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// 0: no bound but the bytes.
    pub max_entries: u32,
    pub seed: u64,
    pub manual_clock: bool,
    pub origin_ms: u64,
    pub policy: u32,
}

/// Few, so that keys of tests share them.
#[cfg(not(loom))]
const VERSIONS: u32 = 64;
#[cfg(loom)]
const VERSIONS: u32 = 1;

impl ShardGeometry {
    /// Offsets of buckets, segment headers, ghost, policy and segments, and the region's length in bytes.
    fn offsets(&self) -> [u32; 6] {
        let headers = shard::HEADER_BYTES + (VERSIONS * version::BYTES).next_multiple_of(64);
        let buckets = headers + self.segments * segment::BYTES;
        let ghost = buckets + self.buckets * slot::BUCKET_BYTES;
        let policy = (ghost + self.ghost_buckets * 32).next_multiple_of(64);
        let adaptive = samples::SLOTS * samples::BYTES
            + tournament::BYTES
            + tournament::MOST_RIVALS * Miniature::bytes(self.mini_entries);
        let segments = policy
            + self.sketch_lines * sketch::LINE_BYTES
            + if self.mini_entries == 0 { 0 } else { adaptive.next_multiple_of(64) };
        let end = segments + (self.segments << self.segment_shift);
        [buckets, headers, ghost, policy, segments, end]
    }

    /// Where the buckets begin, and how many there are.
    #[cfg(loom)]
    pub(crate) fn buckets(&self) -> (u32, u32) {
        (self.offsets()[0], self.buckets)
    }

    /// Bytes of a region of this geometry.
    pub fn bytes(&self) -> u32 {
        self.offsets()[5]
    }
}

impl Geometry {
    /// Writes the control region's header. The region is zero before.
    pub fn initialise_control(&self, region: &Region, limits: &Limits) {
        let put = |offset, value| region.store32(offset, value, Ordering::Release);
        put(control::VERSION, LAYOUT_VERSION);
        put(control::REGION_BYTES, control::BYTES);
        put(control::SHARDS, self.shards);
        put(control::THREADS, THREADS);
        put(control::MAX_ENTRIES, limits.max_entries);
        put(control::SEED, limits.seed as u32);
        put(control::SEED + 4, (limits.seed >> 32) as u32);
        put(control::ORIGIN, limits.origin_ms as u32);
        put(control::ORIGIN + 4, (limits.origin_ms >> 32) as u32);
        put(control::POLICY, limits.policy);
        put(control::TAGS, control::SMALL_TAGS);
        put(control::TAGS_OFFSET, control::SMALL_TAGS_OFFSET);
        put(control::CLOCK_MANUAL, u32::from(limits.manual_clock));
        let keys: [u32; HASH_KEYS] = hash_keys(limits.seed);
        for (index, key) in keys.into_iter().enumerate() {
            put(control::HASH_KEYS + 4 * index as u32, key);
        }
        put(control::MAGIC, MAGIC);
    }

    /// Writes a shard's header. The region is zero before.
    pub fn initialise_shard(&self, region: &Region, number: u32, limits: &Limits) {
        let shape = &self.shard;
        let [buckets, headers, ghost, policy_offset, segments, end] = shape.offsets();
        let put = |offset, value| region.store32(offset, value, Ordering::Release);
        put(shard::VERSION, LAYOUT_VERSION);
        put(shard::NUMBER, number);
        put(shard::BUCKETS, shape.buckets);
        put(shard::BUCKET_OFFSET, buckets);
        put(shard::SEGMENTS, shape.segments);
        put(shard::SEGMENT_SHIFT, shape.segment_shift);
        put(shard::SEGMENTS_OFFSET, segments);
        put(shard::SEGMENT_HEADERS, headers);
        put(shard::GHOST_OFFSET, ghost);
        put(shard::GHOST_BUCKETS, shape.ghost_buckets);
        put(shard::GHOST_SHIFT, shape.ghost_shift);
        put(shard::CHUNK_UNITS, shape.chunk_units);
        put(shard::CHUNKED_LIMIT, shape.chunked_limit_units);
        put(shard::EXPECTED_ENTRIES, shape.expected_entries);
        put(shard::REGION_BYTES, end);
        put(shard::VERSIONS_OFFSET, shard::HEADER_BYTES);
        put(shard::VERSIONS, VERSIONS);
        put(shard::POLICY_OFFSET, policy_offset);
        put(shard::SKETCH_LINES, shape.sketch_lines);
        put(shard::SKETCH_HALVE_AT, 10 * shape.expected_entries);
        let chosen = if limits.max_entries != 0 { BALANCED } else { LIGHT };
        put(shard::MODE, if limits.policy == ADAPTIVE { chosen } else { limits.policy });
        put(shard::MINI_ENTRIES, shape.mini_entries);
        if shape.mini_entries != 0 {
            let rate = sampling_rate(f64::from(shape.expected_entries), f64::from(shape.mini_entries));
            put(shard::SAMPLE_BELOW, sample_below(rate));
        }
        put(shard::FREE_SEGMENTS, shape.segments);
        put(shard::MAGIC, MAGIC);
    }
}
