//! The duel: what leaves small against what main would give up (docs/slab.md 6). Two hands take part: small's stands at the
//! candidate and does not move until main's stands at its oldest record without a use in its last round.
//! Called by the evictor, unpinned. All it knows is where the hands stand, so any thread can go on where another stopped.

use crate::attachment::Attachment;
use crate::evict::{KEPT_PER_ENTRY, RECORDS_PER_TURN, Walk};
use crate::hand::{Hand, Ruling, Step};
use crate::host::Host;
use crate::mutant;
use crate::policy::DUEL_MARGIN;

enum Settled {
    /// Main's hand stands at a record with this hash.
    At(u32),
    /// Main has nothing to give, or nothing that may be touched yet.
    Nowhere,
    Exhausted,
}

impl<H: Host> Attachment<H> {
    /// Settles the fate of the candidate that small's hand stands at. `None` when the turn's bound is used up first; the
    /// candidate is still there then.
    pub(crate) fn duel(&self, number: usize, candidate: u32, walk: &mut Walk) -> Option<Step> {
        let victim = match self.settle_main(number, walk) {
            Settled::At(victim) => victim,
            Settled::Nowhere => return Some(self.step(number, Hand::Small, Ruling::Evict)),
            Settled::Exhausted => return None,
        };
        let sketch = self.shards[number].sketch();
        let margin = if mutant::is("duel-without-margin") { 0 } else { DUEL_MARGIN };
        if sketch.estimate(candidate) < sketch.estimate(victim) + margin {
            return Some(self.step(number, Hand::Small, Ruling::Evict));
        }
        let evicted = self.step(number, Hand::Main, Ruling::Evict);
        self.step(number, Hand::Small, Ruling::Promote);
        Some(evicted)
    }

    /// Moves main's hand over what has uses left, copying it on, to the first record that has none.
    fn settle_main(&self, number: usize, walk: &mut Walk) -> Settled {
        let home = &self.shards[number];
        while walk.looked_at < RECORDS_PER_TURN {
            if self.hand_in(home, Hand::Main).is_none() {
                return Settled::Nowhere;
            }
            walk.looked_at += 1;
            match self.step(number, Hand::Main, Ruling::Settle { must: walk.kept >= KEPT_PER_ENTRY }) {
                Step::Standing(victim) => return Settled::At(victim),
                Step::Kept(_) => walk.kept += 1,
                Step::SegmentDone => self.segment_done(home),
                Step::Blocked => return Settled::Nowhere,
                // Something expired went: the room is there, and so is the candidate.
                Step::Evicted { .. } | Step::Skipped(_) => {}
            }
        }
        Settled::Exhausted
    }
}
