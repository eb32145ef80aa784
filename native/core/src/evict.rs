//! Eviction turns: who may evict, what for, and which segment the hand works on (docs/slab.md 6).
//!
//! A turn is bounded, runs unpinned between short pins, and keeps its whole state in shared memory, so that any thread
//! can go on where another stopped or died.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::expiry;
use crate::hand::{Hand, Ruling, Step};
use crate::host::Host;
use crate::layout::{THREADS, segment, shard};
use crate::policy::{Fill, MAIN, Mode, Rule, SMALL};
use crate::region::Ordering;
use crate::shard::{Shard, state};

/// What a turn is to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// One live entry less.
    Entry,
    /// This many FREE segments.
    Free(u32),
    /// This many units of records looked at, or enough FREE segments: a caller's share of the upkeep.
    Share(u32),
    /// This many units of records looked at in segments that are mostly dead; nothing live goes.
    Compact(u32),
    /// This many FREE segments, or as much of it as looking at so many units brings: an owner's turn.
    Ahead { wanted: u32, units: u32 },
    /// This many units of records looked at in segments in which nothing lives.
    Reclaim(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    Reached,
    /// Another thread is the evictor.
    Busy,
    /// A thread stays pinned, so that no memory may be reused.
    Blocked,
    /// The turn's bound was used up; some progress was made.
    Exhausted,
    /// There is nothing to evict.
    Nothing,
}

/// Records one turn may look at.
#[cfg(not(loom))]
pub(crate) const RECORDS_PER_TURN: u32 = 4096;
#[cfg(loom)]
pub(crate) const RECORDS_PER_TURN: u32 = 8;

/// Records that may be kept in one search for an entry to evict; the next is evicted whatever its frequency, so that
/// one `set` never walks a whole cache of hot entries.
pub(crate) const KEPT_PER_ENTRY: u32 = 512;

/// What one turn has done so far.
#[derive(Default)]
pub(crate) struct Walk {
    pub looked_at: u32,
    /// Kept since the last eviction.
    pub kept: u32,
    units: u32,
    /// A victim is being looked for in small: whatever it gives to main meanwhile, the search goes on there.
    in_small: bool,
}

/// A segment of which at most this part (in eighths) is live is emptied before anything live is evicted: what was
/// overwritten and deleted gives its space first. At one half, freeing a unit costs copying at most one.
const COMPACTABLE_EIGHTHS: u32 = 4;

impl<H: Host> Attachment<H> {
    /// One bounded eviction turn. Call unpinned.
    pub(crate) fn evict(&self, number: usize, goal: Goal) -> Turn {
        let home = &self.shards[number];
        if home.region.cas32(shard::EVICTOR, 0, self.me + 1).is_err() {
            self.count(Counter::EvictorBusy);
            return Turn::Busy;
        }
        let turn = self.evict_locked(number, goal);
        home.region.release32(shard::EVICTOR, 0);
        turn
    }

    /// A lock whose holder is proven dead is freed with the rest of what it left.
    pub(crate) fn look_into_evictor(&self, number: usize) {
        let holder = self.shards[number].region.load32(shard::EVICTOR, Ordering::Acquire);
        if holder != 0 {
            self.reap_if_dead(holder - 1, Some(self.me));
        }
    }

    fn evict_locked(&self, number: usize, goal: Goal) -> Turn {
        let home = &self.shards[number];
        self.collect_drift();
        self.free_drained(home);
        self.learn(home);
        let mut walk = Walk::default();
        let mut blocked = false;
        loop {
            let free = home.region.load32(shard::FREE_SEGMENTS, Ordering::Relaxed);
            let reached = match goal {
                Goal::Entry => false,
                Goal::Free(wanted) => free >= wanted,
                Goal::Share(share) => walk.units >= share || free >= Self::free_target(home),
                Goal::Compact(share) | Goal::Reclaim(share) => walk.units >= share,
                Goal::Ahead { wanted, .. } => free >= wanted,
            };
            if reached {
                return Turn::Reached;
            }
            if let Goal::Ahead { units: most, .. } = goal
                && walk.units >= most
            {
                return Turn::Exhausted;
            }
            if walk.looked_at >= RECORDS_PER_TURN {
                return Turn::Exhausted;
            }
            let Some(hand) = self.hand_to_move(home, goal, blocked, &mut walk) else {
                return if blocked { Turn::Blocked } else { Turn::Nothing };
            };
            // Compaction copies all that lives; only a search for an entry has to end with one.
            let must_evict = walk.kept >= KEPT_PER_ENTRY && (goal == Goal::Entry || hand != Hand::Compaction);
            let ruling = if must_evict { Ruling::Evict } else { Ruling::Policy };
            walk.looked_at += 1;
            let step = match self.step(number, hand, ruling) {
                Step::Standing(candidate) => match self.duel(number, candidate, &mut walk) {
                    Some(step) => step,
                    None => return Turn::Exhausted,
                },
                step => step,
            };
            match step {
                Step::Skipped(by) => walk.units += by,
                Step::Kept(by) => {
                    walk.units += by;
                    walk.kept += 1;
                }
                Step::Evicted { units: by, counted } => {
                    walk.units += by;
                    walk.kept = 0;
                    walk.in_small = false;
                    if goal == Goal::Entry && counted {
                        return Turn::Reached;
                    }
                }
                Step::SegmentDone => {
                    self.segment_done(home);
                    if matches!(goal, Goal::Compact(_)) && !Self::is_untidy(home) {
                        return Turn::Reached;
                    }
                }
                // Once: the other queue's hand may be able to go on.
                Step::Blocked if blocked => return Turn::Blocked,
                Step::Blocked | Step::Standing(_) => blocked = true,
            }
        }
    }

    pub(crate) fn segment_done(&self, home: &Shard) {
        self.free_drained(home);
        self.note_dead_share(home);
    }

    /// The hand whose turn it is, standing in a segment. `other`: the one that would be taken first is blocked.
    fn hand_to_move(&self, home: &Shard, goal: Goal, other: bool, walk: &mut Walk) -> Option<Hand> {
        if let Goal::Reclaim(_) = goal {
            return if other { None } else { self.hand_to_reclaim(home) };
        }
        if let Goal::Compact(_) = goal {
            if other {
                return None;
            }
            let hand = self.standing(home, Hand::Compaction).or_else(|| self.enter_dead(home, &self.survey(home)));
            if hand.is_none() {
                // What is dead lies scattered over segments that are mostly live.
                home.region.store32(shard::UNTIDY, 0, Ordering::Relaxed);
            }
            return hand;
        }
        if home.region.load32(shard::EVICTED_ONCE, Ordering::Relaxed) == 0 {
            home.region.store32(shard::EVICTED_ONCE, 1, Ordering::Relaxed);
        }
        if goal == Goal::Entry {
            let mode = home.mode();
            let fill = self.entry_fill(home);
            let wanted = if walk.in_small && fill.small > 0 { SMALL } else { mode.queue_to_evict(fill) };
            walk.in_small = wanted == SMALL && mode.rule == Rule::Duel;
            let queue = if other { MAIN + SMALL - wanted } else { wanted };
            return self
                .hand_in(home, Hand::of(queue))
                .or_else(|| self.hand_in(home, Hand::of(MAIN + SMALL - queue)))
                .or_else(|| self.standing(home, Hand::Compaction));
        }
        let in_use = Hand::from_word(home.region.load32(shard::HAND_IN_USE, Ordering::Relaxed));
        if !other && let Some(hand) = self.standing(home, in_use) {
            return Some(hand);
        }
        let chosen = self.choose(home, if other { Some(in_use) } else { None })?;
        home.region.store32(shard::HAND_IN_USE, chosen as u32, Ordering::Relaxed);
        Some(chosen)
    }

    /// The compaction hand, in a segment of which nothing lives any more.
    fn hand_to_reclaim(&self, home: &Shard) -> Option<Hand> {
        self.standing(home, Hand::Compaction).or_else(|| {
            let survey = self.survey(home);
            let is_over = survey.dead.is_some_and(|(live, _)| live == 0);
            if is_over { self.enter_dead(home, &survey) } else { None }
        })
    }

    /// How full the queues are in the unit of the bound that evicts.
    pub(crate) fn fullness(&self, home: &Shard) -> Fill {
        if self.max_entries != 0 {
            return self.entry_fill(home);
        }
        let segments = |queue| home.region.load32(shard::QUEUE_SEGMENTS + 4 * queue, Ordering::Relaxed);
        Fill { small: segments(SMALL), main: segments(MAIN) }
    }

    fn entry_fill(&self, home: &Shard) -> Fill {
        if home.region.load32(shard::COUNTED_WORLD, Ordering::Relaxed) != self.world() {
            self.survey(home);
        }
        // Advisory counters may dip below zero for a moment.
        let entries = |queue| {
            let seen = home.region.load32(shard::QUEUE_ENTRIES + 4 * queue, Ordering::Relaxed);
            if seen as i32 > 0 { seen } else { 0 }
        };
        Fill { small: entries(SMALL), main: entries(MAIN) }
    }

    fn standing(&self, home: &Shard, hand: Hand) -> Option<Hand> {
        (self.hand_segment(home, hand) != 0).then_some(hand)
    }

    /// The queue's hand, entering the oldest segment of its queue where it stands in none.
    pub(crate) fn hand_in(&self, home: &Shard, hand: Hand) -> Option<Hand> {
        if self.hand_segment(home, hand) == 0 {
            let survey = self.survey(home);
            let oldest = if hand == Hand::Small { survey.oldest[0] } else { survey.oldest[1] };
            self.enter(home, hand, oldest?.1);
        }
        self.standing(home, hand)
    }

    /// For the byte bound: the dead first, then the policy's queue.
    fn choose(&self, home: &Shard, not: Option<Hand>) -> Option<Hand> {
        let survey = self.survey(home);
        if not != Some(Hand::Compaction) {
            if self.hand_segment(home, Hand::Compaction) != 0 {
                return Some(Hand::Compaction);
            }
            if let Some(hand) = self.enter_dead(home, &survey) {
                return Some(hand);
            }
        }
        let queue = home.mode().queue_to_evict(Fill { small: survey.segments[0], main: survey.segments[1] });
        [queue, MAIN + SMALL - queue].into_iter().map(Hand::of).filter(|&hand| Some(hand) != not).find_map(|hand| {
            if self.hand_segment(home, hand) == 0 {
                let (_, index) = survey.oldest[if hand == Hand::Small { 0 } else { 1 }]?;
                self.enter(home, hand, index);
            }
            self.standing(home, hand)
        })
    }

    /// The compaction hand in the segment that is most worth emptying, if any is.
    fn enter_dead(&self, home: &Shard, survey: &Survey) -> Option<Hand> {
        let (_, dead) = survey.dead?;
        self.enter(home, Hand::Compaction, dead);
        self.count(Counter::Compacted);
        self.standing(home, Hand::Compaction)
    }

    pub(crate) fn is_untidy(home: &Shard) -> bool {
        home.region.load32(shard::UNTIDY, Ordering::Relaxed) != 0
    }

    /// Reads all segment headers: once per segment walked, so a few nanoseconds per record.
    fn survey(&self, home: &Shard) -> Survey {
        let world = self.world();
        let mut survey = Survey::default();
        let mut entries = [0u32; 2];
        let in_hands = Hand::ALL.map(|hand| self.hand_segment(home, hand));
        let mut free = 0;
        for index in 0..home.segments {
            let mut seen = home.state(index);
            if matches!(state::kind(seen), segment::OPENING | segment::BUILDING)
                && (1..=THREADS).contains(&state::owner(seen))
                && self.reap_if_dead(state::owner(seen) - 1, Some(self.me))
            {
                // Its owner was not pinned, so nothing else would ever have asked whether it lives.
                seen = home.state(index);
            }
            let kind = state::kind(seen);
            if kind == segment::FREE {
                free += 1;
            }
            if !matches!(kind, segment::OPEN | segment::SEALED) {
                continue;
            }
            let queue = (state::queue(seen) & 1) as usize;
            survey.segments[queue] += 1;
            let current = home.segment_word(index, segment::WORLD) == world;
            if current {
                entries[queue] = entries[queue].wrapping_add(home.segment_word(index, segment::LIVE_ENTRIES));
            }
            if in_hands.contains(&(index + 1)) {
                continue;
            }
            let sequence = home.segment_word(index, segment::SEQUENCE);
            if survey.oldest[queue].is_none_or(|(first, _)| (sequence.wrapping_sub(first) as i32) < 0) {
                survey.oldest[queue] = Some((sequence, index));
            }
            let live = if current { self.live_eighths(home, index, seen) } else { 0 };
            if live <= COMPACTABLE_EIGHTHS && survey.dead.is_none_or(|(least, _)| live < least) {
                survey.dead = Some((live, index));
            }
        }
        let put = |field, value| home.region.store32(field, value, Ordering::Relaxed);
        put(shard::FREE_SEGMENTS, free);
        put(shard::QUEUE_SEGMENTS, survey.segments[0]);
        put(shard::QUEUE_SEGMENTS + 4, survey.segments[1]);
        if self.max_entries != 0 {
            put(shard::QUEUE_ENTRIES, entries[0]);
            put(shard::QUEUE_ENTRIES + 4, entries[1]);
            put(shard::COUNTED_WORLD, world);
        }
        let shards = self.shards.len() as u32;
        let capacity = if self.max_entries != 0 { self.max_entries } else { self.size() } / shards;
        put(shard::GHOST_LIMIT, capacity - capacity / 10);
        survey
    }

    /// How much of a segment is live; 0 when it has expired as a whole, 8 while it is still being filled.
    fn live_eighths(&self, home: &Shard, index: u32, seen: u32) -> u32 {
        let cursor = home.segment_word(index, segment::CURSOR);
        let dead_by = home.segment_word(index, segment::DEAD_BY);
        if cursor > 0 && dead_by != expiry::NEVER && dead_by != 0 {
            let due = home.base_ms(index).saturating_add(expiry::decode(dead_by));
            if self.now() > due {
                return 0;
            }
        }
        let open = home.region.load32(shard::OPEN + 4 * state::queue(seen), Ordering::Relaxed) == index + 1;
        if open || cursor * 2 <= home.segment_units() {
            return 8;
        }
        let live = (home.segment_word(index, segment::LIVE_UNITS) as i32).max(0) as u32;
        // Rounded up: what is a little more than half live would be copied again and again.
        (live * 8).div_ceil(cursor).min(8)
    }

    fn enter(&self, home: &Shard, hand: Hand, index: u32) {
        if self.seal_segment(home, index) {
            self.place_hand(home, hand, index + 1, 0, 0);
        }
    }

    /// Whether small has its share while nothing has been evicted yet.
    pub(crate) fn is_small_full(&self, home: &Shard, mode: Mode) -> bool {
        if home.region.load32(shard::EVICTED_ONCE, Ordering::Relaxed) != 0 {
            return false;
        }
        if self.max_entries != 0 {
            let share = mode.small_target(self.max_entries / self.shards.len() as u32);
            return home.region.load32(shard::QUEUE_ENTRIES, Ordering::Relaxed) >= share;
        }
        home.region.load32(shard::SMALL_FULL, Ordering::Relaxed) != 0
    }
}

/// What the segment headers say all together.
#[derive(Default)]
struct Survey {
    /// OPEN and SEALED segments of small and main.
    segments: [u32; 2],
    /// (sequence, index) of the first opened of each queue that no hand stands in.
    oldest: [Option<(u32, u32)>; 2],
    /// (live eighths, index) of the segment that is worth emptying first.
    dead: Option<(u32, u32)>,
}
