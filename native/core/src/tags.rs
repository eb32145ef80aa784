//! Tags: each belongs to one of a fixed number of generations, and an entry is there as long as none of its tags'
//! generations is later than its own stamp (docs/slab.md 7). Two tags on one generation only drop too much.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::host::Host;
use crate::layout::{UNIT, control, line};
use crate::mutant;
use crate::record::{Header, TAGS, tags_offset};
use crate::region::Ordering;
use crate::shard::Shard;

impl<H: Host> Attachment<H> {
    /// What is invalidated from now on is later than this.
    pub fn tag_stamp(&self) -> u32 {
        self.control.load32(control::TAG_STAMP, Ordering::Acquire)
    }

    /// The generation that a tag shares with few others.
    pub fn tag_counter(&self, tag: &[u8]) -> u32 {
        self.hash(tag).h & self.tag_mask
    }

    #[inline(always)]
    fn generation_of(&self, counter: u32) -> u32 {
        self.tags + 4 * (counter & self.tag_mask)
    }

    /// Whether a generation is not later than a stamp, in wrapping order.
    #[inline(always)]
    pub(crate) fn is_tag_valid(&self, counter: u32, stamp: u32) -> bool {
        let generation = self.control.load32(self.generation_of(counter), Ordering::Acquire);
        generation.wrapping_sub(stamp) as i32 <= 0
    }

    /// Whether the tags of a record are valid; so they are where it has none. Pinned.
    #[inline]
    pub(crate) fn are_tags_valid(&self, home: &Shard, location: u32, header: Header) -> bool {
        if !header.has(TAGS) {
            return true;
        }
        let at = location * UNIT + tags_offset(header.w0);
        let word = |offset| home.region.load32(at + offset, Ordering::Relaxed);
        let stamp = word(4);
        (0..header.tag_count()).all(|index| self.is_tag_valid(word(8 + 4 * index), stamp))
    }

    /// Stamp and counters of a record's tags. Pinned.
    pub(crate) fn tags_of(&self, home: &Shard, location: u32, header: Header) -> Option<(u32, Vec<u32>)> {
        header.has(TAGS).then(|| {
            let at = location * UNIT + tags_offset(header.w0);
            let word = |offset| home.region.load32(at + offset, Ordering::Relaxed);
            (word(4), (0..header.tag_count()).map(|index| word(8 + 4 * index)).collect())
        })
    }

    /// Makes what has one of these tags, and a stamp of before, absent for everybody.
    pub fn invalidate_tags(&self, counters: impl Iterator<Item = u32>) {
        self.count(Counter::TagInvalidations);
        // Near caches trust a stamp only while nobody is between here and the end.
        if !mutant::is("invalidation-unannounced") {
            self.control.release32(self.line + line::INVALIDATING, 1);
        }
        let stamp = self.control.add32(control::TAG_STAMP, 1).wrapping_add(1);
        if stamp.is_multiple_of(control::TAG_ERA) {
            self.begin_era(stamp);
        }
        for counter in counters {
            let at = self.generation_of(counter);
            self.raise_generation(at, stamp, |seen| (stamp.wrapping_sub(seen) as i32) > 0);
        }
        self.control.release32(self.line + line::INVALIDATING, 0);
    }

    fn raise_generation(&self, at: u32, to: u32, is_older: impl Fn(u32) -> bool) {
        if mutant::is("generation-set-back") {
            self.control.release32(at, to);
            return;
        }
        let mut seen = self.control.load32(at, Ordering::Acquire);
        while is_older(seen) {
            match self.control.cas32(at, seen, to) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Half of the numbers that compare as earlier are used up: generations that stood still since the last era begin to
    /// follow, and what has an older stamp goes, so that no living entry is ever compared across the wrap.
    fn begin_era(&self, stamp: u32) {
        let oldest = stamp.wrapping_sub(control::TAG_ERA);
        for counter in 0..=self.tag_mask {
            let at = self.generation_of(counter);
            self.raise_generation(at, oldest, |seen| stamp.wrapping_sub(seen) > control::TAG_ERA);
        }
        self.control.add32(control::WORLD, 2);
    }
}
