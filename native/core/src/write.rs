//! Storing: set, add, compare-and-set (docs/slab.md 4, 5).
//!
//! A write runs in short pinned attempts. What needs time (evicting, waiting for another evictor) happens between them,
//! unpinned and bounded; then the write is refused, counted by reason, and leaves no old value behind.

use crate::accounting::Reservation;
use crate::attachment::Attachment;
use crate::chain::{Chain, MAX_VALUE_BYTES, segments_for};
use crate::counters::Counter;
use crate::evict::Goal;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::{Found, Linked};
use crate::layout::{UNIT, line, record, segment, shard};
use crate::lease::Lease;
use crate::mutant;
use crate::policy::{MAIN, SMALL};
use crate::read::Stamp;
use crate::record::{CHAIN, COST, EXPIRY, Header, IDLE, SOFT, TAGS, cost_offset, tags_offset, w0};
use crate::region::Ordering;
use crate::segment::{Claimant, EVICTOR_RESERVE};
use crate::shard::{Shard, state};
use crate::times::{Standing, Times};

/// When a write may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Always,
    /// No live entry has the key.
    Absent,
    /// The live entry is still the record that this stamp was taken of. Its tags go over to the new one.
    Unchanged(Stamp),
    /// A live entry has the key.
    Present,
    /// The key is still bound to this lease, which runs, and nothing that the value comes from was invalidated since.
    Leased(Lease),
}

#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// WTF-8, 1 to 65,535 bytes.
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub kind: u32,
    /// Milliseconds since the cache's origin.
    pub expires_at: Option<u64>,
    pub idle_ms: Option<u32>,
    pub condition: Condition,
}

/// What few entries have beside.
#[derive(Clone, Copy, Debug, Default)]
pub struct Extras<'a> {
    /// End of being fresh (ms since origin); not after `expires_at`.
    pub soft_at: Option<u64>,
    /// Milliseconds that the load took.
    pub cost: Option<u32>,
    /// [`Attachment::tag_stamp`] of before the load or the write began.
    pub stamp: u32,
    /// Of [`Attachment::tag_counter`].
    pub tags: &'a [u32],
    /// The lease that the record carries; its holder alone writes such a one.
    pub lease: Option<Lease>,
}

impl Extras<'_> {
    const NONE: Extras<'static> = Extras { soft_at: None, cost: None, stamp: 0, tags: &[], lease: None };

    fn flags(&self) -> u32 {
        (if self.soft_at.is_some() { SOFT } else { 0 })
            | (if self.cost.is_some() { COST } else { 0 })
            | (if self.tags.is_empty() { 0 } else { TAGS })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Stored,
    /// The condition did not hold; nothing changed.
    Refused,
    /// From here on: nothing is kept under the key.
    TooLarge,
    NoRoom,
    /// A thread stands still inside an operation, so memory cannot be reused.
    Paused,
    Closed,
}

enum Attempt {
    Done(Outcome),
    NeedsSpace,
    NeedsEntry,
    Again,
}

/// What one write remembers between its attempts.
#[derive(Default)]
struct Progress {
    /// Whether the key's ghost was there; asked once, because asking uses it up.
    returned: Option<bool>,
    chain: Option<Chain>,
    /// Stamp and counters of the tags that go over from the entry that a compare-and-set replaces.
    inherited: Option<(u32, Vec<u32>)>,
}

#[cfg(not(loom))]
mod bounds {
    /// Pinned attempts of one write; each further one follows other threads' successes on the same key or buckets.
    pub const ATTEMPTS: u32 = 256;
    /// Attempts to take a large value's segments all together, where other threads take theirs at the same time.
    pub const CHAINS: u32 = 16;
}
#[cfg(loom)]
mod bounds {
    pub const ATTEMPTS: u32 = 4;
    pub const CHAINS: u32 = 2;
}

impl<H: Host> Attachment<H> {
    /// Visible to every thread when it returns `Stored`. Unpinned callers only; may run bounded eviction turns.
    pub fn write(&self, write: &Write<'_>) -> Outcome {
        self.write_with(write, &Extras::NONE)
    }

    /// As [`Self::write`], with all that an entry can have.
    pub fn write_entry(&self, write: &Write<'_>, extras: &Extras<'_>) -> Outcome {
        self.write_with(write, extras)
    }

    /// Compiled twice, since an entry without extras is not to pay for looking at them.
    #[inline(always)]
    fn write_with(&self, write: &Write<'_>, extras: &Extras<'_>) -> Outcome {
        let hash = self.hash(write.key);
        let number = self.shard_of(hash);
        self.shards[number].fetch_buckets(hash);
        if self.owed.get() != 0 {
            self.pay_upkeep(number);
        }
        self.learn_if_due(number);
        let mut progress = Progress::default();
        let outcome = self.write_in_attempts(number, hash, write, extras, &mut progress);
        if outcome != Outcome::Stored
            && let Some(chain) = progress.chain.take()
        {
            self.abandon_chain(number, &chain);
        }
        if outcome != Outcome::Stored {
            // An attempt that found no space kept its place for the next one, which does not come.
            self.unreserve_if_held(self.control.load32(self.line + line::NET_WORLD, Ordering::Relaxed));
            if let Some((stamp, tags)) = progress.inherited.take() {
                return self.write_inheriting(write, extras, stamp, &tags);
            }
        }
        match outcome {
            Outcome::Stored => {
                self.count(Counter::Stored);
                self.count_by(Counter::BytesWritten, write.value.len() as u64);
                if progress.returned.is_some() {
                    self.sample_stored(&self.shards[number], hash, write.key.len(), write.value.len());
                }
            }
            Outcome::Refused if matches!(write.condition, Condition::Leased(_)) => self.count(Counter::FillsRefused),
            Outcome::Refused => self.count(Counter::Refused),
            Outcome::TooLarge | Outcome::NoRoom | Outcome::Paused => {
                // A failed set must not leave the old value; a failed add or compare-and-set never touched it.
                if write.condition == Condition::Always {
                    self.remove(write.key);
                }
                self.count(match outcome {
                    Outcome::TooLarge => Counter::RejectedTooLarge,
                    Outcome::NoRoom => Counter::RejectedNoRoom,
                    _ => Counter::RejectedPaused,
                });
            }
            Outcome::Closed => {}
        }
        outcome
    }

    /// A record's tags never change, and a condition that holds once more is about the same record.
    #[cold]
    fn write_inheriting(&self, write: &Write<'_>, extras: &Extras<'_>, stamp: u32, tags: &[u32]) -> Outcome {
        self.write_entry(write, &Extras { stamp, tags, ..*extras })
    }

    #[inline(always)]
    fn write_in_attempts(
        &self,
        number: usize,
        hash: KeyHash,
        write: &Write<'_>,
        extras: &Extras<'_>,
        progress: &mut Progress,
    ) -> Outcome {
        let home = &self.shards[number];
        let options =
            Header::new(flags_of(write) | extras.flags(), lease_flag(extras), extras.tags.len() as u32).options;
        let room = largest_inline(home, write.key.len(), options);
        if write.key.len() as u64 + u64::from(options) + 64 > u64::from(home.segment_units() * UNIT)
            || write.value.len() > Self::largest_value(home)
        {
            return Outcome::TooLarge;
        }
        let segments = segments_for(write.value.len(), room, 1 << home.segment_shift);
        let mut fruitless = 0;
        for attempt in 0..bounds::ATTEMPTS {
            if let (Some(count), None) = (segments, &progress.chain) {
                match self.chain_with_room(number, write.value, count) {
                    Ok(chain) => progress.chain = Some(chain),
                    Err(refusal) => return refusal,
                }
            }
            self.pin();
            let result = self.attempt(number, hash, write, extras, progress);
            self.unpin();
            let goal = match result {
                Attempt::Done(outcome) => return outcome,
                Attempt::Again => {
                    if attempt > 4 {
                        crate::pause::spin();
                    }
                    continue;
                }
                Attempt::NeedsSpace => Goal::Free(EVICTOR_RESERVE + 1),
                Attempt::NeedsEntry => Goal::Entry,
            };
            match self.make_room(number, goal) {
                Ok(()) => {}
                Err(refusal) => {
                    fruitless += 1;
                    if fruitless >= 3 {
                        return refusal;
                    }
                }
            }
        }
        Outcome::NoRoom
    }

    /// The largest value that this shard takes: chains may hold half of its segments.
    pub(crate) fn largest_value(home: &Shard) -> usize {
        ((home.segments as usize / 2) << home.segment_shift).min(MAX_VALUE_BYTES)
    }

    fn chain_with_room(&self, number: usize, value: &[u8], count: usize) -> Result<Chain, Outcome> {
        if self.shards[number].region.load32(shard::DRAINED, Ordering::Relaxed) != 0 {
            // The chains that earlier values left: memory that this process has already, unlike a fresh segment's.
            self.evict(number, Goal::Share(0));
        }
        for _ in 0..bounds::CHAINS {
            if let Some(chain) = self.build_chain(number, value, count) {
                return Ok(chain);
            }
            self.make_room(number, Goal::Free(count as u32 + EVICTOR_RESERVE + 1))?;
        }
        Err(Outcome::NoRoom)
    }

    #[inline(always)]
    fn attempt(
        &self,
        number: usize,
        hash: KeyHash,
        write: &Write<'_>,
        extras: &Extras<'_>,
        progress: &mut Progress,
    ) -> Attempt {
        let home = &self.shards[number];
        let world = self.world();
        if world & 1 == 1 {
            return Attempt::Done(Outcome::Closed);
        }
        let found = self.find(home, write.key, hash, world);
        if found.is_some_and(|found| found.newer) {
            return Attempt::Again;
        }
        let current = found.filter(|found| found.current);
        if !self.holds(home, write.condition, current, extras) {
            self.unreserve_if_held(world);
            return Attempt::Done(Outcome::Refused);
        }
        if let (Condition::Unchanged(_), Some(old), true) = (write.condition, current, extras.tags.is_empty())
            && old.header.has(TAGS)
        {
            progress.inherited = self.tags_of(home, old.location, old.header);
            return Attempt::Done(Outcome::Refused);
        }
        let replaced = current.filter(|found| found.counts);
        if replaced.is_none() {
            match self.reserve_if_bounded(world) {
                Reservation::Taken => {}
                Reservation::Full if found.is_none() && self.displace_if_full(number, hash, world) => {
                    return Attempt::Again;
                }
                Reservation::Full => return Attempt::NeedsEntry,
                Reservation::Stale => return Attempt::Again,
            }
        }
        let queue = self.queue_for(home, hash, replaced, progress);
        let only_so = write.condition != Condition::Always;
        match self.append(number, queue, write, extras, world, progress.chain.as_ref()) {
            None => Attempt::NeedsSpace,
            Some((location, header)) => {
                match self.link(number, write.key, hash, location, world, found, only_so, true) {
                    Linked::Added { .. } => Attempt::Done(Outcome::Stored),
                    Linked::Replaced { .. } => {
                        self.unreserve_if_held(world);
                        self.count(Counter::Replaced);
                        Attempt::Done(Outcome::Stored)
                    }
                    Linked::Again => {
                        // The next attempt writes anew: this space is only this pin's. The chain goes back to its
                        // owner first: a DEAD head is never looked at again, and its owner may die unpinned.
                        if let Some(chain) = &progress.chain {
                            self.withdraw_chain(home, chain);
                        }
                        self.mark_dead(home, location, header);
                        Attempt::Again
                    }
                }
            }
        }
    }

    fn holds(&self, home: &Shard, condition: Condition, current: Option<Found>, extras: &Extras<'_>) -> bool {
        let live =
            || current.filter(|found| self.record_standing(home, found.location, found.header) == Standing::Fresh);
        match condition {
            Condition::Present => live().is_some(),
            Condition::Leased(lease) => current.is_some_and(|found| {
                (mutant::is("fill-without-lease") || self.is_bound(home, &found, lease))
                    && self.are_tags_valid(home, found.location, found.header)
                    && (mutant::is("tag-of-old-stamp")
                        || extras.tags.iter().all(|&counter| self.is_tag_valid(counter, extras.stamp)))
            }),
            Condition::Always => true,
            Condition::Absent => live().is_none(),
            Condition::Unchanged(stamp) => live().is_some_and(|found| {
                home.slot_index(found.slot) == stamp.slot
                    && found.location == stamp.location
                    && home.segment_word(found.segment, segment::GENERATION) == stamp.generation
            }),
        }
    }

    fn is_bound(&self, home: &Shard, found: &Found, lease: Lease) -> bool {
        found.header.is_leased()
            && self.lease_of(home, found.location, found.header) == lease
            && self.is_lease_live(lease)
    }

    /// An overwritten entry stays in its queue; a new key goes where the policy says.
    fn queue_for(&self, home: &Shard, hash: KeyHash, replaced: Option<Found>, progress: &mut Progress) -> u32 {
        if let Some(found) = replaced {
            return state::queue(home.state(found.segment)) & 1;
        }
        let returned = *progress.returned.get_or_insert_with(|| {
            home.sketch().add(hash.h, 1);
            let returned = self.ghost_take(home, hash);
            if returned {
                self.count(Counter::GhostHits);
            }
            returned
        });
        let mode = home.mode();
        let queue = mode.queue_of_new(returned, self.is_small_full(home, mode));
        debug_assert!(queue == SMALL || queue == MAIN);
        queue
    }

    /// Writes the record into fresh space. Nobody can reach it until it is linked.
    #[inline(always)]
    pub(crate) fn append(
        &self,
        number: usize,
        queue: u32,
        write: &Write<'_>,
        extras: &Extras<'_>,
        world: u32,
        chain: Option<&Chain>,
    ) -> Option<(u32, Header)> {
        let home = &self.shards[number];
        let in_head;
        let value = match chain {
            None => write.value,
            Some(chain) => {
                let in_segments = (chain.links.len() << home.segment_shift).min(write.value.len());
                in_head = chain.head_value(&write.value[in_segments..]);
                &in_head
            }
        };
        let flags = flags_of(write) | extras.flags();
        let w0 = w0(value.len() as u32, write.kind, flags | if chain.is_some() { CHAIN } else { 0 });
        let header = Header::new(w0, write.key.len() as u32 | lease_flag(extras), extras.tags.len() as u32);
        let timed = flags & (EXPIRY | IDLE | SOFT) != 0;
        let at = self.allocate(number, queue, header.units(), timed, world, Claimant::Caller)?;
        let offset = at * UNIT;
        let times = Times { expires_at: write.expires_at, idle_ms: write.idle_ms, soft_at: extras.soft_at };
        self.write_times(home, at, w0, &times, None);
        if header.options != 0 {
            self.write_extras(home, at, header, extras);
        }
        home.region.write(offset + header.key_offset(), write.key);
        home.region.write(offset + header.value_offset(), value);
        home.region.store32(offset, w0, Ordering::Release);
        home.region.store32(offset + 4, header.w1, Ordering::Release);
        if let Some(chain) = chain {
            self.publish_chain(home, chain);
        }
        Some((at, header))
    }

    fn write_extras(&self, home: &Shard, at: u32, header: Header, extras: &Extras<'_>) {
        let put = |offset: u32, value: u32| home.region.store32(at * UNIT + offset, value, Ordering::Release);
        if let Some(cost) = extras.cost {
            put(cost_offset(header.w0), cost);
        }
        if !extras.tags.is_empty() {
            let tags = tags_offset(header.w0);
            put(tags, extras.tags.len() as u32);
            put(tags + 4, extras.stamp);
            for (index, &counter) in extras.tags.iter().enumerate() {
                put(tags + 8 + 4 * index as u32, counter);
            }
        }
        if let Some(lease) = extras.lease {
            self.write_lease(home, at, header, lease);
        }
    }
}

fn flags_of(write: &Write<'_>) -> u32 {
    (if write.expires_at.is_some() { EXPIRY } else { 0 }) | (if write.idle_ms.is_some() { IDLE } else { 0 })
}

fn lease_flag(extras: &Extras<'_>) -> u32 {
    if extras.lease.is_some() { record::LEASE } else { 0 }
}

/// Value bytes that fit into one record of a segment.
fn largest_inline(home: &Shard, key_length: usize, options: u32) -> usize {
    let fixed = record::HEADER_BYTES + options + UNIT;
    let segment = home.segment_units() * UNIT;
    let by_segment = (segment as usize).saturating_sub(fixed as usize + key_length);
    by_segment.min(record::VALUE_LENGTH_MASK as usize)
}
