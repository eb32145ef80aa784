//! The one-step announcement in a thread's line that lets others finish its bookkeeping when it dies in the middle
//! (docs/slab.md 4). Only the thread itself writes it; a reaper reads it.

use crate::attachment::Attachment;
use crate::host::Host;
use crate::layout::line;
use crate::region::Ordering;

pub const NONE: u32 = 0;
pub const LINK: u32 = 1;
pub const UNLINK: u32 = 2;

impl<H: Host> Attachment<H> {
    /// Announces that `slot` is about to take `word`, and what `net` is then.
    #[inline]
    pub(crate) fn announce(&self, kind: u32, shard: u32, slot: u32, word: u64, net: u32, world: u32) {
        let put = |field, value| self.control.store32(self.line + field, value, Ordering::Release);
        // Kind goes first to none, so that nobody reads the fields of two announcements mixed.
        put(line::INTENT_KIND, NONE);
        put(line::INTENT_SHARD, shard);
        put(line::INTENT_SLOT, slot);
        put(line::INTENT_WORD_LOW, word as u32);
        put(line::INTENT_WORD_HIGH, (word >> 32) as u32);
        put(line::INTENT_NET, net);
        put(line::INTENT_WORLD, world);
        put(line::INTENT_KIND, kind);
    }

    #[inline]
    pub(crate) fn nothing_announced(&self) {
        self.control.release32(self.line + line::INTENT_KIND, NONE);
    }
}
