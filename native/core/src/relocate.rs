//! Copying a live record to another place and moving its slot's location there: what an evictor does to keep an entry,
//! and what `touch` does to give it another expiry (records are immutable).

use crate::attachment::Attachment;
use crate::expiry;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::Found;
use crate::layout::{UNIT, record};
use crate::lease::Lease;
use crate::mutant;
use crate::record::{EXPIRY, Header, IDLE, SOFT, has_options, idle_offset, soft_offset, times_end};
use crate::region::Ordering;
use crate::segment::Claimant;
use crate::shard::word;
use crate::times::{Times, since};

/// What the copy changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// Expiry at this time (ms since origin) or never; idle time in ms or none. Of an entry with grace it is the time of
    /// being fresh, and its grace stays as long as it was.
    Times {
        expires_at: Option<u64>,
        idle_ms: Option<u32>,
    },
    /// It is bound to this lease from now on.
    Lease(Lease),
}

impl<H: Host> Attachment<H> {
    /// The slot, when the entry now lives in its new place; `None` when there is no space or it changed meanwhile.
    /// Pinned callers only.
    #[allow(clippy::too_many_arguments)] // one step of an eviction; a struct would only rename its caller's locals
    pub(crate) fn relocate(
        &self,
        number: usize,
        old: &Found,
        hash: KeyHash,
        queue: u32,
        world: u32,
        change: Change,
        claimant: Claimant,
    ) -> Option<u32> {
        let home = &self.shards[number];
        let mut times = self.times(home, old.location, old.header);
        if let Change::Times { expires_at, idle_ms } = change {
            times = changed(times, expires_at, idle_ms);
        }
        // Whether the expiry can be said at all depends on the base time of the segment that takes the copy, but its
        // width is known before.
        let w0 = old.header.w0 & !(EXPIRY | IDLE | SOFT) | times.flags();
        let lease = match change {
            Change::Lease(lease) => Some(lease),
            // A lease that is over goes with the old copy. Nobody would look for one in a record without any other option,
            // and it has no end any more: its load is not needed.
            _ if has_options(w0) && self.is_leased(home, old.location, old.header) => {
                Some(self.lease_of(home, old.location, old.header))
            }
            _ => None,
        };
        let w1 = old.header.key_length() | if lease.is_some() { record::LEASE } else { 0 };
        let header = Header::new(w0, w1, old.header.tag_count());
        if header.units() + 1 > home.segment_units() {
            return None;
        }
        let timed = w0 & (EXPIRY | IDLE | SOFT) != 0;
        let at = self.allocate(number, queue, header.units(), timed, world, claimant)?;
        self.write_times(home, at, w0, &times, self.last_use(home, old.location, old.header));
        // Cost and tags lie between the times and the lease; key and value follow.
        let (from, to) = (old.location * UNIT, at * UNIT);
        let fixed = old.header.key_offset() - times_end(old.header.w0) - if old.header.is_leased() { 8 } else { 0 };
        if fixed > 0 {
            home.region.copy_within(from + times_end(old.header.w0), to + times_end(w0), fixed);
        }
        let rest = old.header.key_length() + old.header.value_length();
        home.region.copy_within(from + old.header.key_offset(), to + header.key_offset(), rest);
        if let Some(lease) = lease {
            self.write_lease(home, at, header, lease);
        }
        home.region.store32(to, w0, Ordering::Release);
        home.region.store32(to + 4, w1, Ordering::Release);
        self.mark_observed(home, old.location);
        let moved = if mutant::is("blind-relocation") {
            home.region.store64(old.slot, word::member(hash.tag, at), Ordering::Release);
            true
        } else {
            home.rebind(old.slot, old.word, word::member(hash.tag, at))
        };
        if moved && old.header.has(record::CHAIN) && mutant::is("chain-retired-on-relocation") {
            self.retire_chain(home, old.location, old.header);
        }
        if moved && old.counts {
            let to = home.segment_of(at);
            self.add_entries(home, old.segment, -1);
            self.add_entries(home, to, 1);
        }
        // The chain, if any, goes with the copy that is linked, so only the units of the other one are dead.
        let (dead, what) = if moved { (old.location, old.header) } else { (at, header) };
        self.mark_dead(home, dead, what);
        moved.then_some(old.slot)
    }

    /// Writes the fields of times of a new record and keeps its segment's latest expiry.
    #[inline]
    pub(crate) fn write_times(
        &self,
        home: &crate::shard::Shard,
        at: u32,
        w0: u32,
        times: &Times,
        last_use: Option<u64>,
    ) {
        let segment = home.segment_of(at);
        let mut dead_by = expiry::NEVER;
        if w0 & (EXPIRY | IDLE | SOFT) != 0 {
            let base = home.base_ms(segment);
            if let Some(due) = times.expires_at {
                let word = expiry::encode(due.saturating_sub(base)).unwrap_or(expiry::NEVER);
                home.region.store32(at * UNIT + record::HEADER_BYTES, word, Ordering::Release);
                dead_by = word;
            }
            if let Some(idle_ms) = times.idle_ms {
                let offset = at * UNIT + idle_offset(w0);
                let used = since(base, last_use.unwrap_or_else(|| self.now()));
                home.region.store32(offset, idle_ms, Ordering::Release);
                home.region.store32(offset + 4, used as u32, Ordering::Release);
            }
            if let Some(due) = times.soft_at {
                let word = expiry::encode(due.saturating_sub(base)).unwrap_or(expiry::NEVER);
                home.region.store32(at * UNIT + soft_offset(w0), word, Ordering::Release);
            }
        }
        self.raise_dead_by(home, segment, dead_by);
    }
}

/// Of an entry with grace the new time is that of being fresh.
fn changed(old: Times, expires_at: Option<u64>, idle_ms: Option<u32>) -> Times {
    match (old.soft_at, expires_at) {
        (Some(soft), Some(due)) => Times {
            expires_at: old.expires_at.map(|last| due.saturating_add(last.saturating_sub(soft))),
            idle_ms,
            soft_at: Some(due),
        },
        _ => Times { expires_at, idle_ms, soft_at: None },
    }
}
