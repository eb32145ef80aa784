//! Pins and grace periods (docs/slab.md 3): memory is reused only when nobody who might still read or write it is left.

use crate::attachment::{Attachment, line_offset};
use crate::counters::Counter;
use crate::host::Host;
use crate::layout::{control, line};
use crate::mutant;
use crate::region::{Ordering, fence};

const PINNED: u32 = 1;
const EXPELLABLE: u32 = 2;

/// How often grace is asked for before a blocker's life is looked into and, if it may be, the blocker expelled.
#[cfg(not(loom))]
const PATIENCE: u32 = 200;
#[cfg(loom)]
const PATIENCE: u32 = 1;

impl<H: Host> Attachment<H> {
    /// From here to [`Self::unpin`] no record that this thread can reach is reused. While pinned: no waiting, no
    /// eviction turn, no callback. Native pins never outlive a call and are never expelled.
    #[inline(always)]
    pub(crate) fn pin(&self) {
        if mutant::is("no-pin") {
            return;
        }
        let epoch = self.control.load32(control::EPOCH, Ordering::Acquire);
        self.control.publish32(self.line + line::PIN, (epoch << 2) | PINNED);
    }

    #[inline(always)]
    pub(crate) fn unpin(&self) {
        self.control.release32(self.line + line::PIN, 0);
    }

    /// Starts a grace period; [`Self::grace`] tells when it is over.
    pub(crate) fn advance_epoch(&self) -> u32 {
        self.control.add32(control::EPOCH, 1)
    }

    /// Whether every thread that was pinned in `epoch` or before has left. Any thread, pinned or not, may ask; never waits.
    pub(crate) fn grace(&self, epoch: u32) -> bool {
        self.blocker(epoch).is_none()
    }

    fn blocker(&self, epoch: u32) -> Option<(u32, u32)> {
        fence(Ordering::SeqCst);
        (0..self.high_water()).find_map(|thread| {
            let pin = self.control.load32(line_offset(thread) + line::PIN, Ordering::Acquire);
            (pin != 0 && !is_after(pin >> 2, epoch)).then_some((thread, pin))
        })
    }

    /// Waits a bounded moment for grace, unpinned: reaps the dead and expels readers that stand still. False when a
    /// living thread stays pinned; what waits for it is tried again by a later turn.
    pub(crate) fn wait_for_grace(&self, epoch: u32) -> bool {
        for turn in 0..=PATIENCE {
            let Some((thread, pin)) = self.blocker(epoch) else {
                return true;
            };
            if turn == PATIENCE / 4 || turn == PATIENCE {
                self.reap_if_dead(thread, Some(self.me));
            }
            if turn == PATIENCE && pin & EXPELLABLE != 0 {
                let at = line_offset(thread) + line::PIN;
                if self.control.cas32(at, pin, 0).is_ok() {
                    self.count(Counter::ReadersExpelled);
                }
            }
            crate::pause::spin();
        }
        let over = self.grace(epoch);
        if !over {
            self.count(Counter::GraceBlocked);
        }
        over
    }
}

/// Whether a pin's epoch (30 bits) is later than `epoch`, in wrapping order.
fn is_after(pinned: u32, epoch: u32) -> bool {
    ((pinned.wrapping_sub(epoch)) << 2) as i32 > 0
}

#[cfg(test)]
mod tests {
    use super::is_after;

    #[test]
    fn order_survives_the_wrap() {
        assert!(is_after(1, 0) && !is_after(0, 0) && !is_after(0, 1));
        let last = (1 << 30) - 1;
        assert!(is_after(0, last) && !is_after(last, 0));
        // A pin keeps 30 bits of an epoch that has 32.
        assert!(is_after(1, 1 << 30) && !is_after(0, 1 << 30));
    }
}
