//! Loading: finding what is fresh, stale or an outcome; taking a key's lease; ending it (docs/slab.md 8).
//!
//! A lease binds the key's member itself: a marker where there is no value, a copy of the value where there is one.
//! Whatever replaces or removes that member refuses the load's value.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::evict::Goal;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::{Linked, slots};
use crate::layout::slot;
use crate::lease::{Lease, LeaseState};
use crate::mutant;
use crate::policy::SMALL;
use crate::read::{Changed, Value};
use crate::record::{EXPIRY, IDLE, SOFT, kind};
use crate::region::Ordering;
use crate::relocate::Change;
use crate::segment::{Claimant, EVICTOR_RESERVE};
use crate::shard::{Shard, state, word};
use crate::times::Standing;
use crate::write::{Condition, Extras, Outcome, Write};

/// A lease runs for at most so long, in ms: about six days.
const MAX_LEASE_MS: u64 = 1 << 29;
/// How long the outcome of a load stays for those who wait, in ms.
const OUTCOME_MS: u64 = 2000;
/// Bytes of an error that is kept.
const MAX_OUTCOME_BYTES: usize = 16 * 1024;
/// A pair of buckets that holds so many markers takes no more: entries need places too, and a marker is no victim.
const CROWD: usize = slot::PER_BUCKET as usize;
/// Bytes that a marker's record has beside its key and an outcome, at most.
const MARKER_BYTES: usize = 64;

#[cfg(not(loom))]
mod bounds {
    /// Attempts to take or leave a lease; each further one follows other threads' successes on the same key or buckets.
    pub const ATTEMPTS: u32 = 64;
    pub const FRUITLESS: u32 = 3;
}
#[cfg(loom)]
mod bounds {
    pub const ATTEMPTS: u32 = 4;
    pub const FRUITLESS: u32 = 2;
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FoundState {
    #[default]
    Absent,
    Fresh,
    /// Past its soft expiry, and not yet past its last one.
    Stale,
    /// Outcomes of loads, kept for those who wait.
    Failed,
    Nothing,
}

/// What a look at all that a key may be bound to found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    pub state: FoundState,
    /// Of a fresh or stale entry, and of an error: its bytes are in the buffer if it was long enough.
    pub value: Option<Value>,
    /// Milliseconds; `None`: no end.
    pub fresh_for: Option<u64>,
    pub ends_in: Option<u64>,
    pub cost: Option<u32>,
    /// The lease that runs for the key, or whose outcome this is.
    pub lease: Option<Lease>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The caller loads, and ends the lease in any case.
    Lease(Lease),
    /// Another load runs.
    Running(Lease),
    /// Nothing is to be loaded.
    Present,
    /// No lease can be given.
    Full,
}

/// What one request for a lease remembers between its attempts.
struct Request<'a> {
    key: &'a [u8],
    hash: KeyHash,
    deadline: u64,
    early: bool,
    lease: Option<Lease>,
}

enum Attempt {
    Done(Acquired),
    Again,
    NeedsSpace,
    NeedsLine,
}

enum Put {
    Done,
    NoSpace,
    Changed,
}

impl<H: Host> Attachment<H> {
    /// As a `get` (without `counted` as a `peek`), and finds what is stale and how a load ended, too.
    pub fn look_up(&self, key: &[u8], counted: bool, into: &mut [u8]) -> Found {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        let found = loop {
            self.pin();
            let result = self.look_up_pinned(number, key, hash, counted, into);
            self.unpin();
            match result {
                Ok(found) => break found,
                Err(Changed) => crate::pause::spin(),
            }
        };
        if counted {
            let fresh = found.value.filter(|_| found.state == FoundState::Fresh);
            self.count_read(fresh);
            self.sample_read(&self.shards[number], hash, key.len(), fresh.map(|value| value.length));
        }
        found
    }

    fn look_up_pinned(
        &self,
        number: usize,
        key: &[u8],
        hash: KeyHash,
        counted: bool,
        into: &mut [u8],
    ) -> Result<Found, Changed> {
        let home = &self.shards[number];
        let world = self.world();
        let Some(member) = self.find(home, key, hash, world) else { return Ok(Found::default()) };
        if member.newer {
            return Err(Changed);
        }
        if !member.current || world & 1 == 1 {
            return Ok(Found::default());
        }
        let (location, header) = (member.location, member.header);
        let lease = header.is_leased().then(|| self.lease_of(home, location, header));
        let live = lease.filter(|&lease| self.is_lease_live(lease));
        let state = match self.record_standing(home, location, header) {
            Standing::Fresh => FoundState::Fresh,
            Standing::Stale => FoundState::Stale,
            Standing::Gone => {
                self.remove_gone(number, &member, world);
                return Ok(Found { lease: live, ..Found::default() });
            }
            Standing::Marker => {
                let mut value = self.value_of(home, &member, world);
                let is_over = self.is_expired(home, location, header);
                if value.length == 0 || is_over {
                    return Ok(Found { lease: live, ..Found::default() });
                }
                let mut bytes = vec![0; value.length];
                self.read_value(home, location, header, &mut bytes);
                let (state, bytes) = (u32::from(bytes[0]), &bytes[1..]);
                if state != LeaseState::Failed.word() {
                    return Ok(Found { state: FoundState::Nothing, lease, ..Found::default() });
                }
                value.length = bytes.len();
                if let Some(into) = into.get_mut(..bytes.len()) {
                    into.copy_from_slice(bytes);
                }
                return Ok(Found { state: FoundState::Failed, value: Some(value), lease, ..Found::default() });
            }
        };
        let value = self.value_of(home, &member, world);
        if let Some(into) = into.get_mut(..value.length) {
            self.read_value(home, location, header, into);
        }
        if counted {
            self.bump(home, member.slot);
        }
        if counted && state == FoundState::Fresh {
            self.note_use(home, location, header);
        }
        let times = self.times(home, location, header);
        let now = if header.has(EXPIRY | SOFT) { self.deadline(0) } else { 0 };
        let left = |due: u64| due.saturating_sub(now);
        Ok(Found {
            state,
            value: Some(value),
            fresh_for: [times.expires_at, times.soft_at].into_iter().flatten().min().map(left),
            ends_in: times.expires_at.map(left),
            cost: self.cost_of(home, location, header),
            lease: live,
        })
    }

    /// Asks for the lease of a key whose value is absent or stale; with `early` also of a fresh one that has an end. At
    /// the end of `timeout_ms` the lease ends by itself, and what it loaded is refused. Unpinned.
    pub fn acquire_lease(&self, key: &[u8], timeout_ms: u64, early: bool) -> Acquired {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        if self.owed.get() != 0 {
            self.pay_upkeep(number);
        }
        let deadline = self.deadline(timeout_ms.min(MAX_LEASE_MS));
        let mut request = Request { key, hash, deadline, early, lease: None };
        let outcome = self.acquire_in_attempts(number, &mut request);
        match (outcome, request.lease) {
            (Acquired::Lease(_), _) | (_, None) => {}
            // Claimed and then not needed.
            (_, Some(lease)) => {
                self.finish_lease(lease, LeaseState::Abandoned);
            }
        }
        if outcome == Acquired::Full {
            self.count(Counter::LeasesRefused);
        }
        outcome
    }

    fn acquire_in_attempts(&self, number: usize, request: &mut Request<'_>) -> Acquired {
        let home = &self.shards[number];
        if request.key.len() + MARKER_BYTES > 1 << home.segment_shift {
            return Acquired::Full;
        }
        let mut fruitless = 0;
        for attempt in 0..bounds::ATTEMPTS {
            self.pin();
            let result = self.acquire_pinned(number, request);
            self.unpin();
            match result {
                Attempt::Done(Acquired::Running(lease)) => {
                    // It may be overdue, or its thread dead: then it is over now, and the key is to be had.
                    if self.lease_state(lease) == LeaseState::Running {
                        return Acquired::Running(lease);
                    }
                }
                Attempt::Done(outcome) => return outcome,
                Attempt::Again => {
                    if attempt > 4 {
                        crate::pause::spin();
                    }
                }
                Attempt::NeedsLine => {
                    if !self.sweep_leases() {
                        return Acquired::Full;
                    }
                }
                Attempt::NeedsSpace => {
                    if self.make_room(number, Goal::Free(EVICTOR_RESERVE + 1)).is_err() {
                        fruitless += 1;
                        if fruitless >= bounds::FRUITLESS {
                            return Acquired::Full;
                        }
                    }
                }
            }
        }
        Acquired::Full
    }

    fn acquire_pinned(&self, number: usize, request: &mut Request<'_>) -> Attempt {
        let home = &self.shards[number];
        let world = self.world();
        if world & 1 == 1 {
            return Attempt::Done(Acquired::Full);
        }
        let found = self.find(home, request.key, request.hash, world);
        let Some(member) = found.filter(|found| found.current || found.newer) else {
            if found.is_none() && self.is_crowded(home, request.hash) {
                return Attempt::Done(Acquired::Full);
            }
            return self.bind_marker(number, request, found, world);
        };
        if member.newer {
            return Attempt::Again;
        }
        let (location, header) = (member.location, member.header);
        let standing = self.record_standing(home, location, header);
        if standing == Standing::Fresh && !(request.early && header.has(EXPIRY | IDLE | SOFT)) {
            return Attempt::Done(Acquired::Present);
        }
        if header.is_leased() && !mutant::is("lease-without-look") {
            let other = self.lease_of(home, location, header);
            if self.is_lease_live(other) {
                return Attempt::Done(Acquired::Running(other));
            }
            // Overdue, or over already.
            self.finish_lease(other, LeaseState::Abandoned);
        }
        match standing {
            Standing::Gone => {
                self.remove_gone(number, &member, world);
                Attempt::Again
            }
            Standing::Marker => self.bind_marker(number, request, found, world),
            Standing::Fresh | Standing::Stale => {
                let Some(lease) = self.line_for(request) else { return Attempt::NeedsLine };
                let queue = state::queue(home.state(member.segment)) & 1;
                let change = Change::Lease(lease);
                match self.relocate(number, &member, request.hash, queue, world, change, Claimant::Caller) {
                    Some(_) => Attempt::Done(Acquired::Lease(lease)),
                    None if home.region.load64(member.slot, Ordering::Acquire) != member.word => Attempt::Again,
                    None => Attempt::NeedsSpace,
                }
            }
        }
    }

    fn line_for(&self, request: &mut Request<'_>) -> Option<Lease> {
        if request.lease.is_none() {
            request.lease = self.claim_lease(request.deadline);
        }
        request.lease
    }

    /// Whether the key's buckets hold as many markers as they may.
    fn is_crowded(&self, home: &Shard, hash: KeyHash) -> bool {
        let markers = home.candidate_buckets(hash).into_iter().flat_map(slots).filter(|&at| {
            let seen = home.region.load64(at, Ordering::Acquire);
            word::state(seen) == slot::MEMBER
                && home.record(word::location(seen)).is_some_and(|header| header.is_marker())
        });
        markers.count() >= CROWD
    }

    fn bind_marker(
        &self,
        number: usize,
        request: &mut Request<'_>,
        found: Option<crate::index::Found>,
        world: u32,
    ) -> Attempt {
        let Some(lease) = self.line_for(request) else { return Attempt::NeedsLine };
        match self.put_marker(number, request.key, request.hash, found, world, lease, request.deadline, &[]) {
            Put::Done => Attempt::Done(Acquired::Lease(lease)),
            Put::NoSpace => Attempt::NeedsSpace,
            Put::Changed => Attempt::Again,
        }
    }

    /// Makes a marker the key's member: in place of `found` if that is no entry, else if there is none. Pinned.
    #[allow(clippy::too_many_arguments)] // what a record is made of
    fn put_marker(
        &self,
        number: usize,
        key: &[u8],
        hash: KeyHash,
        found: Option<crate::index::Found>,
        world: u32,
        lease: Lease,
        due: u64,
        value: &[u8],
    ) -> Put {
        let condition = Condition::Always;
        let write = Write { key, value, kind: kind::MARKER, expires_at: Some(due), idle_ms: None, condition };
        let extras = Extras { lease: Some(lease), ..Extras::default() };
        let Some((location, header)) = self.append(number, SMALL, &write, &extras, world, None) else {
            return Put::NoSpace;
        };
        match self.link(number, key, hash, location, world, found, true, false) {
            Linked::Again => {
                self.mark_dead(&self.shards[number], location, header);
                Put::Changed
            }
            _ => Put::Done,
        }
    }

    /// Stores the value of a load if the key is still bound to its lease.
    pub fn fill(&self, write: &Write<'_>, extras: &Extras<'_>, lease: Lease) -> Outcome {
        self.write_entry(&Write { condition: Condition::Leased(lease), ..*write }, extras)
    }

    /// Ends a lease that this thread holds; without effect when it has ended already. `error`: kept with `Failed`, left out
    /// where it is too long. Unpinned. The outcome comes first, then the end: who is woken finds it.
    pub fn end_lease(&self, key: &[u8], lease: Lease, how: LeaseState, error: &[u8]) {
        if how == LeaseState::Running {
            return;
        }
        if how != LeaseState::Filled && self.lease_state(lease) == LeaseState::Running {
            self.unbind(key, lease, how, error);
        }
        self.finish_lease(lease, how);
    }

    /// The key's member is no longer bound: a marker goes or becomes the outcome, a value goes unless it may still be served.
    fn unbind(&self, key: &[u8], lease: Lease, how: LeaseState, error: &[u8]) {
        let hash = self.hash(key);
        let number = self.shard_of(hash);
        let home = &self.shards[number];
        let room = ((1 << home.segment_shift) - key.len() - MARKER_BYTES).min(MAX_OUTCOME_BYTES);
        let mut outcome = vec![how.word() as u8];
        if error.len() < room {
            outcome.extend_from_slice(error);
        }
        let outcome = (how != LeaseState::Abandoned).then_some(outcome.as_slice());
        let mut value_is_gone = false;
        for _ in 0..bounds::ATTEMPTS {
            self.pin();
            let done = self.unbind_pinned(number, key, hash, lease, how, outcome, &mut value_is_gone);
            self.unpin();
            if done {
                return;
            }
        }
    }

    #[allow(clippy::too_many_arguments)] // one step of `unbind`
    fn unbind_pinned(
        &self,
        number: usize,
        key: &[u8],
        hash: KeyHash,
        lease: Lease,
        how: LeaseState,
        outcome: Option<&[u8]>,
        value_is_gone: &mut bool,
    ) -> bool {
        let home = &self.shards[number];
        let world = self.world();
        let found = self.find(home, key, hash, world);
        let put = |outcome: &[u8]| {
            let due = self.deadline(OUTCOME_MS);
            self.put_marker(number, key, hash, found, world, lease, due, outcome)
        };
        let Some(member) = found else {
            // Its value was taken away just before; whoever came since finds no outcome in his way.
            return match outcome {
                Some(outcome) if *value_is_gone => !matches!(put(outcome), Put::Changed),
                _ => true,
            };
        };
        let (location, header) = (member.location, member.header);
        if !member.current || !header.is_leased() || self.lease_of(home, location, header) != lease {
            return true;
        }
        if header.is_marker() {
            return match outcome {
                None => self.unlink(number, &member, world),
                Some(outcome) => match put(outcome) {
                    Put::Done => true,
                    Put::Changed => false,
                    // Without space for it there is none, and the next caller loads.
                    Put::NoSpace => self.unlink(number, &member, world),
                },
            };
        }
        if how != LeaseState::Nothing && self.record_standing(home, location, header) != Standing::Gone {
            // Stale at worst: the lease in it means nothing any more.
            return true;
        }
        *value_is_gone = self.unlink(number, &member, world);
        *value_is_gone && outcome.is_none()
    }
}
