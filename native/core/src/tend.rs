//! What an owner does for a shard: short turns of upkeep ahead of its writers (docs/slab.md 6). Unpinned and bounded; a turn holds the
//! evictor's lock for some tens of microseconds, so that a caller who needs room meanwhile hardly waits.

use crate::attachment::Attachment;
use crate::evict::{Goal, Turn};
use crate::host::Host;
use crate::layout::{THREADS, shard};
use crate::region::Ordering;

/// Units of records that one turn looks at: 32 KiB.
const UNITS_PER_TURN: u32 = 4096;

/// What a turn left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tended {
    /// There is no more to do for now.
    Done = 0,
    /// Progress was made and there is more.
    More = 1,
    /// Another thread evicts, or one stays pinned: later.
    InTheWay = 2,
}

impl<H: Host> Attachment<H> {
    /// One short turn of upkeep: free segments for the writers, `ahead` more than they begin to evict at, then tidying.
    pub fn tend(&self, number: usize, ahead: u32) -> Tended {
        self.publish_clock();
        let Some(home) = self.shards.get(number) else {
            return Tended::Done;
        };
        let wanted = (Self::free_target(home) + ahead).min(home.segments / 4);
        let short = home.region.load32(shard::FREE_SEGMENTS, Ordering::Relaxed) < wanted
            || home.region.load32(shard::DRAINED, Ordering::Relaxed) != 0;
        if short {
            return Self::tended(self.evict(number, Goal::Ahead { wanted, units: UNITS_PER_TURN }));
        }
        if Self::is_untidy(home) {
            return match self.evict(number, Goal::Compact(UNITS_PER_TURN)) {
                Turn::Reached if Self::is_untidy(home) => Tended::More,
                turn => Self::tended(turn),
            };
        }
        Tended::Done
    }

    /// One short turn of emptying segments in which nothing counts any more: expired as a whole, or cleared.
    pub fn reclaim(&self, number: usize) -> Tended {
        if number >= self.shards.len() {
            return Tended::Done;
        }
        match self.evict(number, Goal::Reclaim(UNITS_PER_TURN)) {
            Turn::Reached => Tended::More,
            turn => Self::tended(turn),
        }
    }

    /// Looks into every line in use and heals what the dead have left.
    pub fn reap_all(&self) {
        for thread in 0..self.high_water().min(THREADS) {
            self.reap_if_dead(thread, Some(self.me));
        }
    }

    fn tended(turn: Turn) -> Tended {
        match turn {
            Turn::Reached | Turn::Nothing => Tended::Done,
            Turn::Exhausted => Tended::More,
            Turn::Busy | Turn::Blocked => Tended::InTheWay,
        }
    }
}
