//! The hand between records: walking a sealed segment one record at a time (docs/slab.md 6).
//! Only the shard's evictor moves a hand. Each step is safe to repeat after a death in its middle.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::hash::KeyHash;
use crate::host::Host;
use crate::index::Found;
use crate::layout::{UNIT, segment, shard, slot};
use crate::mutant;
use crate::policy::SMALL;
use crate::record::{CHAIN, Header};
use crate::region::Ordering;
use crate::relocate::Change;
use crate::samples::units_of;
use crate::segment::Claimant;
use crate::shard::{Shard, state, word};
use crate::times::Standing;
use crate::verdict::{Candidate, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hand {
    Small = 0,
    Main = 1,
    Compaction = 2,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Units passed without anything to decide.
    Skipped(u32),
    Kept(u32),
    /// `counted`: it was a live entry of the present world.
    Evicted {
        units: u32,
        counted: bool,
    },
    SegmentDone,
    /// The segment's first grace is not over.
    Blocked,
    /// The hand stands at a record with this hash whose fate another record decides, and has not moved on.
    Standing(u32),
}

/// Who decides about the record that a hand stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ruling {
    Policy,
    /// As the policy, but the first that main would give up is to be stood at; with `must`, the first of all.
    Settle {
        must: bool,
    },
    Evict,
    /// To main, as new there.
    Promote,
}

const SEGMENT: u32 = 0;
const POSITION: u32 = 4;
const END: u32 = 8;

/// Units of zeros passed in one step, where a writer died before it wrote its extent's header.
const HOLE_STEP: u32 = 512;

impl Hand {
    pub const ALL: [Hand; 3] = [Hand::Small, Hand::Main, Hand::Compaction];

    pub fn of(queue: u32) -> Hand {
        if queue == SMALL { Hand::Small } else { Hand::Main }
    }

    pub fn from_word(word: u32) -> Hand {
        match word {
            0 => Hand::Small,
            1 => Hand::Main,
            _ => Hand::Compaction,
        }
    }

    fn at(self) -> u32 {
        shard::HANDS + shard::HAND_BYTES * self as u32
    }
}

impl<H: Host> Attachment<H> {
    pub(crate) fn hand_segment(&self, home: &Shard, hand: Hand) -> u32 {
        home.region.load32(hand.at() + SEGMENT, Ordering::Relaxed)
    }

    /// Puts a hand into a segment (index + 1; 0: nowhere). Position 0 stands for "its grace is not over yet".
    pub(crate) fn place_hand(&self, home: &Shard, hand: Hand, segment: u32, position: u32, end: u32) {
        let put = |field, value| home.region.store32(hand.at() + field, value, Ordering::Release);
        // Nowhere first, so that a death in between cannot leave a new segment with an old position.
        put(SEGMENT, 0);
        put(POSITION, position);
        put(END, end);
        put(SEGMENT, segment);
    }

    /// Moves a hand by one record. Call as the evictor, unpinned.
    pub(crate) fn step(&self, number: usize, hand: Hand, ruling: Ruling) -> Step {
        let home = &self.shards[number];
        let index = self.hand_segment(home, hand) - 1;
        let mut position = home.region.load32(hand.at() + POSITION, Ordering::Relaxed);
        let mut end = home.region.load32(hand.at() + END, Ordering::Relaxed);
        let start = home.segment_start(index);
        if state::kind(home.state(index)) != segment::SEALED {
            self.place_hand(home, hand, 0, 0, 0);
            return Step::SegmentDone;
        }
        if position == 0 {
            let epoch = home.segment_word(index, segment::EPOCH);
            if !mutant::is("no-first-grace") && !self.wait_for_grace(epoch) {
                return Step::Blocked;
            }
            (position, end) = (start, start);
            home.region.store32(hand.at() + END, end, Ordering::Release);
            home.region.store32(hand.at() + POSITION, position, Ordering::Release);
        }
        let limit = start + home.segment_word(index, segment::CURSOR).min(home.segment_units());
        if position < start || !(start..=limit).contains(&end) {
            // Only a broken memory can say so. Walking again from the start is safe.
            (position, end) = (start, start);
        }
        let mut holes = 0;
        loop {
            if position >= limit {
                self.drain_segment(home, index);
                self.place_hand(home, hand, 0, 0, 0);
                return Step::SegmentDone;
            }
            if position == end {
                let length = home.region.load32(position * UNIT, Ordering::Acquire);
                if length == 0 || length > limit - position {
                    position += 1;
                    end = position;
                    holes += 1;
                    if holes == HOLE_STEP {
                        self.place_hand(home, hand, index + 1, position, end);
                        return Step::Skipped(holes);
                    }
                } else {
                    end = position + length;
                    position += 1;
                }
                continue;
            }
            let record =
                home.record(position).filter(|header| header.key_length() != 0 && position + header.units() <= end);
            let Some(header) = record else {
                position = end;
                continue;
            };
            let step = if header.is_dead() {
                Step::Skipped(header.units())
            } else {
                self.decide(number, hand, position, header, ruling)
            };
            // In this order: after a death in between the position lies behind the end, and the next evictor goes back to
            // that end, which is the next extent's header. The other way round it would take that header for a record.
            let moved = if matches!(step, Step::Standing(_)) { 0 } else { header.units() };
            home.region.store32(hand.at() + POSITION, position + moved, Ordering::Release);
            home.region.store32(hand.at() + END, end, Ordering::Release);
            return step;
        }
    }

    fn decide(&self, number: usize, hand: Hand, location: u32, header: Header, ruling: Ruling) -> Step {
        let home = &self.shards[number];
        let units = header.units();
        self.pin();
        let mut key = self.key_scratch.take();
        home.read_key(location, header, &mut key);
        let step = self.decide_pinned(number, hand, location, header, &key, ruling);
        self.unpin();
        self.key_scratch.replace(key);
        step.unwrap_or(Step::Skipped(units))
    }

    fn decide_pinned(
        &self,
        number: usize,
        hand: Hand,
        location: u32,
        header: Header,
        key: &[u8],
        ruling: Ruling,
    ) -> Option<Step> {
        let home = &self.shards[number];
        let world = self.world();
        let hash = self.hash(key);
        let units = header.units();
        let linked = self.slot_of(home, hash, location);
        let Some((at, seen)) = linked else {
            if header.has(CHAIN) {
                self.retire_orphan(home, key, location, header, world);
            }
            return None;
        };
        if word::state(seen) == slot::BUSY {
            // Grace is over, so its writer cannot be at it any more: it died before the commit.
            let _ = home.region.cas64(at, seen, 0);
            return None;
        }
        if word::state(seen) != slot::MEMBER {
            return None;
        }
        let victim = self.describe(home, at, seen, location, header, world);
        if victim.newer {
            return None;
        }
        if !victim.current {
            return self.unlink(number, &victim, world).then_some(Step::Evicted { units, counted: false });
        }
        if self.is_leased(home, location, header) && !mutant::is("live-marker-evicted") {
            return self.carry_on(number, &victim, hash, world);
        }
        if matches!(self.record_standing(home, location, header), Standing::Gone | Standing::Marker) {
            return self.drop_over(number, &victim, world);
        }
        let queue = state::queue(home.state(victim.segment)) & 1;
        let weight =
            if header.has(CHAIN) { units_of(key.len(), self.value_length(home, location, header)) } else { units };
        let verdict = self.verdict(home, hand, Candidate { h: hash.h, slot: at, queue, units, weight }, ruling);
        if verdict == Verdict::Wait {
            return Some(Step::Standing(hash.h));
        }
        if let Verdict::Keep { queue: to, marks } = verdict {
            let kept = self.relocate(number, &victim, hash, to, world, Change::None, Claimant::Evictor);
            if let Some(slot) = kept {
                self.set_marks(home, slot, marks);
                self.count_by(Counter::UnitsRelocated, u64::from(units));
                if hand == Hand::Small {
                    self.count(Counter::Promoted);
                } else {
                    self.count(Counter::Reinserted);
                }
                return Some(Step::Kept(units));
            }
            // No space to copy to, or the entry changed under the hand: evicting what is still there is the way out.
        }
        if matches!(verdict, Verdict::Evict { ghost: true }) {
            self.ghost_insert(home, hash);
        }
        if self.unlink(number, &victim, world) {
            let why = if queue == SMALL { Counter::EvictedSmall } else { Counter::EvictedMain };
            self.departed(why, home, &victim);
            return Some(Step::Evicted { units, counted: true });
        }
        None
    }

    /// What is over: expired, invalidated, or a marker whose load runs no more.
    fn drop_over(&self, number: usize, victim: &Found, world: u32) -> Option<Step> {
        let expired = self.is_expired(&self.shards[number], victim.location, victim.header);
        if !self.unlink(number, victim, world) {
            return None;
        }
        if victim.counts {
            let why = if expired { Counter::Expired } else { Counter::Invalidated };
            self.departed(why, &self.shards[number], victim);
        }
        Some(Step::Evicted { units: victim.header.units(), counted: victim.counts })
    }

    /// A load holds it, so it is no victim. Only where there is no space left to copy it to does it go, and its load's value
    /// is refused.
    fn carry_on(&self, number: usize, victim: &Found, hash: KeyHash, world: u32) -> Option<Step> {
        let queue = state::queue(self.shards[number].state(victim.segment)) & 1;
        match self.relocate(number, victim, hash, queue, world, Change::None, Claimant::Evictor) {
            Some(_) => {
                self.count_by(Counter::UnitsRelocated, u64::from(victim.header.units()));
                None
            }
            None => self.drop_over(number, victim, world),
        }
    }
}
