//! Changes to what is there: `increment` by compare-and-set, `touch` by moving the record to a copy with other times.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::evict::Goal;
use crate::host::Host;
use crate::read::{Changed, Use};
use crate::record::kind;
use crate::region::Ordering;
use crate::relocate::Change;
use crate::segment::{Claimant, EVICTOR_RESERVE};
use crate::shard::state;
use crate::times::Times;
use crate::write::{Condition, Extras, Outcome, Write};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Incremented {
    To(f64),
    /// The entry holds something else.
    NotANumber,
    Rejected(Outcome),
}

/// Attempts of a `touch` to find space; the last may take from the evictor's reserve.
const TOUCHES: u32 = 4;

impl<H: Host> Attachment<H> {
    /// Gives a live entry another expiry and idle time. Where no space can be made for its copy it stays as it was.
    pub fn touch(&self, key: &[u8], expires_at: Option<u64>, idle_ms: Option<u32>) -> bool {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        let change = Change::Times { expires_at, idle_ms };
        for attempt in 1..=TOUCHES {
            let claimant = if attempt == TOUCHES { Claimant::Evictor } else { Claimant::Caller };
            let touched = self.with_live(key, |number, found, world| {
                let home = &self.shards[number];
                let queue = state::queue(home.state(found.segment)) & 1;
                match self.relocate(number, found, hash, queue, world, change, claimant) {
                    Some(slot) => {
                        self.bump(home, slot);
                        Ok(true)
                    }
                    None if home.region.load64(found.slot, Ordering::Acquire) != found.word => Err(Changed),
                    None => Ok(false),
                }
            });
            match touched {
                None => return false,
                Some(true) => {
                    self.count(Counter::Touched);
                    return true;
                }
                Some(false) => {
                    // Whether or not it finds any: the next attempt shows.
                    let _ = self.make_room(number, Goal::Free(EVICTOR_RESERVE + 1));
                }
            }
        }
        false
    }

    /// Adds to a number; an absent one counts as 0 and gets the times given. An existing one keeps its own.
    pub fn increment(&self, key: &[u8], by: f64, expires_at: Option<u64>, idle_ms: Option<u32>) -> Incremented {
        loop {
            let mut bytes = [0; 8];
            let seen = self.read(key, Use::Peek, &mut bytes);
            let (next, condition, times) = match seen {
                None => (by, Condition::Absent, Times { expires_at, idle_ms, soft_at: None }),
                Some(value) if value.kind != kind::NUMBER || value.length != 8 => return Incremented::NotANumber,
                Some(value) => {
                    (f64::from_le_bytes(bytes) + by, Condition::Unchanged(value.stamp), self.times_of_live(key))
                }
            };
            let Times { expires_at, idle_ms, soft_at } = times;
            let write = Write { key, value: &next.to_le_bytes(), kind: kind::NUMBER, expires_at, idle_ms, condition };
            let outcome = match soft_at {
                None => self.write(&write),
                Some(_) => self.write_entry(&write, &Extras { soft_at, ..Extras::default() }),
            };
            match outcome {
                Outcome::Stored => {
                    self.count(Counter::Incremented);
                    return Incremented::To(next);
                }
                // Somebody else's change came between; theirs counts, ours comes after it.
                Outcome::Refused => crate::pause::spin(),
                rejected => return Incremented::Rejected(rejected),
            }
        }
    }
}
