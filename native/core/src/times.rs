//! Whether a record is to be seen, and when it ends: expiry, idle time, soft expiry (docs/slab.md 5, 7). Pinned callers
//! only.

use crate::attachment::Attachment;
use crate::expiry;
use crate::host::Host;
use crate::layout::{UNIT, record};
use crate::record::{COST, EXPIRY, Header, IDLE, SOFT, TAGS, cost_offset, idle_offset, soft_offset};
use crate::region::Ordering;
use crate::shard::Shard;

/// The last use is written again only after this part of the idle time, so that a hot entry is not written on each hit.
const IDLE_RESOLUTION: u32 = 64;

/// How a record of the present world stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Fresh,
    /// Past its soft expiry only.
    Stale,
    /// Expired, or a tag of it was invalidated.
    Gone,
    /// No value: a load, or its outcome.
    Marker,
}

/// When a record ends: ms since origin, idle time in ms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Times {
    pub expires_at: Option<u64>,
    pub idle_ms: Option<u32>,
    /// End of being fresh.
    pub soft_at: Option<u64>,
}

impl Times {
    pub fn flags(&self) -> u32 {
        (if self.expires_at.is_some() { EXPIRY } else { 0 })
            | (if self.idle_ms.is_some() { IDLE } else { 0 })
            | (if self.soft_at.is_some() { SOFT } else { 0 })
    }
}

impl<H: Host> Attachment<H> {
    /// A record without conditions, as most are, is fresh: markers have an expiry.
    #[inline(always)]
    pub(crate) fn record_standing(&self, home: &Shard, location: u32, header: Header) -> Standing {
        if !header.has(EXPIRY | IDLE | SOFT | TAGS) {
            return Standing::Fresh;
        }
        if header.has(IDLE | SOFT | TAGS) || header.is_marker() {
            return self.standing_of(home, location, header);
        }
        if self.is_expired(home, location, header) { Standing::Gone } else { Standing::Fresh }
    }

    fn standing_of(&self, home: &Shard, location: u32, header: Header) -> Standing {
        if header.is_marker() {
            return Standing::Marker;
        }
        if header.has(TAGS) && !self.are_tags_valid(home, location, header) {
            return Standing::Gone;
        }
        let is_stale = || self.soft_at(home, location, header).is_some_and(|due| self.is_due(due));
        // It is never fresh for longer than it is there, so one look at the clock does.
        if header.has(SOFT) && !header.has(IDLE) && !is_stale() {
            return Standing::Fresh;
        }
        if header.has(EXPIRY | IDLE) && self.is_expired(home, location, header) {
            return Standing::Gone;
        }
        if header.has(SOFT) && is_stale() { Standing::Stale } else { Standing::Fresh }
    }

    pub(crate) fn times(&self, home: &Shard, location: u32, header: Header) -> Times {
        Times {
            expires_at: self.expires_at(home, location, header),
            idle_ms: self.idle_ms(home, location, header),
            soft_at: self.soft_at(home, location, header),
        }
    }

    pub(crate) fn soft_at(&self, home: &Shard, location: u32, header: Header) -> Option<u64> {
        if !header.has(SOFT) {
            return None;
        }
        let word = home.region.load32(location * UNIT + soft_offset(header.w0), Ordering::Relaxed);
        (word != expiry::NEVER).then(|| home.base_ms(home.segment_of(location)).saturating_add(expiry::decode(word)))
    }

    /// What its load took, in ms.
    pub(crate) fn cost_of(&self, home: &Shard, location: u32, header: Header) -> Option<u32> {
        header.has(COST).then(|| home.region.load32(location * UNIT + cost_offset(header.w0), Ordering::Relaxed))
    }

    /// Whether its last end has come; it may be absent for another reason too.
    #[inline(always)]
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
