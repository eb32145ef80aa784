//! What left the cache without anybody asking for it: evicted, expired, invalidated. Counted always; where somebody watches, the
//! keys are kept too, in a bounded list of this thread's own that its caller empties.
//! May touch: the victim's key, while the caller is pinned.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::host::Host;
use crate::index::Found;
use crate::shard::Shard;
use std::cell::{Cell, RefCell};

/// Departures that are kept until they are asked for. What comes on top is counted as lost.
const MOST: usize = 1024;

#[derive(Default)]
pub(crate) struct Departures {
    watched: Cell<bool>,
    list: RefCell<Vec<(Counter, Vec<u8>)>>,
    lost: Cell<u64>,
}

impl<H: Host> Attachment<H> {
    /// Whether the keys of what leaves are to be kept for [`Attachment::take_departures`]; those of before are forgotten.
    pub fn watch_departures(&self, watched: bool) {
        self.departures.watched.set(watched);
        self.departures.list.borrow_mut().clear();
    }

    /// Empties the list: why each left (the counter that counted it) and its key. Returns how many were lost since the last
    /// time because nobody came to take them.
    pub fn take_departures(&self, mut each: impl FnMut(Counter, &[u8])) -> u64 {
        for (why, key) in self.departures.list.borrow_mut().drain(..) {
            each(why, &key);
        }
        self.departures.lost.take()
    }

    /// Counts an entry that this thread has just unlinked, and tells of it. Pinned still, so that its key can be read.
    #[inline]
    pub(crate) fn departed(&self, why: Counter, home: &Shard, victim: &Found) {
        self.count(why);
        if self.departures.watched.get() {
            self.keep_departure(why, home, victim);
        }
    }

    #[cold]
    fn keep_departure(&self, why: Counter, home: &Shard, victim: &Found) {
        let mut list = self.departures.list.borrow_mut();
        if list.len() >= MOST {
            self.departures.lost.set(self.departures.lost.get() + 1);
            return;
        }
        let mut key = Vec::new();
        home.read_key(victim.location, victim.header, &mut key);
        list.push((why, key));
    }
}
