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
        if !header.has(EXPIRY) && !header.has(IDLE) {
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
            home.base_ms(home.segment_of(location)) + u64::from(since_base)
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
        let now = self.now().saturating_sub(home.base_ms(home.segment_of(location)));
        let now = u32::try_from(now).unwrap_or(u32::MAX);
        let at = location * UNIT + idle_offset(header.w0) + 4;
        let seen = home.region.load32(at, Ordering::Relaxed);
        if now.saturating_sub(seen) > idle_ms / IDLE_RESOLUTION {
            home.region.store32(at, now, Ordering::Relaxed);
        }
    }
}
