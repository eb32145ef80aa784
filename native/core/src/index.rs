//! The index: finding a key, linking a record, unlinking one (docs/slab.md 4).
//!
//! Invariants, whatever dies or pauses where: a key has at most one MEMBER slot; a live key never changes its slot (so
//! a scan cannot miss it); a slot word changes only when its binding does.

use crate::accounting::Reservation;
use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::intent::{LINK, UNLINK};
use crate::layout::{UNIT, record, segment, slot};
use crate::mutant;
use crate::record::Header;
use crate::region::{Ordering, fence_after_update};
use crate::shard::{Shard, word};
use crate::times::Standing;

/// A member that a scan met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub slot: u32,
    pub word: u64,
    pub location: u32,
    pub header: Header,
    pub segment: u32,
    /// False when `clear()` has been called since it was written: it only occupies its slot.
    pub current: bool,
    /// `clear()` has been called since the caller looked at the world, and this was written after it.
    pub newer: bool,
    /// It is one of the entries that are counted: current, and no marker.
    pub counts: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Linked {
    Added {
        slot: u32,
    },
    Replaced {
        slot: u32,
    },
    /// Somebody else's change came first, several times; begin again unpinned.
    Again,
}

/// Attempts of one link under one pin.
#[cfg(not(loom))]
const ATTEMPTS: u32 = 16;
#[cfg(loom)]
const ATTEMPTS: u32 = 3;

impl<H: Host> Attachment<H> {
    /// The member with this key, of any world. Pinned callers only.
    #[inline]
    pub(crate) fn find(&self, home: &Shard, key: &[u8], hash: KeyHash, world: u32) -> Option<Found> {
        for bucket in home.candidate_buckets(hash) {
            for at in slots(bucket) {
                let seen = home.region.load64(at, Ordering::Acquire);
                if !word::is_member_with(seen, hash.tag) {
                    continue;
                }
                if let Some(found) = self.matches(home, at, seen, key, world) {
                    return Some(found);
                }
            }
        }
        None
    }

    #[inline(always)]
    fn matches(&self, home: &Shard, at: u32, seen: u64, key: &[u8], world: u32) -> Option<Found> {
        let location = word::location(seen);
        let header = home.record(location)?;
        if !mutant::is("no-key-compare") && !home.key_equals(location, header, key) {
            return None;
        }
        Some(self.describe(home, at, seen, location, header, world))
    }

    #[inline(always)]
    pub(crate) fn describe(
        &self,
        home: &Shard,
        at: u32,
        seen: u64,
        location: u32,
        header: Header,
        world: u32,
    ) -> Found {
        let segment = home.segment_of(location);
        let ahead = home.segment_word(segment, segment::WORLD).wrapping_sub(world) as i32;
        let counts = ahead == 0 && !header.is_marker();
        Found { slot: at, word: seen, location, header, segment, current: ahead == 0, newer: ahead > 0, counts }
    }

    /// The slot whose word is exactly this member's, if it is linked.
    pub(crate) fn slot_of(&self, home: &Shard, hash: KeyHash, location: u32) -> Option<(u32, u64)> {
        home.candidate_buckets(hash).into_iter().flat_map(slots).find_map(|at| {
            let seen = home.region.load64(at, Ordering::Acquire);
            let linked = word::location(seen) == location && word::state(seen) != slot::EMPTY;
            linked.then_some((at, seen))
        })
    }

    /// Makes the written record at `location` the key's member. The caller is pinned since before it reserved the space
    /// and, with `maxEntries`, holds a reservation if it adds an entry: if it `counts`, as all but markers do, and `found`
    /// does not. `only_so`: the write is bound to what `found` says (an add, a compare-and-set), so the first lost race
    /// ends it.
    #[allow(clippy::too_many_arguments)] // one step of a write; a struct would only rename the locals of its callers
    #[inline(always)]
    pub(crate) fn link(
        &self,
        number: usize,
        key: &[u8],
        hash: KeyHash,
        location: u32,
        world: u32,
        mut found: Option<Found>,
        only_so: bool,
        counts: bool,
    ) -> Linked {
        let home = &self.shards[number];
        let member = word::member(hash.tag, location);
        for attempt in 0..if only_so { 1 } else { ATTEMPTS } {
            if attempt > 0 {
                found = self.find(home, key, hash, world);
            }
            match found {
                // It stays: this write belongs before the clear.
                Some(old) if old.newer => break,
                // A marker takes no entry's place: that is unlinked first.
                Some(old) if old.counts && !counts => break,
                // What this write was to replace is gone, and what is there does not count: it adds now, as below.
                Some(old) if counts && !old.counts && self.max_entries != 0 && !self.holds_reservation(world) => {
                    break;
                }
                Some(old) => {
                    let adds = counts && !old.counts && (!mutant::is("marker-counts") || !old.current);
                    let net = self.net(world).wrapping_add(u32::from(adds));
                    self.mark_observed(home, old.location);
                    self.announce(LINK, number as u32, old.slot, member, net, world);
                    if home.rebind(old.slot, old.word, member) {
                        self.after_replace(home, &old, location, net, adds);
                        return if adds {
                            Linked::Added { slot: old.slot }
                        } else {
                            Linked::Replaced { slot: old.slot }
                        };
                    }
                }
                None => {
                    if counts && self.max_entries != 0 && !self.holds_reservation(world) {
                        // The member that this write was to replace is gone: it adds now, and has no place yet.
                        self.nothing_announced();
                        return Linked::Again;
                    }
                    if let Some(slot) = self.claim(number, key, hash, member, location, world, counts) {
                        return Linked::Added { slot };
                    }
                }
            }
            self.count(Counter::LinkRetries);
        }
        self.nothing_announced();
        Linked::Again
    }

    fn holds_reservation(&self, world: u32) -> bool {
        use crate::layout::line;
        self.control.load32(self.line + line::NET_WORLD, Ordering::Relaxed) == world
            && self.control.load32(self.line + line::INFLIGHT, Ordering::Relaxed) != 0
    }

    fn after_replace(&self, home: &Shard, old: &Found, location: u32, net: u32, adds: bool) {
        if adds {
            self.booked_link(net);
        }
        self.nothing_announced();
        if old.counts {
            self.add_entries(home, old.segment, -1);
            self.bump(home, old.slot);
        } else {
            self.set_marks(home, old.slot, 0);
        }
        if old.counts || adds {
            self.add_entries(home, home.segment_of(location), 1);
        }
        self.bury(home, old.location, old.header);
    }

    /// Claim–scan–commit. Returns the slot once the key is a member there.
    #[allow(clippy::too_many_arguments)] // as `link`
    fn claim(
        &self,
        number: usize,
        key: &[u8],
        hash: KeyHash,
        member: u64,
        location: u32,
        world: u32,
        counts: bool,
    ) -> Option<u32> {
        let home = &self.shards[number];
        let Some(mine) = self.empty_slot(home, hash) else {
            self.displace(number, hash, world);
            return None;
        };
        let net = self.net(world).wrapping_add(u32::from(counts));
        self.announce(LINK, number as u32, mine, member, net, world);
        let busy = word::busy(self.me, hash.tag, location);
        home.region.cas64(mine, 0, busy).ok()?;
        // Claims and scans of two inserters must not pass each other: one of them has to see the other.
        if !mutant::is("no-claim-fence") {
            fence_after_update();
        }
        if !mutant::is("no-second-scan") && !self.is_alone(home, key, hash, mine) {
            let _ = home.region.cas64(mine, busy, 0);
            return None;
        }
        self.set_marks(home, mine, 0);
        self.commit(home, mine, busy, member)?;
        if counts {
            self.booked_link(net);
        }
        self.nothing_announced();
        if counts {
            self.add_entries(home, home.segment_of(location), 1);
        }
        Some(mine)
    }

    fn commit(&self, home: &Shard, mine: u32, busy: u64, member: u64) -> Option<()> {
        if mutant::is("blind-commit") {
            home.region.store64(mine, member, Ordering::Release);
            return Some(());
        }
        home.region.cas64(mine, busy, member).ok().map(|_| ())
    }

    /// Looks at the other thirteen slots: kicks inserters of the same key; false when a member of the key stands there.
    fn is_alone(&self, home: &Shard, key: &[u8], hash: KeyHash, mine: u32) -> bool {
        for at in home.candidate_buckets(hash).into_iter().flat_map(slots).filter(|&at| at != mine) {
            loop {
                let seen = home.region.load64(at, Ordering::Acquire);
                let state = word::state(seen);
                if (state != slot::BUSY && state != slot::MEMBER) || word::tag(seen) != hash.tag {
                    break;
                }
                let location = word::location(seen);
                let same = home.record(location).is_some_and(|header| home.key_equals(location, header, key));
                if !same {
                    break;
                }
                if state == slot::MEMBER {
                    return false;
                }
                if home.region.cas64(at, seen, 0).is_ok() {
                    break;
                }
            }
        }
        true
    }

    /// An EMPTY slot in the candidate bucket that has more of them.
    fn empty_slot(&self, home: &Shard, hash: KeyHash) -> Option<u32> {
        let mut best = None;
        let mut most = 0;
        for bucket in home.candidate_buckets(hash) {
            let mut empty = 0;
            let mut first = None;
            for at in slots(bucket) {
                if home.region.load64(at, Ordering::Relaxed) == 0 {
                    empty += 1;
                    first = first.or(Some(at));
                }
            }
            if empty > most {
                most = empty;
                best = first;
            }
        }
        best
    }

    /// Both buckets are full: unlinks the member that is worth least. No waiting, so it may happen under the pin.
    fn displace(&self, number: usize, hash: KeyHash, world: u32) -> bool {
        let home = &self.shards[number];
        let mut weakest: Option<(u32, Found)> = None;
        for at in home.candidate_buckets(hash).into_iter().flat_map(slots) {
            let seen = home.region.load64(at, Ordering::Acquire);
            if word::state(seen) != slot::MEMBER {
                continue;
            }
            let location = word::location(seen);
            let Some(header) = home.record(location) else { continue };
            let member = self.describe(home, at, seen, location, header, world);
            if member.newer || (member.current && self.is_leased(home, location, header)) {
                continue;
            }
            let worth = match self.record_standing(home, location, header) {
                Standing::Fresh | Standing::Stale if member.current => 1 + self.frequency(home, at),
                _ => 0,
            };
            if weakest.is_none_or(|(least, _)| worth < least) {
                weakest = Some((worth, member));
            }
        }
        if let Some((worth, victim)) = weakest
            && self.unlink(number, &victim, world)
        {
            self.departed(if worth == 0 { Counter::Expired } else { Counter::EvictedIndex }, home, &victim);
            return true;
        }
        false
    }

    /// For a key that comes to a full cache: where no slot is left for it, the entry that goes is one of those in its way.
    /// Evicting another one would leave the cache one below its bound.
    pub(crate) fn displace_if_full(&self, number: usize, hash: KeyHash, world: u32) -> bool {
        self.empty_slot(&self.shards[number], hash).is_none() && self.displace(number, hash, world)
    }

    /// Takes a member out of the index. True for exactly one of all that try.
    pub(crate) fn unlink(&self, number: usize, victim: &Found, world: u32) -> bool {
        let home = &self.shards[number];
        self.mark_observed(home, victim.location);
        let removing = if mutant::is("unlink-without-removing") { 0 } else { word::removing(self.me, victim.word) };
        let net = self.net(world).wrapping_sub(u32::from(victim.counts));
        self.announce(UNLINK, number as u32, victim.slot, removing, net, world);
        if !home.rebind(victim.slot, victim.word, removing) {
            self.nothing_announced();
            return false;
        }
        if victim.counts {
            self.booked_unlink(net, world);
        }
        home.region.store64(victim.slot, 0, Ordering::Release);
        self.nothing_announced();
        if victim.counts {
            self.add_entries(home, victim.segment, -1);
        }
        self.bury(home, victim.location, victim.header);
        true
    }

    /// Whoever is about to take a member's word away notes in the record that it had been linked, so that its writer's
    /// death can be settled exactly (docs/slab.md 4). A plain store: only these two bits of the word ever change, both
    /// from 0 to 1, and a DEAD lost to a late OBSERVED is but a hint lost.
    pub(crate) fn mark_observed(&self, home: &Shard, location: u32) {
        let at = location * UNIT + 4;
        let seen = home.region.load32(at, Ordering::Acquire);
        if !mutant::is("no-observed-mark") && seen & record::OBSERVED == 0 {
            home.region.release32(at, seen | record::OBSERVED);
        }
    }

    /// After a record lost its slot: its chain goes, its units are dead, and the hand need not look it up.
    pub(crate) fn bury(&self, home: &Shard, location: u32, header: Header) {
        if header.has(record::CHAIN) {
            self.retire_chain(home, location, header);
        }
        self.mark_dead(home, location, header);
    }

    /// The record's units are dead and no slot will ever lead to it again. Pinned since before it lost its slot, or the
    /// space was never anybody else's.
    pub(crate) fn mark_dead(&self, home: &Shard, location: u32, header: Header) {
        let observed = if mutant::is("no-observed-mark") { 0 } else { record::OBSERVED };
        home.region.release32(location * UNIT + 4, header.w1 | observed | record::DEAD);
        self.add_live(home, home.segment_of(location), header.units().wrapping_neg());
    }

    #[inline(always)]
    pub(crate) fn frequency(&self, home: &Shard, at: u32) -> u32 {
        self.marks(home, at) & 3
    }

    /// Its frequency, and its rounds without a use in the two bits above.
    #[inline(always)]
    pub(crate) fn marks(&self, home: &Shard, at: u32) -> u32 {
        let (marks, shift) = marks_of(at);
        (home.region.load32(marks, Ordering::Relaxed) >> shift) & 15
    }

    /// Notes a use. One compare-and-swap at most, none once the count is full; losing the race is losing one count.
    #[inline(always)]
    pub(crate) fn bump(&self, home: &Shard, at: u32) {
        let (marks, shift) = marks_of(at);
        let seen = home.region.load32(marks, Ordering::Relaxed);
        if (seen >> shift) & 3 != 3 {
            let _ = home.region.cas32(marks, seen, seen + (1 << shift));
        }
    }

    pub(crate) fn set_marks(&self, home: &Shard, at: u32, wanted: u32) {
        let (marks, shift) = marks_of(at);
        let mut seen = home.region.load32(marks, Ordering::Relaxed);
        loop {
            let next = (seen & !(0xF << shift)) | (wanted << shift);
            if next == seen {
                return;
            }
            match home.region.cas32(marks, seen, next) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }

    /// A reservation for a write that adds, or why there is none.
    pub(crate) fn reserve_if_bounded(&self, world: u32) -> Reservation {
        if self.max_entries == 0 || self.holds_reservation(world) { Reservation::Taken } else { self.reserve(world) }
    }

    /// Gives back a reservation that the write did not need.
    pub(crate) fn unreserve_if_held(&self, world: u32) {
        if self.max_entries != 0 && self.holds_reservation(world) {
            self.unreserve(world);
        }
    }
}

/// Byte offsets of a bucket's slots.
#[inline(always)]
pub(crate) fn slots(bucket: u32) -> impl Iterator<Item = u32> {
    (0..slot::PER_BUCKET).map(move |index| bucket + slot::FIRST + 8 * index)
}

/// Where a slot's nibble lies: the byte offset of its bucket's marks, and the shift.
#[inline(always)]
fn marks_of(at: u32) -> (u32, u32) {
    let bucket = at & !(slot::BUCKET_BYTES - 1);
    (bucket, 4 * ((at - bucket - slot::FIRST) / 8))
}
