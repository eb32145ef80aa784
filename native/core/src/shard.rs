//! One shard's region: where its parts lie, and typed access to bucket marks, slots and segment headers.
//! The geometry is read once from the region's header, which is checked before anything is believed.

use crate::hash::KeyHash;
use crate::layout::{LAYOUT_VERSION, MAGIC, UNIT, record, samples, segment, shard, sketch, slot, tournament, version};
use crate::miniature::Miniature;
use crate::policy::Mode;
use crate::record::{Header, tags_offset};
use crate::region::{Ordering, Region};

#[derive(Clone, Debug)]
pub struct Shard {
    pub region: Region,
    pub number: u32,
    pub buckets: u32,
    pub bucket_offset: u32,
    pub segments: u32,
    pub segment_shift: u32,
    pub segments_offset: u32,
    pub segment_headers: u32,
    pub ghost_offset: u32,
    pub ghost_buckets: u32,
    pub ghost_shift: u32,
    pub chunk_units: u32,
    pub chunked_limit: u32,
    pub versions_offset: u32,
    pub versions: u32,
    pub policy_offset: u32,
    pub sketch_lines: u32,
    pub sketch_halve_at: u32,
    pub mini_entries: u32,
}

/// Why a region is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    Magic,
    Version(u32),
    Geometry,
}

impl Shard {
    pub fn open(region: Region) -> Result<Self, Foreign> {
        let word = |offset| region.load32(offset, Ordering::Acquire);
        if region.len() < shard::HEADER_BYTES as usize || word(shard::MAGIC) != MAGIC {
            return Err(Foreign::Magic);
        }
        if word(shard::VERSION) != LAYOUT_VERSION {
            return Err(Foreign::Version(word(shard::VERSION)));
        }
        let this = Shard {
            number: word(shard::NUMBER),
            buckets: word(shard::BUCKETS),
            bucket_offset: word(shard::BUCKET_OFFSET),
            segments: word(shard::SEGMENTS),
            segment_shift: word(shard::SEGMENT_SHIFT),
            segments_offset: word(shard::SEGMENTS_OFFSET),
            segment_headers: word(shard::SEGMENT_HEADERS),
            ghost_offset: word(shard::GHOST_OFFSET),
            ghost_buckets: word(shard::GHOST_BUCKETS),
            ghost_shift: word(shard::GHOST_SHIFT),
            chunk_units: word(shard::CHUNK_UNITS),
            chunked_limit: word(shard::CHUNKED_LIMIT),
            versions_offset: word(shard::VERSIONS_OFFSET),
            versions: word(shard::VERSIONS),
            policy_offset: word(shard::POLICY_OFFSET),
            sketch_lines: word(shard::SKETCH_LINES),
            sketch_halve_at: word(shard::SKETCH_HALVE_AT).max(16),
            mini_entries: word(shard::MINI_ENTRIES),
            region,
        };
        if this.fits() { Ok(this) } else { Err(Foreign::Geometry) }
    }

    fn fits(&self) -> bool {
        let len = self.region.len() as u64;
        let part = |offset: u32, count: u32, bytes: u64| {
            offset >= shard::HEADER_BYTES && u64::from(offset) + u64::from(count) * bytes <= len
        };
        self.buckets >= 2
            && self.segments >= 1
            && (6..=20).contains(&self.segment_shift)
            && part(self.bucket_offset, self.buckets, u64::from(slot::BUCKET_BYTES))
            && part(self.segment_headers, self.segments, u64::from(segment::BYTES))
            && part(self.ghost_offset, self.ghost_buckets, 32)
            && part(self.segments_offset, self.segments, 1 << self.segment_shift)
            && self.versions.is_power_of_two()
            && part(self.versions_offset, self.versions, u64::from(version::BYTES))
            && self.versions_offset.is_multiple_of(version::BYTES)
            && self.bucket_offset.is_multiple_of(64)
            && self.segments_offset.is_multiple_of(UNIT)
            && self.chunk_units >= 2
            && self.chunk_units <= self.segment_units()
            && self.chunked_limit < self.chunk_units
            && self.ghost_buckets >= 1
            && part(self.policy_offset, self.sketch_lines, u64::from(sketch::LINE_BYTES))
            && self.policy_offset.is_multiple_of(64)
            && self.mini_entries < 1 << 24
            && (self.mini_entries == 0
                || u64::from(self.miniatures_offset())
                    + u64::from(tournament::MOST_RIVALS) * u64::from(Miniature::bytes(self.mini_entries))
                    <= len)
    }

    #[inline(always)]
    pub fn segment_units(&self) -> u32 {
        1 << (self.segment_shift - 3)
    }

    pub fn samples_offset(&self) -> u32 {
        self.policy_offset + self.sketch_lines * sketch::LINE_BYTES
    }

    pub fn tournament_offset(&self) -> u32 {
        self.samples_offset() + samples::SLOTS * samples::BYTES
    }

    pub fn miniatures_offset(&self) -> u32 {
        self.tournament_offset() + tournament::BYTES
    }

    /// The mode in force.
    #[inline]
    pub fn mode(&self) -> Mode {
        Mode::of(self.region.load32(shard::MODE, Ordering::Relaxed))
    }

    /// The two candidate buckets of a key, as byte offsets.
    #[inline(always)]
    pub fn candidate_buckets(&self, hash: KeyHash) -> [u32; 2] {
        let first = hash.first_bucket(self.buckets);
        let second = hash.second_bucket(self.buckets, first);
        [self.bucket_offset + first * slot::BUCKET_BYTES, self.bucket_offset + second * slot::BUCKET_BYTES]
    }

    /// Asks for both buckets at once, so that a key in its second one does not pay for two memory latencies.
    #[inline(always)]
    pub fn fetch_buckets(&self, hash: KeyHash) {
        for bucket in self.candidate_buckets(hash) {
            self.region.prefetch(bucket);
        }
    }

    /// The slot's index over all shards, which are of one size: shard by shard, bucket by bucket.
    #[inline(always)]
    pub fn slot_index(&self, offset: u32) -> u32 {
        let within = offset - self.bucket_offset;
        (self.number * self.buckets + within / slot::BUCKET_BYTES) * slot::PER_BUCKET
            + (within % slot::BUCKET_BYTES - slot::FIRST) / 8
    }

    /// Shard number and byte offset of the slot with an index over all shards.
    #[inline(always)]
    pub fn slot_place(&self, index: u32) -> (usize, u32) {
        let bucket = index / slot::PER_BUCKET;
        let within = (bucket % self.buckets) * slot::BUCKET_BYTES + slot::FIRST + (index % slot::PER_BUCKET) * 8;
        ((bucket / self.buckets) as usize, self.bucket_offset + within)
    }

    #[inline(always)]
    pub fn segment_header(&self, index: u32) -> u32 {
        self.segment_headers + index * segment::BYTES
    }

    /// First unit of a segment.
    #[inline(always)]
    pub fn segment_start(&self, index: u32) -> u32 {
        (self.segments_offset >> 3) + (index << (self.segment_shift - 3))
    }

    /// The segment that a location lies in.
    #[inline(always)]
    pub fn segment_of(&self, location: u32) -> u32 {
        (location - (self.segments_offset >> 3)) >> (self.segment_shift - 3)
    }

    /// Whether a location lies in the segments at all.
    #[inline(always)]
    pub fn holds(&self, location: u32) -> bool {
        location >= self.segments_offset >> 3 && self.segment_of(location) < self.segments
    }

    #[inline(always)]
    pub fn segment_word(&self, index: u32, field: u32) -> u32 {
        self.region.load32(self.segment_header(index) + field, Ordering::Acquire)
    }

    #[inline(always)]
    pub fn state(&self, index: u32) -> u32 {
        self.segment_word(index, segment::STATE)
    }

    pub fn base_ms(&self, index: u32) -> u64 {
        u64::from(self.segment_word(index, segment::BASE))
            | (u64::from(self.segment_word(index, segment::BASE + 4)) << 32)
    }

    /// The header of the record at a location. `None` when the location or the lengths leave the segment: only a broken
    /// or foreign memory can hold such a thing, and it is treated as absent.
    #[inline(always)]
    pub fn record(&self, location: u32) -> Option<Header> {
        if !self.holds(location) {
            return None;
        }
        let offset = location * UNIT;
        let w0 = self.region.load32(offset, Ordering::Relaxed);
        let w1 = self.region.load32(offset + 4, Ordering::Relaxed);
        let tags = if w0 & record::TAGS == 0 { 0 } else { self.tag_count(location, w0)? };
        let header = Header::new(w0, w1, tags);
        let end = self.segment_start(self.segment_of(location)) + self.segment_units();
        (location + header.units() <= end).then_some(header)
    }

    #[cold]
    fn tag_count(&self, location: u32, w0: u32) -> Option<u32> {
        let at = location * UNIT + tags_offset(w0);
        let end = (self.segment_start(self.segment_of(location)) + self.segment_units()) * UNIT;
        let tags = if at + 4 <= end { self.region.load32(at, Ordering::Relaxed) } else { return None };
        (tags < 2 * self.segment_units()).then_some(tags)
    }

    #[inline(always)]
    pub fn key_equals(&self, location: u32, header: Header, key: &[u8]) -> bool {
        header.key_length() as usize == key.len() && self.region.equals(location * UNIT + header.key_offset(), key)
    }

    pub fn read_key(&self, location: u32, header: Header, into: &mut Vec<u8>) {
        into.resize(header.key_length() as usize, 0);
        self.region.read(location * UNIT + header.key_offset(), into);
    }
}

/// Fields of a slot word.
pub mod word {
    use crate::layout::slot;

    #[inline(always)]
    pub fn member(tag: u32, location: u32) -> u64 {
        u64::from(slot::MEMBER | (tag << slot::TAG_SHIFT)) | (u64::from(location) << 32)
    }

    #[inline(always)]
    pub fn busy(me: u32, tag: u32, location: u32) -> u64 {
        u64::from(slot::BUSY | ((me + 1) << slot::OWNER_SHIFT) | (tag << slot::TAG_SHIFT)) | (u64::from(location) << 32)
    }

    #[inline(always)]
    pub fn removing(me: u32, member: u64) -> u64 {
        (member & !u64::from(slot::STATE_MASK)) | u64::from(slot::REMOVING | ((me + 1) << slot::OWNER_SHIFT))
    }

    #[inline(always)]
    pub fn state(word: u64) -> u32 {
        word as u32 & slot::STATE_MASK
    }

    #[inline(always)]
    pub fn tag(word: u64) -> u32 {
        word as u32 >> slot::TAG_SHIFT
    }

    #[inline(always)]
    pub fn location(word: u64) -> u32 {
        (word >> 32) as u32
    }

    #[inline(always)]
    pub fn is_member_with(word: u64, tag: u32) -> bool {
        word as u32 & !slot::DIRTY == slot::MEMBER | (tag << slot::TAG_SHIFT)
    }
}

/// Fields of a segment's state word.
pub mod state {
    #[inline(always)]
    pub fn pack(state: u32, queue: u32, owner: Option<u32>) -> u32 {
        state | (queue << 4) | (owner.map_or(0, |me| me + 1) << 16)
    }

    #[inline(always)]
    pub fn kind(word: u32) -> u32 {
        word & 0xF
    }

    #[inline(always)]
    pub fn queue(word: u32) -> u32 {
        (word >> 4) & 0xF
    }

    /// Thread index + 1, 0 for none.
    #[inline(always)]
    pub fn owner(word: u32) -> u32 {
        word >> 16
    }
}
