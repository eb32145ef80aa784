//! Segments: taking a free one, closing it, giving it back (docs/slab.md 5).
//!
//! ```text
//! FREE ─▶ OPENING|me, cleared ─▶ OPEN|queue ─▶ SEALED ─grace─▶ walked by a hand ─▶ DRAINED ─grace─▶ generation + 1 ─▶ FREE
//!   └───▶ BUILDING|me ─▶ CHAIN ───────────────────────────────────────────────▲
//! ```
//! Nothing but these headers says which segments are free or in which order they were opened, so a death leaves nothing
//! to repair in lists.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::host::Host;
use crate::layout::{UNIT, segment, shard};
use crate::mutant;
use crate::policy::SMALL;
use crate::region::Ordering;
use crate::shard::{Shard, state};

/// FREE segments that only an evictor may take, so that it can always copy what it keeps.
pub(crate) const EVICTOR_RESERVE: u32 = 2;

/// Segments' worth of dead records that a log may hold beside as much as is live in it.
const DEAD_SEGMENTS: u32 = 2;

/// A segment opened longer ago takes no more records: their times would lose precision (docs/slab.md 5).
pub(crate) const MAX_BASE_AGE_MS: u64 = 1 << 28;

/// Where assertions are on, freed space is filled with this byte, and `validate` sees who writes there later.
pub(crate) const POISONS: bool = cfg!(any(loom, debug_assertions));
pub(crate) const POISON: u8 = 0xA5;

/// Who asks for space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimant {
    Caller,
    Evictor,
}

impl<H: Host> Attachment<H> {
    /// FREE segments that upkeep keeps ahead of the writers.
    pub(crate) fn free_target(home: &Shard) -> u32 {
        EVICTOR_RESERVE + (home.segments / 64).max(1)
    }

    pub(crate) fn free_segments(home: &Shard) -> u32 {
        (0..home.segments).filter(|&index| state::kind(home.state(index)) == segment::FREE).count() as u32
    }

    /// Whether segments are neither free nor in use: taken and not yet published, or waiting for their second grace.
    pub(crate) fn is_in_transit(home: &Shard) -> bool {
        (0..home.segments).any(|index| {
            matches!(state::kind(home.state(index)), segment::OPENING | segment::BUILDING | segment::DRAINED)
        })
    }

    /// A segment that now belongs to this thread in state `as_state` (OPENING or BUILDING). Its units up to the cursor may
    /// hold anything, the others are zeros.
    pub(crate) fn take_free_segment(&self, home: &Shard, as_state: u32, claimant: Claimant) -> Option<u32> {
        let mut free = Self::free_segments(home);
        let keep = if claimant == Claimant::Caller { EVICTOR_RESERVE.min(home.segments / 4) } else { 0 };
        if free <= keep {
            home.region.store32(shard::FREE_SEGMENTS, free, Ordering::Relaxed);
            return None;
        }
        for index in 0..home.segments {
            let seen = home.state(index);
            if state::kind(seen) != segment::FREE {
                continue;
            }
            let mine = state::pack(as_state, 0, Some(self.me));
            if home.region.cas32(home.segment_header(index) + segment::STATE, seen, mine).is_ok() {
                free -= 1;
                home.region.store32(shard::FREE_SEGMENTS, free, Ordering::Relaxed);
                self.count(Counter::SegmentsOpened);
                return Some(index);
            }
        }
        None
    }

    /// Opens a segment for a queue, without making it the one that everybody appends to.
    pub(crate) fn open_segment(&self, home: &Shard, queue: u32, world: u32, claimant: Claimant) -> Option<u32> {
        let index = self.take_free_segment(home, segment::OPENING, claimant)?;
        let header = home.segment_header(index);
        let put = |field, value| home.region.store32(header + field, value, Ordering::Release);
        let now = self.now();
        // Not when it was freed: a chain overwrites all of it anyway, and here the memory comes into the processor's caches
        // right before it is written.
        let used = home.segment_word(index, segment::CURSOR).min(home.segment_units());
        if used > 0 {
            home.region.fill(home.segment_start(index) * UNIT, used * UNIT, 0);
        }
        put(segment::CURSOR, 0);
        put(segment::WORLD, world);
        put(segment::BASE, now as u32);
        put(segment::BASE + 4, (now >> 32) as u32);
        put(segment::LIVE_UNITS, 0);
        put(segment::LIVE_ENTRIES, 0);
        put(segment::DEAD_BY, 0);
        put(segment::SEQUENCE, home.region.add32(shard::SEQUENCE, 1));
        put(segment::STATE, state::pack(segment::OPEN, queue, None));
        if queue == SMALL && home.region.load32(shard::EVICTED_ONCE, Ordering::Relaxed) == 0 {
            self.note_small_share(home);
        }
        self.note_dead_share(home);
        Some(index)
    }

    /// Notes whether so much of the log is dead that writers should compact although there are free segments. A log that
    /// ran through all free memory before it came back would make every write touch memory that has long left the caches
    /// of the processor, and the process as large as `maxBytes` for any cache that overwrites.
    pub(crate) fn note_dead_share(&self, home: &Shard) {
        let world = self.world();
        let (mut held, mut live) = (0u32, 0u32);
        for index in 0..home.segments {
            if !matches!(state::kind(home.state(index)), segment::OPEN | segment::SEALED) {
                continue;
            }
            held += home.segment_word(index, segment::CURSOR).min(home.segment_units());
            if home.segment_word(index, segment::WORLD) == world {
                live += (home.segment_word(index, segment::LIVE_UNITS) as i32).max(0) as u32;
            }
        }
        let untidy = held.saturating_sub(live) > live + DEAD_SEGMENTS * home.segment_units();
        home.region.store32(shard::UNTIDY, u32::from(untidy), Ordering::Relaxed);
    }

    /// While nothing was evicted yet: notes when small holds its share of the segments.
    fn note_small_share(&self, home: &Shard) {
        let in_small = (0..home.segments)
            .filter(|&index| {
                let seen = home.state(index);
                state::kind(seen) == segment::OPEN && state::queue(seen) == SMALL
            })
            .count() as u32;
        if in_small > home.mode().small_target(home.segments) {
            home.region.store32(shard::SMALL_FULL, 1, Ordering::Relaxed);
        }
    }

    /// Stops appends to a segment. When [`Self::grace`] of its epoch is over, nobody writes into it any more.
    pub(crate) fn seal_segment(&self, home: &Shard, index: u32) -> bool {
        let seen = home.state(index);
        if state::kind(seen) != segment::OPEN {
            return state::kind(seen) == segment::SEALED;
        }
        let queue = state::queue(seen);
        let _ = home.region.cas32(shard::OPEN + 4 * queue, index + 1, 0);
        let header = home.segment_header(index);
        let sealed = state::pack(segment::SEALED, queue, None);
        if home.region.cas32(header + segment::STATE, seen, sealed).is_err() {
            return false;
        }
        home.region.store32(header + segment::EPOCH, self.advance_epoch(), Ordering::Release);
        true
    }

    /// Hands an emptied segment over to its second grace period.
    pub(crate) fn drain_segment(&self, home: &Shard, index: u32) {
        let header = home.segment_header(index);
        home.region.store32(header + segment::EPOCH, self.advance_epoch(), Ordering::Release);
        home.region.store32(header + segment::STATE, state::pack(segment::DRAINED, 0, None), Ordering::Release);
        home.region.add32(shard::DRAINED, 1);
    }

    /// Frees the drained segments whose second grace is over. Call unpinned, as the evictor.
    pub(crate) fn free_drained(&self, home: &Shard) -> u32 {
        if home.region.load32(shard::DRAINED, Ordering::Acquire) == 0 {
            return 0;
        }
        let (mut freed, mut left) = (0, 0);
        home.region.store32(shard::DRAINED, 0, Ordering::Release);
        for index in 0..home.segments {
            let seen = home.state(index);
            if state::kind(seen) != segment::DRAINED {
                continue;
            }
            let epoch = home.segment_word(index, segment::EPOCH);
            // One wait a turn: whoever blocks one segment blocks those drained later too.
            let over = if left == 0 { self.wait_for_grace(epoch) } else { self.grace(epoch) };
            if mutant::is("no-second-grace") || over {
                self.free_segment(home, index, seen);
                freed += 1;
            } else {
                left += 1;
            }
        }
        if left > 0 {
            home.region.add32(shard::DRAINED, left);
        }
        if freed > 0 {
            self.count_by(Counter::SegmentsFreed, u64::from(freed));
            let free = Self::free_segments(home);
            home.region.store32(shard::FREE_SEGMENTS, free, Ordering::Relaxed);
        }
        freed
    }

    /// Makes a segment FREE that nobody can reach. Its cursor goes on to say how much of it is to be cleared before records
    /// come into it again. Dying half-way leaves it where it was.
    pub(crate) fn free_segment(&self, home: &Shard, index: u32, seen: u32) {
        let header = home.segment_header(index);
        if state::kind(seen) == segment::BUILDING {
            home.region.store32(header + segment::CURSOR, home.segment_units(), Ordering::Release);
        }
        if POISONS {
            let used = home.segment_word(index, segment::CURSOR).min(home.segment_units());
            home.region.fill(home.segment_start(index) * UNIT, used * UNIT, POISON);
        }
        if !mutant::is("narrow-generation") {
            home.region.add32(header + segment::GENERATION, 1);
        }
        let _ = home.region.cas32(header + segment::STATE, seen, state::pack(segment::FREE, 0, None));
    }

    /// Whether the segment still takes records of this world in this queue.
    #[inline(always)]
    pub(crate) fn accepts(&self, home: &Shard, index: u32, queue: u32, world: u32) -> bool {
        home.state(index) == state::pack(segment::OPEN, queue, None)
            && home.segment_word(index, segment::WORLD) == world
    }

    pub(crate) fn is_aged(&self, home: &Shard, index: u32) -> bool {
        self.now().saturating_sub(home.base_ms(index)) > MAX_BASE_AGE_MS
    }

    /// Advisory: how much of a segment is live.
    #[inline]
    pub(crate) fn add_live(&self, home: &Shard, index: u32, units: u32) {
        home.region.add32(home.segment_header(index) + segment::LIVE_UNITS, units);
    }

    #[inline]
    pub(crate) fn add_entries(&self, home: &Shard, index: u32, by: i32) {
        if self.max_entries != 0 {
            let queue = state::queue(home.state(index));
            home.region.add32(home.segment_header(index) + segment::LIVE_ENTRIES, by as u32);
            home.region.add32(shard::QUEUE_ENTRIES + 4 * queue, by as u32);
        }
    }

    /// A record with this expiry (or none) was appended: the segment is dead as a whole no earlier than that.
    #[inline]
    pub(crate) fn raise_dead_by(&self, home: &Shard, index: u32, expiry: u32) {
        let at = home.segment_header(index) + segment::DEAD_BY;
        let mut seen = home.region.load32(at, Ordering::Relaxed);
        while seen < expiry {
            match home.region.cas32(at, seen, expiry) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}
