//! Space for records: a thread's chunks, and extents reserved in the open segment of a queue (docs/slab.md 5).
//! Everything here runs under the caller's pin and waits for nobody.

use crate::attachment::Attachment;
use crate::host::Host;
use crate::layout::{UNIT, segment, shard};
use crate::mutant;
use crate::region::Ordering;
use crate::segment::Claimant;
use crate::shard::{Shard, state};

/// Space that one thread fills with small records, in one segment. Believed only under a pin, while the segment is OPEN
/// in the same generation: sealing a segment takes all its chunks away.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Chunk {
    valid: bool,
    segment: u32,
    generation: u32,
    /// Next unit to fill, and the first unit behind.
    next: u32,
    end: u32,
}

impl<H: Host> Attachment<H> {
    /// Unit where a record of `units` may be written now, or `None` when a caller must make room first (unpinned).
    /// `timed`: it has times, which lose precision far from the base of their segment, so a chunk held for days will not do.
    #[inline]
    #[allow(clippy::too_many_arguments)] // what the one caller's record is like; a struct would only rename its locals
    pub(crate) fn allocate(
        &self,
        number: usize,
        queue: u32,
        units: u32,
        timed: bool,
        world: u32,
        claimant: Claimant,
    ) -> Option<u32> {
        let home = &self.shards[number];
        if units > home.chunked_limit {
            let unit = self.reserve_extent(home, queue, units + 1, units + 1, world, claimant)?.0;
            return Some(unit + 1);
        }
        let mine = &self.chunks[number][queue as usize];
        let mut chunk = mine.get();
        let usable = self.is_usable(home, chunk, queue, world) && !(timed && self.is_aged(home, chunk.segment));
        if !usable || chunk.end - chunk.next < units {
            self.give_up_chunk(home, chunk);
            mine.set(Chunk::default());
            let (unit, length) = self.reserve_extent(home, queue, home.chunk_units, units + 1, world, claimant)?;
            let index = home.segment_of(unit);
            chunk = Chunk {
                valid: true,
                segment: index,
                generation: home.segment_word(index, segment::GENERATION),
                next: unit + 1,
                end: unit + length,
            };
        }
        let at = chunk.next;
        chunk.next += units;
        mine.set(chunk);
        Some(at)
    }

    #[inline(always)]
    fn is_usable(&self, home: &Shard, chunk: Chunk, queue: u32, world: u32) -> bool {
        if mutant::is("stolen-chunk") {
            return chunk.valid;
        }
        if mutant::is("chunk-without-world") {
            return chunk.valid
                && home.state(chunk.segment) == state::pack(segment::OPEN, queue, None)
                && home.segment_word(chunk.segment, segment::GENERATION) == chunk.generation;
        }
        chunk.valid
            && self.accepts(home, chunk.segment, queue, world)
            && home.segment_word(chunk.segment, segment::GENERATION) == chunk.generation
    }

    /// The rest of a chunk that will not be filled counts as live no longer.
    fn give_up_chunk(&self, home: &Shard, chunk: Chunk) {
        if chunk.valid
            && chunk.end > chunk.next
            && home.segment_word(chunk.segment, segment::GENERATION) == chunk.generation
        {
            self.add_live(home, chunk.segment, (chunk.end - chunk.next).wrapping_neg());
        }
    }

    pub(crate) fn drop_chunks(&self) {
        for (home, pair) in self.shards.iter().zip(&self.chunks) {
            for mine in pair {
                self.pin();
                self.give_up_chunk(home, mine.get());
                self.unpin();
                mine.set(Chunk::default());
            }
        }
    }

    /// Reserves `wanted` units (at the end of a segment down to `least`) in the queue's open segment, opening another
    /// where that one is full, of an older world or too old. Returns the extent's first unit and its length.
    fn reserve_extent(
        &self,
        home: &Shard,
        queue: u32,
        wanted: u32,
        least: u32,
        world: u32,
        claimant: Claimant,
    ) -> Option<(u32, u32)> {
        let open_word = shard::OPEN + 4 * queue;
        // Each further turn follows another thread's success in opening a segment; a few in a row are a storm.
        for _ in 0..8 {
            let open = home.region.load32(open_word, Ordering::Acquire);
            let mut room = 0;
            if open != 0 && open <= home.segments {
                let index = open - 1;
                if self.accepts(home, index, queue, world) && !self.is_aged(home, index) {
                    match self.bite(home, index, wanted, least) {
                        Ok(extent) => return Some(extent),
                        Err(left) => room = left,
                    }
                }
            }
            let fresh = self.open_segment(home, queue, world, claimant)?;
            if room > home.segment_units() - wanted {
                // The old one has more room left than this record leaves in the new one: it stays the open one, and the
                // new one is for this record alone.
                if let Ok(extent) = self.bite(home, fresh, wanted, least) {
                    return Some(extent);
                }
            }
            if home.region.cas32(open_word, open, fresh + 1).is_err() {
                self.discard(home, fresh, queue);
            }
        }
        None
    }

    /// Gives back a segment that was opened in vain: another thread's became the open one. Nothing is in it and nobody
    /// appends to it, but an evictor may have sealed it as the oldest of its queue; then it is the evictor's.
    fn discard(&self, home: &Shard, fresh: u32, queue: u32) {
        let at = home.segment_header(fresh) + segment::STATE;
        let mine = state::pack(segment::OPENING, queue, Some(self.me));
        if home.region.cas32(at, state::pack(segment::OPEN, queue, None), mine).is_ok() {
            self.free_segment(home, fresh, mine);
        }
    }

    fn bite(&self, home: &Shard, index: u32, wanted: u32, least: u32) -> Result<(u32, u32), u32> {
        let at = home.segment_header(index) + segment::CURSOR;
        let mut cursor = home.region.load32(at, Ordering::Acquire);
        loop {
            let left = home.segment_units() - cursor.min(home.segment_units());
            let length = wanted.min(left);
            if length < least {
                return Err(left);
            }
            match home.region.cas32(at, cursor, cursor + length) {
                Ok(_) => {
                    let unit = home.segment_start(index) + cursor;
                    home.region.store32(unit * UNIT + 4, self.me + 1, Ordering::Release);
                    home.region.store32(unit * UNIT, length, Ordering::Release);
                    self.add_live(home, index, length);
                    self.owed.set(self.owed.get().saturating_add(length.saturating_mul(2)));
                    return Ok((unit, length));
                }
                Err(now) => cursor = now,
            }
        }
    }
}
