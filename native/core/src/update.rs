//! Numbers that count: `increment`, a compare-and-set loop inside the core.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::host::Host;
use crate::read::Use;
use crate::record::kind;
use crate::write::{Condition, Outcome, Write};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Incremented {
    To(f64),
    /// The entry holds something else.
    NotANumber,
    Rejected(Outcome),
}

impl<H: Host> Attachment<H> {
    /// Adds to a number; an absent one counts as 0 and gets the times given. An existing one keeps its own.
    pub fn increment(&self, key: &[u8], by: f64, expires_at: Option<u64>, idle_ms: Option<u32>) -> Incremented {
        loop {
            let mut bytes = [0; 8];
            let seen = self.read(key, Use::Peek, &mut bytes);
            let (next, condition, expires_at, idle_ms) = match seen {
                None => (by, Condition::Absent, expires_at, idle_ms),
                Some(value) if value.kind != kind::NUMBER || value.length != 8 => return Incremented::NotANumber,
                Some(value) => {
                    let (expires_at, idle_ms) = self.times_of(key);
                    (f64::from_le_bytes(bytes) + by, Condition::Unchanged(value.stamp), expires_at, idle_ms)
                }
            };
            let write = Write { key, value: &next.to_le_bytes(), kind: kind::NUMBER, expires_at, idle_ms, condition };
            match self.write(&write) {
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
