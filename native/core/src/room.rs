//! Making room for a write that found none, and the upkeep that writers pay in small pieces (docs/slab.md 6). Unpinned and
//! bounded: gives way while another thread evicts, and waits for none.

use crate::attachment::Attachment;
use crate::evict::{Goal, Turn};
use crate::host::Host;
use crate::layout::shard;
use crate::region::Ordering;
use crate::shard::Shard;
use crate::write::Outcome;

/// Turns without progress before a write is refused.
const FRUITLESS: u32 = if cfg!(loom) { 2 } else { 64 };

impl<H: Host> Attachment<H> {
    /// Evicts for a write that found no place. Unpinned, bounded: gives way while another thread evicts.
    pub(crate) fn make_room(&self, number: usize, goal: Goal) -> Result<(), Outcome> {
        let home = &self.shards[number];
        let mut blocked = false;
        for turn in 0..FRUITLESS {
            match self.evict(number, goal) {
                Turn::Reached => return Ok(()),
                Turn::Exhausted => {}
                Turn::Nothing => {
                    // With several shards the entry bound may be held by the others.
                    if goal == Goal::Entry && self.evict_elsewhere(number) {
                        return Ok(());
                    }
                    if let Goal::Free(wanted) = goal
                        && Self::free_segments(home) >= wanted
                    {
                        return Ok(());
                    }
                    // Segments on their way to become somebody's large value, or free again, are room to come.
                    if matches!(goal, Goal::Free(_)) && Self::is_in_transit(home) {
                        self.rest(turn);
                        continue;
                    }
                    crate::pause::give_way();
                    if turn > 8 {
                        return Err(Outcome::NoRoom);
                    }
                }
                Turn::Blocked => {
                    blocked = true;
                    self.rest(turn);
                }
                Turn::Busy => {
                    if turn % 16 == 15 {
                        self.look_into_evictor(number);
                    }
                    self.rest(turn);
                    // The other evictor may have made room for us too.
                    if self.has_room(home, goal) {
                        return Ok(());
                    }
                }
            }
        }
        Err(if blocked { Outcome::Paused } else { Outcome::NoRoom })
    }

    fn has_room(&self, home: &Shard, goal: Goal) -> bool {
        match goal {
            Goal::Entry => self.has_place(),
            Goal::Free(wanted) => home.region.load32(shard::FREE_SEGMENTS, Ordering::Relaxed) >= wanted,
            Goal::Ahead { wanted, .. } => self.has_room(home, Goal::Free(wanted)),
            Goal::Share(_) | Goal::Compact(_) | Goal::Reclaim(_) => true,
        }
    }

    /// Lets whoever is in the way go on. At first for microseconds; where that was not enough the other thread has most
    /// likely lost its core, and only sleeping gives it one: some ten milliseconds in all, then the write is refused.
    fn rest(&self, turn: u32) {
        if turn < FRUITLESS / 4 {
            for _ in 0..64 {
                crate::pause::spin();
            }
            crate::pause::give_way();
        } else {
            crate::pause::sleep();
        }
    }

    fn evict_elsewhere(&self, number: usize) -> bool {
        (1..self.shards.len())
            .map(|step| (number + step) % self.shards.len())
            .any(|other| self.evict(other, Goal::Entry) == Turn::Reached)
    }

    /// A caller's share of the upkeep, in proportion to the space it took.
    pub(crate) fn pay_upkeep(&self, number: usize) {
        let home = &self.shards[number];
        if home.region.load32(shard::FREE_SEGMENTS, Ordering::Relaxed) < Self::free_target(home) {
            self.evict(number, Goal::Share(self.owed.get()));
        } else if Self::is_untidy(home) {
            self.evict(number, Goal::Compact(self.owed.get()));
        }
        self.owed.set(0);
    }

    /// Does a bounded amount of upkeep on every shard; true when more is left. For owners and idle moments.
    pub fn maintain(&self) -> bool {
        self.publish_clock();
        (0..self.shards.len()).any(|number| {
            let home = &self.shards[number];
            let short = Self::free_segments(home) < Self::free_target(home)
                || home.region.load32(shard::DRAINED, Ordering::Relaxed) != 0;
            short && self.evict(number, Goal::Free(Self::free_target(home))) == Turn::Exhausted
        })
    }
}
