//! The lease table: who loads what, and since when too long (docs/slab.md 8). A line's binding {sequence, state, owner} is
//! one 64-bit word, so that exactly one thread begins, ends or takes away each lease.

use crate::attachment::Attachment;
use crate::host::Host;
use crate::layout::{LEASES, THREADS, UNIT, control, lease, record};
use crate::mutant;
use crate::record::Header;
use crate::region::Ordering;
use crate::shard::Shard;

/// Names one lease for good: lines are used again, with another sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub line: u32,
    /// 29 bits, not 0.
    pub sequence: u32,
}

/// How a lease stands, or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseState {
    Running,
    Filled,
    Failed,
    /// Also when nothing is known of it any more.
    Abandoned,
    /// The load came to no value.
    Nothing,
}

const STATE_MASK: u32 = (1 << lease::STATE_BITS) - 1;
const SEQUENCE_MASK: u32 = u32::MAX >> lease::STATE_BITS;
/// Lines of leases that this thread ended for others, kept until its JavaScript wakes who waits for them. Beyond, waiters
/// find out by themselves.
const MOST_WOKEN: usize = LEASES as usize;

impl Lease {
    pub fn from_token(token: u64) -> Self {
        let (line, sequence) = (token % u64::from(LEASES), token / u64::from(LEASES));
        Lease { line: line as u32, sequence: sequence as u32 & SEQUENCE_MASK }
    }

    pub fn token(self) -> u64 {
        u64::from(self.sequence) * u64::from(LEASES) + u64::from(self.line)
    }

    fn word(self, state: u32) -> u32 {
        (self.sequence << lease::STATE_BITS) | state
    }

    fn running(self, owner: u32) -> u64 {
        binding(self.word(lease::LOADING), owner)
    }
}

impl LeaseState {
    fn from_word(state: u32) -> Self {
        match state {
            lease::FILLED => LeaseState::Filled,
            lease::FAILED => LeaseState::Failed,
            lease::NOTHING => LeaseState::Nothing,
            _ => LeaseState::Abandoned,
        }
    }

    pub(crate) fn word(self) -> u32 {
        match self {
            LeaseState::Running => lease::LOADING,
            LeaseState::Filled => lease::FILLED,
            LeaseState::Failed => lease::FAILED,
            LeaseState::Abandoned => lease::ABANDONED,
            LeaseState::Nothing => lease::NOTHING,
        }
    }
}

fn binding(word: u32, owner: u32) -> u64 {
    u64::from(word) | (u64::from(owner) << 32)
}

fn line_at(line: u32) -> u32 {
    control::LEASES + line * lease::BYTES
}

impl<H: Host> Attachment<H> {
    /// A lease that runs until `deadline` (ms since origin) unless it is ended before; `None` when all lines are in use.
    pub(crate) fn claim_lease(&self, deadline: u64) -> Option<Lease> {
        let first = self.next_lease.get();
        (0..LEASES).map(|step| (first + step) % LEASES).find_map(|line| {
            let at = line_at(line);
            let seen = self.control.load64(at, Ordering::Acquire);
            if seen >> 32 != 0 {
                return None;
            }
            // Never 0, so that no token is.
            let next = ((seen as u32 >> lease::STATE_BITS) + 1) & SEQUENCE_MASK;
            let claimed = Lease { line, sequence: next.max(1) };
            self.control.cas64(at, seen, binding(claimed.word(lease::CLAIMED), self.me + 1)).ok()?;
            self.control.store64(at + lease::DEADLINE, deadline, Ordering::Release);
            self.control.store64(at, claimed.running(self.me + 1), Ordering::Release);
            // Others pass by here later: an outcome can be asked for as long as its line is not taken again.
            self.next_lease.set((line + 1) % LEASES);
            Some(claimed)
        })
    }

    /// Whether the lease still runs, as far as can be seen without asking whether its thread lives.
    pub(crate) fn is_lease_live(&self, lease: Lease) -> bool {
        let at = line_at(lease.line);
        self.control.load64(at, Ordering::Acquire) as u32 == lease.word(lease::LOADING)
            && !self.is_due(self.control.load64(at + lease::DEADLINE, Ordering::Acquire))
    }

    /// The lease in a record that has one. Pinned.
    pub(crate) fn lease_of(&self, home: &Shard, location: u32, header: Header) -> Lease {
        let at = location * UNIT + header.key_offset() - 8;
        let word = |offset| home.region.load32(at + offset, Ordering::Relaxed);
        Lease { line: word(0) & (LEASES - 1), sequence: word(4) }
    }

    pub(crate) fn write_lease(&self, home: &Shard, location: u32, header: Header, lease: Lease) {
        let at = location * UNIT + header.key_offset() - 8;
        home.region.store32(at, lease.line, Ordering::Release);
        home.region.store32(at + 4, lease.sequence, Ordering::Release);
    }

    /// Whether a load that runs holds this record: it must stay, or its value could not be stored. Pinned.
    #[inline]
    pub(crate) fn is_leased(&self, home: &Shard, location: u32, header: Header) -> bool {
        header.is_leased() && self.is_lease_live(self.lease_of(home, location, header))
    }

    /// Ends a running lease. True for exactly one of all that try.
    pub(crate) fn finish_lease(&self, lease: Lease, state: LeaseState) -> bool {
        let at = line_at(lease.line);
        let owner = (self.control.load64(at, Ordering::Acquire) >> 32) as u32;
        let ended = self.control.cas64(at, lease.running(owner), binding(lease.word(state.word()), 0)).is_ok();
        if ended {
            self.note_woken(lease.line);
        }
        ended
    }

    fn note_woken(&self, line: u32) {
        let mut woken = self.woken.borrow_mut();
        if woken.len() < MOST_WOKEN {
            woken.push(line);
        }
    }

    /// How many lines `next_woken` has to tell.
    pub fn woken(&self) -> usize {
        self.woken.borrow().len()
    }

    /// A line whose lease this thread ended and whose waiters nobody has woken yet.
    pub fn next_woken(&self) -> Option<u32> {
        self.woken.borrow_mut().pop()
    }

    /// Running, or how it ended; ends what is overdue and reaps a dead owner. Unpinned.
    pub fn lease_state(&self, lease: Lease) -> LeaseState {
        let at = line_at(lease.line);
        let seen = self.control.load64(at, Ordering::Acquire);
        let owner = (seen >> 32) as u32;
        if seen == lease.running(owner) {
            if !self.is_lease_live(lease) {
                self.finish_lease(lease, LeaseState::Abandoned);
            } else if (1..=THREADS).contains(&owner) && owner != self.me + 1 {
                self.reap_if_dead(owner - 1, Some(self.me));
            }
        }
        let word = self.control.load64(at, Ordering::Acquire) as u32;
        if word >> lease::STATE_BITS != lease.sequence {
            LeaseState::Abandoned
        } else if word & STATE_MASK == lease::LOADING {
            LeaseState::Running
        } else {
            LeaseState::from_word(word & STATE_MASK)
        }
    }

    /// Ends all leases of a thread that is dead, or detaches. Safe to repeat.
    pub(crate) fn abandon_leases_of(&self, thread: u32) {
        if mutant::is("leases-of-the-dead-stay") {
            return;
        }
        for line in 0..LEASES {
            let at = line_at(line);
            let seen = self.control.load64(at, Ordering::Acquire);
            if (seen >> 32) as u32 != thread + 1 {
                continue;
            }
            let ended = (seen as u32 & !STATE_MASK) | lease::ABANDONED;
            if self.control.cas64(at, seen, binding(ended, 0)).is_ok() {
                self.note_woken(line);
            }
        }
    }

    /// The table is full: ends what is overdue, and what belongs to the dead. Unpinned. True when something was ended.
    pub(crate) fn sweep_leases(&self) -> bool {
        let mut ended = false;
        for line in 0..LEASES {
            let word = self.control.load64(line_at(line), Ordering::Acquire) as u32;
            if word & STATE_MASK == lease::LOADING {
                let lease = Lease { line, sequence: word >> lease::STATE_BITS };
                ended |= self.lease_state(lease) != LeaseState::Running;
            }
        }
        ended
    }

    /// What is wrong with the table when nobody is inside an operation.
    pub(crate) fn validate_leases(&self) -> Result<(), String> {
        for line in 0..LEASES {
            let seen = self.control.load64(line_at(line), Ordering::Acquire);
            let (state, owner) = (seen as u32 & STATE_MASK, (seen >> 32) as u32);
            if (owner != 0) != (state == lease::LOADING) || owner > THREADS {
                return Err(format!("lease {line} of thread {owner} is left in state {state}"));
            }
        }
        Ok(())
    }

    /// What is wrong with a record's lease, if it has one.
    pub(crate) fn validate_lease_of(&self, home: &Shard, location: u32, header: Header) -> Result<(), String> {
        if header.is_marker() && !(header.is_leased() && header.has(record::EXPIRY)) {
            return Err(format!("the marker at {location} has no lease or no end"));
        }
        if header.is_leased() && !crate::record::has_options(header.w0) {
            return Err(format!("the record at {location} has a lease where none is looked for"));
        }
        let line = if header.is_leased() { self.lease_of(home, location, header).sequence } else { 1 };
        if line == 0 || line > SEQUENCE_MASK { Err(format!("the lease of {location} never was")) } else { Ok(()) }
    }
}
