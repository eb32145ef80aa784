//! What an eviction policy decides, and S3-FIFO as the first one (Yang et al., SOSP 2023).
//!
//! The engine keeps two queues of segments in the order of writing, small and main, two bits of frequency per slot and a
//! ghost table; it moves records and keeps every bound. A policy only answers three questions, from numbers it is
//! handed, so it cannot make the engine wrong, only worse.

pub const SMALL: u32 = 0;
pub const MAIN: u32 = 1;

/// How full the queues are, in entries or in segments, whichever bound is at work.
#[derive(Clone, Copy, Debug)]
pub struct Fill {
    pub small: u32,
    pub main: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Copy it to the end of `queue` with this frequency.
    Keep { queue: u32, frequency: u32 },
    /// Drop it, remembering its key in the ghost or not.
    Evict { ghost: bool },
}

pub trait Policy {
    /// Queue of a new key. `returned`: its ghost was there. `small_full`: small has its share and nothing was evicted yet.
    fn queue_of_new(&self, returned: bool, small_full: bool) -> u32;
    /// Queue that the next victim is looked for in.
    fn queue_to_evict(&self, fill: Fill) -> u32;
    /// Fate of the oldest record of a queue.
    fn judge(&self, queue: u32, frequency: u32) -> Verdict;
}

/// Small is a tenth; two uses there lead to main; main is a CLOCK of two bits.
///
/// While nothing has been evicted yet, the published figures put every key into small; `main_first` lets small have its
/// tenth only, and what came first stays in main: far better for loops and scans, a little worse where all is recency.
#[derive(Clone, Copy, Debug, Default)]
pub struct S3Fifo {
    pub main_first: bool,
}

/// Values of the control region's policy word.
pub const POLICY_S3_FIFO: u32 = 0;
pub const POLICY_S3_FIFO_MAIN_FIRST: u32 = 1;

impl S3Fifo {
    /// The policy that a cache was created with.
    pub fn from_word(word: u32) -> Self {
        S3Fifo { main_first: word == POLICY_S3_FIFO_MAIN_FIRST }
    }

    /// Entries or segments that small may hold of `capacity`.
    pub fn small_share(capacity: u32) -> u32 {
        capacity / 10
    }
}

impl Policy for S3Fifo {
    fn queue_of_new(&self, returned: bool, small_full: bool) -> u32 {
        if returned || (small_full && self.main_first) { MAIN } else { SMALL }
    }

    fn queue_to_evict(&self, fill: Fill) -> u32 {
        let capacity = fill.small + fill.main;
        if fill.small == 0 || fill.main > capacity - Self::small_share(capacity) { MAIN } else { SMALL }
    }

    fn judge(&self, queue: u32, frequency: u32) -> Verdict {
        match (queue, frequency) {
            (SMALL, 2..) => Verdict::Keep { queue: MAIN, frequency: 0 },
            (SMALL, _) => Verdict::Evict { ghost: true },
            (_, 0) => Verdict::Evict { ghost: false },
            (_, _) => Verdict::Keep { queue: MAIN, frequency: frequency - 1 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_gives_first_until_main_exceeds_its_share() {
        assert_eq!(S3Fifo::default().queue_to_evict(Fill { small: 10, main: 90 }), SMALL);
        assert_eq!(S3Fifo::default().queue_to_evict(Fill { small: 9, main: 91 }), MAIN);
        assert_eq!(S3Fifo::default().queue_to_evict(Fill { small: 0, main: 5 }), MAIN);
        assert_eq!(S3Fifo::default().queue_to_evict(Fill { small: 5, main: 0 }), SMALL);
    }

    #[test]
    fn two_uses_lead_from_small_to_main_and_main_spends_one_a_round() {
        assert_eq!(S3Fifo::default().judge(SMALL, 1), Verdict::Evict { ghost: true });
        assert_eq!(S3Fifo::default().judge(SMALL, 2), Verdict::Keep { queue: MAIN, frequency: 0 });
        assert_eq!(S3Fifo::default().judge(MAIN, 3), Verdict::Keep { queue: MAIN, frequency: 2 });
        assert_eq!(S3Fifo::default().judge(MAIN, 0), Verdict::Evict { ghost: false });
    }
}
