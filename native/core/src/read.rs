//! Reading: get, peek, has, take, delete, expiry left, and the stamps that near caches and compare-and-set go by.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::Found;
use crate::layout::{control, segment};
use crate::record::{EXPIRY, IDLE, SOFT, TAGS};
use crate::region::Ordering;
use crate::shard::{Shard, word};
use crate::times::{Standing, Times};

/// Names one record for good: the location may be used again, but not in the same generation of its segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Slot index over all shards.
    pub slot: u32,
    pub location: u32,
    pub generation: u32,
    pub world: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    pub kind: u32,
    pub length: usize,
    pub stamp: Stamp,
    /// It has an expiry or an idle time, so that a copy must be asked for again.
    pub ends: bool,
    /// It has tags, whose generations are part of whether it is current.
    pub tagged: bool,
}

/// What a read does beside reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// A use of the entry: counts as hit or miss, for eviction and for the idle time.
    Get,
    /// No trace.
    Peek,
    /// Removes exactly the record that it read.
    Take,
}

impl<H: Host> Attachment<H> {
    /// Reads a live entry's value. When `into` is long enough the bytes are copied to its start; otherwise nothing is,
    /// and the length says how much it takes. `Take` removes only what it copied.
    #[inline]
    pub fn read(&self, key: &[u8], how: Use, into: &mut [u8]) -> Option<Value> {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        self.shards[number].fetch_buckets(hash);
        let value = loop {
            self.pin();
            let result = self.read_pinned(number, key, hash, how, into);
            self.unpin();
            match result {
                Ok(value) => break value,
                // Another thread replaced the record between reading and taking it.
                Err(Changed) => crate::pause::spin(),
            }
        };
        if how == Use::Get {
            self.count_read(value);
            self.sample_read(&self.shards[number], hash, key.len(), value.map(|value| value.length));
        }
        value
    }

    #[inline(always)]
    pub(crate) fn count_read(&self, value: Option<Value>) {
        match value {
            None => self.count(Counter::Misses),
            Some(value) => {
                self.count(Counter::Hits);
                self.count_by(Counter::BytesRead, value.length as u64);
            }
        }
    }

    #[inline]
    pub(crate) fn read_pinned(
        &self,
        number: usize,
        key: &[u8],
        hash: KeyHash,
        how: Use,
        into: &mut [u8],
    ) -> Result<Option<Value>, Changed> {
        let home = &self.shards[number];
        let Some((found, world)) = self.find_live(number, key, hash, how)? else {
            return Ok(None);
        };
        let value = self.value_of(home, &found, world);
        let fits = value.length <= into.len();
        if fits {
            self.read_value(home, found.location, found.header, &mut into[..value.length]);
        }
        match how {
            Use::Get => {
                self.bump(home, found.slot);
                self.note_use(home, found.location, found.header);
            }
            Use::Take if fits => {
                if !self.unlink(number, &found, world) {
                    return Err(Changed);
                }
                self.count(Counter::Taken);
            }
            _ => {}
        }
        Ok(Some(value))
    }

    /// The live member of a key. On the way a `Get` removes what is over, and a `Take` whatever else the key is bound to, so
    /// that no load's value comes after it.
    #[inline(always)]
    fn find_live(&self, number: usize, key: &[u8], hash: KeyHash, how: Use) -> Result<Option<(Found, u32)>, Changed> {
        let home = &self.shards[number];
        let world = self.world();
        let Some(found) = self.find(home, key, hash, world) else {
            return Ok(None);
        };
        if found.newer {
            return Err(Changed);
        }
        if !found.current || world & 1 == 1 {
            return Ok(None);
        }
        match self.record_standing(home, found.location, found.header) {
            Standing::Fresh => return Ok(Some((found, world))),
            // A take removes it in the guard, or somebody else was first.
            _ if how == Use::Take && !self.unlink(number, &found, world) => return Err(Changed),
            Standing::Gone if how == Use::Get => {
                self.remove_gone(number, &found, world);
            }
            _ => {}
        }
        Ok(None)
    }

    /// Unlinks what is over, unless a load is bound to it. False when it stays or somebody else was first. Pinned.
    pub(crate) fn remove_gone(&self, number: usize, found: &Found, world: u32) -> bool {
        let home = &self.shards[number];
        let expired = self.is_expired(home, found.location, found.header);
        let gone = !self.is_leased(home, found.location, found.header) && self.unlink(number, found, world);
        if gone {
            self.departed(if expired { Counter::Expired } else { Counter::Invalidated }, home, found);
        }
        gone
    }

    pub(crate) fn value_of(&self, home: &Shard, found: &Found, world: u32) -> Value {
        Value {
            kind: found.header.kind(),
            length: self.value_length(home, found.location, found.header),
            stamp: Stamp {
                slot: home.slot_index(found.slot),
                location: found.location,
                generation: home.segment_word(found.segment, segment::GENERATION),
                world,
            },
            ends: found.header.has(EXPIRY | IDLE | SOFT),
            tagged: found.header.has(TAGS),
        }
    }

    /// Runs `look` on the live member, pinned; no effect on recency.
    pub(crate) fn with_live<T>(
        &self,
        key: &[u8],
        look: impl Fn(usize, &Found, u32) -> Result<T, Changed>,
    ) -> Option<T> {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        loop {
            self.pin();
            let result = self
                .find_live(number, key, hash, Use::Peek)
                .and_then(|live| live.map(|(found, world)| look(number, &found, world)).transpose());
            self.unpin();
            match result {
                Ok(answer) => return answer,
                Err(Changed) => crate::pause::spin(),
            }
        }
    }

    pub fn has(&self, key: &[u8]) -> bool {
        self.with_live(key, |_, _, _| Ok(())).is_some()
    }

    /// Also removes what reads do not see: nothing stale is left, and no load's value comes after this. True for exactly one
    /// of all callers that race for one entry that they do see.
    pub fn remove(&self, key: &[u8]) -> bool {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        loop {
            self.pin();
            let result = self.find_live(number, key, hash, Use::Take).and_then(|live| match live {
                None => Ok(false),
                Some((found, world)) if self.unlink(number, &found, world) => Ok(true),
                Some(_) => Err(Changed),
            });
            self.unpin();
            match result {
                Ok(removed) => return removed,
                Err(Changed) => crate::pause::spin(),
            }
        }
    }

    /// As [`Self::remove`], counted as a user's delete.
    pub fn delete(&self, key: &[u8]) -> bool {
        let removed = self.remove(key);
        if removed {
            self.count(Counter::Deleted);
        }
        removed
    }

    /// The times of a live entry.
    pub(crate) fn times_of_live(&self, key: &[u8]) -> Times {
        self.with_live(key, |number, found, _| Ok(self.times(&self.shards[number], found.location, found.header)))
            .unwrap_or_default()
    }

    /// Milliseconds for which the entry is still fresh, `None` when absent, `u64::MAX` without an end.
    pub fn expires_in(&self, key: &[u8]) -> Option<u64> {
        self.with_live(key, |number, found, _| {
            let times = self.times(&self.shards[number], found.location, found.header);
            let due = [times.expires_at, times.soft_at].into_iter().flatten().min();
            Ok(due.map_or(u64::MAX, |due| due.saturating_sub(self.exact_now())))
        })
    }

    /// Whether the stamp still names a live record's slot. Three loads; the order matters: slot before generation, since
    /// a location may come again only after the generation has moved on (docs/slab.md 3).
    #[inline]
    pub fn is_current(&self, stamp: Stamp) -> bool {
        let (number, at) = self.shards[0].slot_place(stamp.slot);
        let Some(home) = self.shards.get(number) else { return false };
        if !home.holds(stamp.location) {
            return false;
        }
        let seen = home.region.load64(at, Ordering::Acquire);
        word::location(seen) == stamp.location
            && word::state(seen) == crate::layout::slot::MEMBER
            && (crate::mutant::is("near-without-generation")
                || home.segment_word(home.segment_of(stamp.location), segment::GENERATION) == stamp.generation)
            && self.control.load32(control::WORLD, Ordering::Acquire) == stamp.world
            && self.has_valid_tags_at(home, at, stamp.location)
    }

    /// Unpinned: the record may be replaced while its tags are read, and then the slot says so afterwards.
    #[inline]
    fn has_valid_tags_at(&self, home: &Shard, slot: u32, location: u32) -> bool {
        match home.record(location) {
            Some(header) if header.has(TAGS) => {
                self.are_tags_valid(home, location, header)
                    && word::location(home.region.load64(slot, Ordering::Acquire)) == location
            }
            _ => true,
        }
    }
}

/// The entry changed under the operation, which begins again.
#[derive(Debug)]
pub(crate) struct Changed;
