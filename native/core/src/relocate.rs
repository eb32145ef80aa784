//! Copying a live record to another place and moving its slot's location there: what an evictor does to keep an entry,
//! and what `touch` does to give it another expiry (records are immutable).

use crate::attachment::Attachment;
use crate::expiry;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::Found;
use crate::layout::{UNIT, record};
use crate::mutant;
use crate::record::{EXPIRY, Header, IDLE, idle_offset, options_bytes};
use crate::region::Ordering;
use crate::segment::Claimant;
use crate::shard::word;
use crate::times::since;

/// What the copy changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// Expiry at this time (ms since origin) or never; idle time in ms or none.
    Times {
        expires_at: Option<u64>,
        idle_ms: Option<u32>,
    },
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
        let (expires_at, idle_ms) = match change {
            Change::None => {
                (self.expires_at(home, old.location, old.header), self.idle_ms(home, old.location, old.header))
            }
            Change::Times { expires_at, idle_ms } => (expires_at, idle_ms),
        };
        let mut w0 = old.header.w0 & !(EXPIRY | IDLE);
        let tags = if w0 & record::TAGS == 0 { 0 } else { (old.header.options - options_bytes(old.header.w0, 0)) / 8 };
        // Whether the expiry can be said at all depends on the base time of the segment that takes the copy, but its
        // width is known before.
        w0 |= if expires_at.is_some() { EXPIRY } else { 0 };
        w0 |= if idle_ms.is_some() { IDLE } else { 0 };
        let header = Header::new(w0, old.header.key_length(), tags);
        if header.units() + 1 > home.segment_units() {
            return None;
        }
        let at = self.allocate(number, queue, header.units(), w0 & (EXPIRY | IDLE) != 0, world, claimant)?;
        self.write_times(home, at, w0, expires_at, idle_ms, self.last_use(home, old.location, old.header));
        // The other options, key and value follow the two kinds of times unchanged.
        let times = |w0: u32| record::HEADER_BYTES + options_bytes(w0 & (EXPIRY | IDLE), 0);
        let rest = old.header.value_offset() + old.header.value_length() - times(old.header.w0);
        home.region.copy_within(old.location * UNIT + times(old.header.w0), at * UNIT + times(w0), rest);
        home.region.store32(at * UNIT, w0, Ordering::Release);
        home.region.store32(at * UNIT + 4, header.key_length(), Ordering::Release);
        self.mark_observed(home, old.location);
        let moved = if mutant::is("blind-relocation") {
            home.region.store64(old.slot, word::member(hash.tag, at), Ordering::Release);
            true
        } else {
            home.region.cas64(old.slot, old.word, word::member(hash.tag, at)).is_ok()
        };
        if moved && old.header.has(record::CHAIN) && mutant::is("chain-retired-on-relocation") {
            self.retire_chain(home, old.location, old.header);
        }
        if moved {
            let to = home.segment_of(at);
            self.add_entries(home, old.segment, -1);
            self.add_entries(home, to, 1);
        }
        // The chain, if any, goes with the copy that is linked, so only the units of the other one are dead.
        let (dead, what) = if moved { (old.location, old.header) } else { (at, header) };
        self.mark_dead(home, dead, what);
        moved.then_some(old.slot)
    }

    /// Writes the expiry and idle fields of a new record and keeps its segment's latest expiry.
    pub(crate) fn write_times(
        &self,
        home: &crate::shard::Shard,
        at: u32,
        w0: u32,
        expires_at: Option<u64>,
        idle_ms: Option<u32>,
        last_use: Option<u64>,
    ) {
        let segment = home.segment_of(at);
        let mut dead_by = expiry::NEVER;
        if w0 & EXPIRY != 0 || w0 & IDLE != 0 {
            let base = home.base_ms(segment);
            if let Some(due) = expires_at {
                let word = expiry::encode(due.saturating_sub(base)).unwrap_or(expiry::NEVER);
                home.region.store32(at * UNIT + record::HEADER_BYTES, word, Ordering::Release);
                dead_by = word;
            }
            if let Some(idle_ms) = idle_ms {
                let offset = at * UNIT + idle_offset(w0);
                let used = since(base, last_use.unwrap_or_else(|| self.now()));
                home.region.store32(offset, idle_ms, Ordering::Release);
                home.region.store32(offset + 4, used as u32, Ordering::Release);
            }
        }
        self.raise_dead_by(home, segment, dead_by);
    }
}
