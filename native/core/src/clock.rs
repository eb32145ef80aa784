//! The cache's time: milliseconds since its origin, from a manual word or the monotonic clock.
//!
//! The native engine reads the kernel's coarse clock (about 5 ns, at most 4 ms behind) and the exact one only for an
//! entry close to its expiry. It publishes what it read for the other engine, whose clock reads cost ten times as much.

use crate::attachment::Attachment;
use crate::host::Host;
use crate::layout::control;
use crate::region::Ordering;

/// An entry this close to its expiry is judged by the exact clock.
const NEAR_MS: u64 = 8;

impl<H: Host> Attachment<H> {
    /// Now, at most about 4 ms behind.
    #[inline]
    pub fn now(&self) -> u64 {
        if self.manual_clock {
            return self.control.load64(control::CLOCK, Ordering::Acquire);
        }
        self.host.coarse_ms().saturating_sub(self.origin_ms)
    }

    /// The time (ms since origin) that is `milliseconds` from now; by the exact clock, so that short times are kept.
    pub fn deadline(&self, milliseconds: u64) -> u64 {
        self.exact_now().saturating_add(milliseconds)
    }

    pub(crate) fn exact_now(&self) -> u64 {
        if self.manual_clock { self.now() } else { self.host.exact_ms().saturating_sub(self.origin_ms) }
    }

    /// Whether `due` (ms since origin) has come, and the time it was judged by.
    #[inline]
    pub(crate) fn is_due(&self, due: u64) -> bool {
        let now = self.now();
        if now + NEAR_MS < due {
            return false;
        }
        now >= due || self.exact_now() >= due
    }

    /// Moves the shared word forward to now; never back. Readers in JavaScript go by it.
    pub fn publish_clock(&self) {
        if self.manual_clock {
            return;
        }
        let now = self.exact_now();
        self.raise_clock(now);
    }

    fn raise_clock(&self, now: u64) {
        let mut seen = self.control.load64(control::CLOCK, Ordering::Acquire);
        while seen < now {
            match self.control.cas64(control::CLOCK, seen, now) {
                Ok(_) => return,
                Err(later) => seen = later,
            }
        }
    }

    /// Advances a manual clock, for every thread. Without one: nothing, and false.
    pub fn advance(&self, milliseconds: u64) -> bool {
        if !self.manual_clock {
            return false;
        }
        loop {
            let seen = self.control.load64(control::CLOCK, Ordering::Acquire);
            if self.control.cas64(control::CLOCK, seen, seen.saturating_add(milliseconds)).is_ok() {
                return true;
            }
        }
    }
}
