//! What becomes of the record that a hand stands at: the rules of the modes (docs/slab.md 6).
//! Called by the evictor, pinned. Writes marks, sketch and bar, which are advice.

use crate::attachment::Attachment;
use crate::hand::{Hand, Ruling};
use crate::host::Host;
use crate::layout::shard;
use crate::mutant;
use crate::policy::{MAIN, OLDEST, PROMOTE_AT, Rule, worth};
use crate::region::Ordering;
use crate::shard::Shard;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Copy it to the end of `queue` with these marks.
    Keep { queue: u32, marks: u32 },
    /// Drop it, remembering its key in the ghost or not.
    Evict { ghost: bool },
    /// Another record decides: the hand stays where it is.
    Wait,
}

/// The record that a hand stands at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub h: u32,
    pub slot: u32,
    pub queue: u32,
    /// Of its record, and with all that its value takes elsewhere.
    pub units: u32,
    pub weight: u32,
}

/// How fast the bar of worth moves while records as large as the cache are looked at, in 256ths of an octave: e^8.
const BAR_GAIN: f64 = 2955.0;
/// The share of what is looked at that stays.
const RETAINED: f64 = 0.3;

/// The bar that a record of this size meets. Where none was ever set, or it is no number: what such a record is worth that
/// was asked for once.
fn bar_for(bar: f64, units: u32) -> f64 {
    if bar != 0.0 && bar.is_finite() { bar } else { f64::from(worth(1, 0, units)) }
}

/// Whether a record of this worth and size stays.
pub(crate) fn stays(worth: f64, bar: f64, units: u32) -> bool {
    worth > bar_for(bar, units)
}

/// The bar after a record of this worth and size was looked at.
pub(crate) fn moved_bar(worth: f64, bar: f64, units: u32, capacity: f64) -> f64 {
    let from = bar_for(bar, units);
    let step = BAR_GAIN * f64::from(units) / capacity;
    if worth > from { from + step * (1.0 - RETAINED) } else { from - step * RETAINED }
}

impl<H: Host> Attachment<H> {
    pub(crate) fn verdict(&self, home: &Shard, hand: Hand, candidate: Candidate, ruling: Ruling) -> Verdict {
        match ruling {
            Ruling::Evict => return Verdict::Evict { ghost: hand == Hand::Small },
            Ruling::Promote => return Verdict::Keep { queue: MAIN, marks: 0 },
            Ruling::Policy | Ruling::Settle { .. } => {}
        }
        let marks = self.marks(home, candidate.slot);
        if hand == Hand::Compaction {
            return Verdict::Keep { queue: candidate.queue, marks };
        }
        let mode = home.mode();
        match (mode.rule, hand) {
            (Rule::Worth, _) => self.by_worth(home, hand, candidate, marks),
            (Rule::Uses, Hand::Small) if marks & 3 >= PROMOTE_AT => Verdict::Keep { queue: MAIN, marks: 0 },
            (Rule::Uses, Hand::Small) => Verdict::Evict { ghost: true },
            (Rule::Duel, Hand::Small) => {
                let frequency = marks & 3;
                home.sketch().add(candidate.h, frequency);
                if frequency >= PROMOTE_AT || mode.main_takes(self.fullness(home)) {
                    return Verdict::Keep { queue: MAIN, marks: 0 };
                }
                // The sketch knows of its uses now.
                self.set_marks(home, candidate.slot, 0);
                Verdict::Wait
            }
            (rule, _) => self.in_main(home, candidate, marks & 3, rule, ruling),
        }
    }

    /// Main is a CLOCK of two bits.
    fn in_main(&self, home: &Shard, candidate: Candidate, frequency: u32, rule: Rule, ruling: Ruling) -> Verdict {
        let spent = self.pass_is_spent(home, candidate.units, frequency > 0);
        let must = ruling == Ruling::Settle { must: true };
        if frequency > 0 && !spent && !must {
            if rule == Rule::Duel {
                home.sketch().add(candidate.h, 1);
            }
            return Verdict::Keep { queue: MAIN, marks: frequency - 1 };
        }
        if rule == Rule::Duel {
            home.sketch().add(candidate.h, frequency);
            if frequency > 0 {
                self.set_marks(home, candidate.slot, 0);
            }
        }
        if matches!(ruling, Ruling::Settle { .. }) { Verdict::Wait } else { Verdict::Evict { ghost: false } }
    }

    /// Stays while its frequency per byte, faded with each round without a use, is above the bar, which rises with what stays
    /// and sinks with what goes: neither sizes nor frequencies need a scale.
    fn by_worth(&self, home: &Shard, hand: Hand, candidate: Candidate, marks: u32) -> Verdict {
        let (frequency, mut age) = (marks & 3, marks >> 2);
        if frequency > 0 {
            age = 0;
            home.sketch().add(candidate.h, frequency);
        } else if hand == Hand::Main {
            age = (age + 1).min(OLDEST);
        }
        let worth = f64::from(worth(home.sketch().estimate(candidate.h), age, candidate.weight));
        let bar = f64::from_bits(home.region.load64(shard::BAR, Ordering::Relaxed));
        let keeps = stays(worth, bar, candidate.weight);
        if !mutant::is("bar-of-lead") {
            let capacity = f64::from(home.segments) * f64::from(home.segment_units());
            let moved = moved_bar(worth, bar, candidate.weight, capacity);
            home.region.store64(shard::BAR, moved.to_bits(), Ordering::Relaxed);
        }
        if keeps {
            Verdict::Keep { queue: MAIN, marks: age << 2 }
        } else {
            Verdict::Evict { ghost: hand == Hand::Small }
        }
    }

    /// Where the byte bound evicts and more than three quarters of a segment's worth of main was copied on, the next
    /// record goes whatever its frequency: freeing memory must not turn into copying all of it.
    fn pass_is_spent(&self, home: &Shard, units: u32, keeps: bool) -> bool {
        if self.max_entries != 0 {
            return false;
        }
        let word = |field| home.region.load32(field, Ordering::Relaxed);
        let (mut seen, mut retained) = (word(shard::PASS_SEEN) + units, word(shard::PASS_RETAINED));
        if seen > home.segment_units() {
            (seen, retained) = (seen / 2, retained / 2);
        }
        let spent = seen > home.segment_units() / 4 && u64::from(retained) * 4 > u64::from(seen) * 3;
        if !spent && keeps {
            retained += units;
        }
        home.region.store32(shard::PASS_SEEN, seen, Ordering::Relaxed);
        home.region.store32(shard::PASS_RETAINED, retained, Ordering::Relaxed);
        spent
    }
}
