//! Exact entry counts that survive `clear()` and the death of any thread (docs/slab.md 4).
//!
//! Each thread keeps `net` in its own line: entries it linked less entries it unlinked, for one world. With `maxEntries`
//! there is also one shared word of reservations; it may be too high after a death, never too low, so the bound holds
//! at every moment, and an evictor takes the excess off when it can prove it.

use crate::attachment::{Attachment, line_offset};
use crate::host::Host;
use crate::layout::{control, line};
use crate::region::Ordering;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reservation {
    Taken,
    Full,
    /// `clear()` has been called since the operation looked.
    Stale,
}

/// Attempts of an evictor to see all lines at rest before it leaves a suspected drift for its next turn.
const COLLECTIONS: u32 = 8;

impl<H: Host> Attachment<H> {
    /// The world word: generation × 2 + closed.
    #[inline(always)]
    pub(crate) fn world(&self) -> u32 {
        self.control.load32(control::WORLD, Ordering::Acquire)
    }

    pub fn is_closed(&self) -> bool {
        self.world() & 1 == 1
    }

    /// Forgets every entry at once. All that was linked before this call is gone when it returns.
    pub fn clear(&self) {
        self.control.add32(control::WORLD, 2);
        self.count(crate::counters::Counter::Cleared);
    }

    /// Closes the cache for every thread: reads miss, writes are refused.
    pub fn close_for_all(&self) {
        let mut seen = self.world();
        while seen & 1 == 0 {
            match self.control.cas32(control::WORLD, seen, seen.wrapping_add(3)) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// Entries, exact when no operation is under way. Entries that expired and were not yet reclaimed count.
    pub fn size(&self) -> u32 {
        let world = self.world();
        self.lines_of(world, line::NET)
    }

    fn lines_of(&self, world: u32, field: u32) -> u32 {
        (0..self.high_water()).fold(0u32, |sum, thread| {
            let at = line_offset(thread);
            if self.control.load32(at + line::NET_WORLD, Ordering::Acquire) == world {
                sum.wrapping_add(self.control.load32(at + field, Ordering::Acquire))
            } else {
                sum
            }
        })
    }

    /// This thread's net for a world, starting at 0 in a new one.
    #[inline]
    pub(crate) fn net(&self, world: u32) -> u32 {
        if self.control.load32(self.line + line::NET_WORLD, Ordering::Relaxed) != world {
            self.begin_accounting();
            self.control.store32(self.line + line::NET, 0, Ordering::Release);
            self.control.store32(self.line + line::INFLIGHT, 0, Ordering::Release);
            self.control.store32(self.line + line::NET_WORLD, world, Ordering::Release);
            self.end_accounting();
        }
        self.control.load32(self.line + line::NET, Ordering::Relaxed)
    }

    fn begin_accounting(&self) {
        let sequence = self.control.load32(self.line + line::SEQUENCE, Ordering::Relaxed);
        self.control.publish32(self.line + line::SEQUENCE, sequence.wrapping_add(1));
    }

    fn end_accounting(&self) {
        let sequence = self.control.load32(self.line + line::SEQUENCE, Ordering::Relaxed);
        self.control.release32(self.line + line::SEQUENCE, sequence.wrapping_add(1));
    }

    /// Takes one place under `maxEntries` for an entry about to be linked in `world`.
    pub(crate) fn reserve(&self, world: u32) -> Reservation {
        self.net(world);
        self.begin_accounting();
        let outcome = loop {
            let seen = self.control.load64(control::RESERVED, Ordering::Acquire);
            let (count, counted_world) = (seen as u32, (seen >> 32) as u32);
            let next = if counted_world == world {
                if count >= self.max_entries {
                    break Reservation::Full;
                }
                seen + 1
            } else if (counted_world.wrapping_sub(world) as i32) < 0 {
                (u64::from(world) << 32) | 1
            } else {
                break Reservation::Stale;
            };
            if self.control.cas64(control::RESERVED, seen, next).is_ok() {
                self.control.store32(self.line + line::INFLIGHT, 1, Ordering::Release);
                break Reservation::Taken;
            }
        };
        self.end_accounting();
        outcome
    }

    /// Whether a reservation would be granted now.
    pub(crate) fn has_place(&self) -> bool {
        let seen = self.control.load64(control::RESERVED, Ordering::Acquire);
        (seen >> 32) as u32 != self.world() || (seen as u32) < self.max_entries
    }

    /// Gives a place back that no entry took.
    pub(crate) fn unreserve(&self, world: u32) {
        self.begin_accounting();
        if self.control.load32(self.line + line::NET_WORLD, Ordering::Relaxed) == world {
            self.control.store32(self.line + line::INFLIGHT, 0, Ordering::Release);
        }
        self.release_place(world);
        self.end_accounting();
    }

    fn release_place(&self, world: u32) {
        loop {
            let seen = self.control.load64(control::RESERVED, Ordering::Acquire);
            if (seen >> 32) as u32 != world || seen as u32 == 0 {
                return;
            }
            if self.control.cas64(control::RESERVED, seen, seen - 1).is_ok() {
                return;
            }
        }
    }

    /// Books a link that happened: the reservation becomes an entry.
    #[inline]
    pub(crate) fn booked_link(&self, net: u32) {
        if self.max_entries == 0 {
            self.control.store32(self.line + line::NET, net, Ordering::Release);
            return;
        }
        self.begin_accounting();
        self.control.store32(self.line + line::NET, net, Ordering::Release);
        self.control.store32(self.line + line::INFLIGHT, 0, Ordering::Release);
        self.end_accounting();
    }

    /// Books an unlink that happened in `world`.
    #[inline]
    pub(crate) fn booked_unlink(&self, net: u32, world: u32) {
        if self.max_entries == 0 {
            self.control.store32(self.line + line::NET, net, Ordering::Release);
            return;
        }
        self.begin_accounting();
        self.control.store32(self.line + line::NET, net, Ordering::Release);
        self.release_place(world);
        if crate::mutant::is("returned-twice") {
            self.release_place(world);
        }
        self.end_accounting();
    }

    /// After a death: takes off reservations that nobody holds any more. Called by the evictor, unpinned.
    ///
    /// The excess is certain when all lines were read twice with every sequence even and unchanged and the shared
    /// word unchanged too; under constant writes the attempt may fail and is made again by a later turn.
    pub(crate) fn collect_drift(&self) {
        if self.max_entries == 0 || self.control.load32(control::DRIFT, Ordering::Acquire) == 0 {
            return;
        }
        for _ in 0..COLLECTIONS {
            let lines = self.high_water();
            let sequences = || -> Vec<u32> {
                (0..lines)
                    .map(|thread| self.control.load32(line_offset(thread) + line::SEQUENCE, Ordering::Acquire))
                    .collect()
            };
            // A death reported from here on sets the word again and is looked into by the next turn.
            self.control.release32(control::DRIFT, 0);
            let before = sequences();
            let seen = self.control.load64(control::RESERVED, Ordering::Acquire);
            let world = (seen >> 32) as u32;
            let held = self.lines_of(world, line::NET).wrapping_add(self.lines_of(world, line::INFLIGHT));
            // A thread that attached meanwhile may hold a reservation that was not looked for in its line.
            let at_rest =
                before.iter().all(|sequence| sequence % 2 == 0) && sequences() == before && self.high_water() == lines;
            if at_rest {
                let excess = (seen as u32).wrapping_sub(held);
                if excess as i32 <= 0 {
                    return;
                }
                if self.control.cas64(control::RESERVED, seen, seen - u64::from(excess)).is_ok() {
                    return;
                }
            }
            self.control.release32(control::DRIFT, 1);
            crate::pause::spin();
        }
    }
}
