//! When a record ends: its expiry and its idle time (docs/slab.md 5). Pinned callers only.

use crate::attachment::Attachment;
use crate::expiry;
use crate::host::Host;
use crate::layout::{UNIT, record};
use crate::record::{EXPIRY, Header, IDLE, idle_offset};
use crate::region::Ordering;
use crate::shard::Shard;

/// The last use is written again only after this part of the idle time, so that a hot entry is not written on each hit.
const IDLE_RESOLUTION: u32 = 64;

impl<H: Host> Attachment<H> {
    #[inline]
    pub(crate) fn is_expired(&self, home: &Shard, location: u32, header: Header) -> bool {
        if (!header.has(EXPIRY) && !header.has(IDLE)) || crate::mutant::is("expired-is-served") {
            return false;
        }
        self.expires_at(home, location, header).is_some_and(|due| self.is_due(due))
            || self.idle_until(home, location, header).is_some_and(|due| self.is_due(due))
    }

    /// Milliseconds since origin.
    pub(crate) fn expires_at(&self, home: &Shard, location: u32, header: Header) -> Option<u64> {
        if !header.has(EXPIRY) {
            return None;
        }
        let word = home.region.load32(location * UNIT + record::HEADER_BYTES, Ordering::Relaxed);
        // Too far away to be said: it does not expire.
        (word != expiry::NEVER).then(|| home.base_ms(home.segment_of(location)).saturating_add(expiry::decode(word)))
    }

    pub(crate) fn idle_ms(&self, home: &Shard, location: u32, header: Header) -> Option<u32> {
        header.has(IDLE).then(|| home.region.load32(location * UNIT + idle_offset(header.w0), Ordering::Relaxed))
    }

    pub(crate) fn last_use(&self, home: &Shard, location: u32, header: Header) -> Option<u64> {
        header.has(IDLE).then(|| {
            let since_base = home.region.load32(location * UNIT + idle_offset(header.w0) + 4, Ordering::Relaxed);
            home.base_ms(home.segment_of(location)).saturating_add_signed(i64::from(since_base as i32))
        })
    }

    fn idle_until(&self, home: &Shard, location: u32, header: Header) -> Option<u64> {
        let idle_ms = self.idle_ms(home, location, header)?;
        Some(self.last_use(home, location, header)? + u64::from(idle_ms))
    }

    /// Notes a use for the idle time: one word of the record, under a pin that is never expelled. If the record is being
    /// copied on at this moment the note may be lost, and the entry ends a little early.
    #[inline]
    pub(crate) fn note_use(&self, home: &Shard, location: u32, header: Header) {
        let Some(idle_ms) = self.idle_ms(home, location, header) else { return };
        let now = since(home.base_ms(home.segment_of(location)), self.now());
        let at = location * UNIT + idle_offset(header.w0) + 4;
        let seen = home.region.load32(at, Ordering::Relaxed) as i32;
        if now.saturating_sub(seen) as i64 > i64::from(idle_ms / IDLE_RESOLUTION) {
            home.region.store32(at, now as u32, Ordering::Relaxed);
        }
    }
}

/// A time of use as it is kept: signed milliseconds after the segment's base, before it for a record that was copied on.
pub(crate) fn since(base: u64, time: u64) -> i32 {
    let apart = (time as i64).saturating_sub(base as i64);
    apart.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}
