//! Versions of bindings: what a thread that keeps a decoded value looks at instead of the key's slot (docs/slab.md 9).
//!
//! Whoever takes a member's word away announces that before and closes it afterwards, in the version on which the key's
//! tag falls. So a version that is the one that was seen with nothing in progress, before the slot was looked at, says
//! that the slot's binding is what it was. Nobody dies in between: native code is not interrupted.

use crate::layout::version::{BYTES, EXCHANGED, IN_PROGRESS};
use crate::mutant;
use crate::shard::{Shard, word};

impl Shard {
    /// Byte offset of the version on which a tag falls.
    #[inline(always)]
    pub(crate) fn version_of(&self, tag: u32) -> u32 {
        self.versions_offset + (tag & (self.versions - 1)) * BYTES
    }

    /// Exchanges a member's word; whether it stood there. New bindings of absent keys need none of this: whatever was
    /// remembered of the key was outdated by what took it away.
    #[inline(always)]
    pub(crate) fn rebind(&self, slot: u32, member: u64, new: u64) -> bool {
        let version = self.version_of(word::tag(member));
        if !mutant::is("no-version-begun") {
            self.region.add64(version, IN_PROGRESS);
        }
        if mutant::is("version-ended-early") {
            self.region.add64(version, EXCHANGED - IN_PROGRESS);
        }
        let done = self.region.cas64(slot, member, new).is_ok();
        let exchanged = if done { EXCHANGED } else { 0 };
        let begun = if mutant::is("no-version-begun") { 0 } else { IN_PROGRESS };
        if !mutant::is("version-never-ended") && !mutant::is("version-ended-early") {
            self.region.add64(version, exchanged.wrapping_sub(begun));
        }
        done
    }
}
