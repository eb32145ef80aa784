//! The only way to shared memory: a base address and a length, read and written word by word.
//!
//! JavaScript allocates the memory (a shared `WebAssembly.Memory`), so Rust never owns it and never forms `&[u8]` over
//! it: other threads, in either language, write at any time. Protocol words are atomics. Record bytes are plain copies:
//! the epoch protocol (docs/slab.md 3) makes them immutable while anybody can read them.
//!
//! Under `cfg(loom)` the same interface stands on loom's atomics, so that the model checker runs the shipped algorithms.

#[cfg(loom)]
pub use crate::region_model::Region;

#[cfg(not(loom))]
pub use raw::Region;

pub use ordering::*;

mod ordering {
    #[cfg(loom)]
    pub use loom::sync::atomic::{Ordering, fence};
    #[cfg(not(loom))]
    pub use std::sync::atomic::{Ordering, fence};

    /// A full fence right after a read-modify-write. x86 has it already in the locked instruction, so that only the
    /// compiler must be held back; a second `mfence` would cost as much as the whole probe.
    #[inline(always)]
    pub fn fence_after_update() {
        #[cfg(all(not(loom), target_arch = "x86_64"))]
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
        #[cfg(not(all(not(loom), target_arch = "x86_64")))]
        fence(Ordering::SeqCst);
    }
}

#[cfg(not(loom))]
mod raw {
    use super::Ordering::{self, AcqRel, Acquire, Relaxed, Release};
    use crate::death;
    use std::sync::atomic::{AtomicU32, AtomicU64};

    /// One registered piece of shared memory. Copies are cheap; whoever registered it keeps it alive.
    #[derive(Clone, Copy, Debug)]
    pub struct Region {
        base: *mut u8,
        len: usize,
    }

    // SAFETY: a Region is only an address; every access through it is atomic or ordered by the protocol.
    unsafe impl Send for Region {}
    // SAFETY: as above.
    unsafe impl Sync for Region {}

    impl Region {
        /// # Safety
        /// `base` is valid for reads and writes of `len` bytes, 64-byte aligned, and outlives every use of the Region.
        pub unsafe fn new(base: *mut u8, len: usize) -> Self {
            assert!((base as usize).is_multiple_of(64), "a region starts on a cache line");
            Region { base, len }
        }

        pub fn len(&self) -> usize {
            self.len
        }

        pub fn is_empty(&self) -> bool {
            self.len == 0
        }

        #[inline(always)]
        fn word32(&self, offset: u32) -> &AtomicU32 {
            let offset = offset as usize;
            assert!(offset.is_multiple_of(4) && offset + 4 <= self.len);
            // SAFETY: in bounds and aligned (checked above); the memory is shared, hence atomic.
            unsafe { AtomicU32::from_ptr(self.base.add(offset).cast()) }
        }

        #[inline(always)]
        fn word64(&self, offset: u32) -> &AtomicU64 {
            let offset = offset as usize;
            assert!(offset.is_multiple_of(8) && offset + 8 <= self.len);
            // SAFETY: in bounds and aligned (checked above); the memory is shared, hence atomic.
            unsafe { AtomicU64::from_ptr(self.base.add(offset).cast()) }
        }

        #[inline(always)]
        pub fn load32(&self, offset: u32, order: Ordering) -> u32 {
            death::look();
            self.word32(offset).load(order)
        }

        #[inline(always)]
        pub fn store32(&self, offset: u32, value: u32, order: Ordering) {
            death::step();
            self.word32(offset).store(value, order);
        }

        /// Stores with a full fence behind it.
        #[inline(always)]
        pub fn publish32(&self, offset: u32, value: u32) {
            death::step();
            #[cfg(target_arch = "x86_64")]
            {
                self.word32(offset).swap(value, Ordering::SeqCst);
                super::fence_after_update();
            }
            #[cfg(not(target_arch = "x86_64"))]
            {
                // Release: who sees this pin must also see that the section under the one before is over.
                self.word32(offset).store(value, Release);
                super::fence(Ordering::SeqCst);
            }
        }

        #[inline(always)]
        pub fn cas32(&self, offset: u32, expected: u32, new: u32) -> Result<u32, u32> {
            death::step();
            self.word32(offset).compare_exchange(expected, new, AcqRel, Acquire)
        }

        #[inline(always)]
        pub fn add32(&self, offset: u32, by: u32) -> u32 {
            death::step();
            self.word32(offset).fetch_add(by, AcqRel)
        }

        #[inline(always)]
        pub fn or32(&self, offset: u32, bits: u32) -> u32 {
            death::step();
            self.word32(offset).fetch_or(bits, AcqRel)
        }

        #[inline(always)]
        pub fn load64(&self, offset: u32, order: Ordering) -> u64 {
            death::look();
            self.word64(offset).load(order)
        }

        #[inline(always)]
        pub fn store64(&self, offset: u32, value: u64, order: Ordering) {
            death::step();
            self.word64(offset).store(value, order);
        }

        #[inline(always)]
        pub fn cas64(&self, offset: u32, expected: u64, new: u64) -> Result<u64, u64> {
            death::step();
            self.word64(offset).compare_exchange(expected, new, AcqRel, Acquire)
        }

        #[inline(always)]
        pub fn add64(&self, offset: u32, by: u64) -> u64 {
            death::step();
            self.word64(offset).fetch_add(by, AcqRel)
        }

        /// Adds to a word that only the calling thread writes.
        #[inline(always)]
        pub fn bump64(&self, offset: u32, by: u64) {
            let word = self.word64(offset);
            word.store(word.load(Relaxed).wrapping_add(by), Relaxed);
        }

        /// Copies record bytes out. Call only while a pin keeps them from being reused.
        #[inline(always)]
        pub fn read(&self, offset: u32, into: &mut [u8]) {
            death::look();
            let offset = offset as usize;
            assert!(offset + into.len() <= self.len);
            // SAFETY: in bounds; nobody writes these bytes while the caller is pinned.
            unsafe { self.base.add(offset).copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) }
        }

        /// Writes record bytes into space that only the calling thread holds.
        #[inline(always)]
        pub fn write(&self, offset: u32, from: &[u8]) {
            death::step();
            let offset = offset as usize;
            assert!(offset + from.len() <= self.len);
            // SAFETY: in bounds; the caller reserved these bytes and has not published them yet.
            unsafe { self.base.add(offset).copy_from_nonoverlapping(from.as_ptr(), from.len()) }
        }

        /// Compares record bytes. Call only while pinned.
        #[inline(always)]
        pub fn equals(&self, offset: u32, bytes: &[u8]) -> bool {
            death::look();
            let offset = offset as usize;
            assert!(offset + bytes.len() <= self.len);
            // SAFETY: in bounds; nobody writes these bytes while the caller is pinned, so a shared slice of them is sound
            // for the length of this comparison.
            unsafe { std::slice::from_raw_parts(self.base.add(offset), bytes.len()) == bytes }
        }

        /// Copies bytes inside the region, from a record under the caller's pin to space that only the caller holds.
        #[inline(always)]
        pub fn copy_within(&self, from: u32, to: u32, len: u32) {
            death::step();
            let (from, to, len) = (from as usize, to as usize, len as usize);
            assert!(from + len <= self.len && to + len <= self.len);
            // SAFETY: in bounds; source immutable under the pin, target private; `copy` allows any overlap.
            unsafe { self.base.add(from).copy_to(self.base.add(to), len) }
        }

        /// Sets all bytes of space that only the calling thread holds.
        pub fn fill(&self, offset: u32, len: u32, byte: u8) {
            death::step();
            let (offset, len) = (offset as usize, len as usize);
            assert!(offset + len <= self.len);
            // SAFETY: in bounds; the caller holds a segment past its second grace, which nobody else reads or writes.
            unsafe { self.base.add(offset).write_bytes(byte, len) }
        }

        /// Hints the processor to fetch a cache line; never faults, changes nothing.
        #[inline(always)]
        pub fn prefetch(&self, offset: u32) {
            #[cfg(target_arch = "x86_64")]
            if (offset as usize) < self.len {
                // SAFETY: a prefetch of a mapped address has no effect on memory.
                unsafe {
                    std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(
                        self.base.add(offset as usize).cast(),
                    );
                }
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = offset;
        }

        /// Asks the kernel for huge pages under the region. Returns whether it agreed.
        pub fn advise_huge_pages(&self) -> bool {
            crate::host::advise_huge_pages(self.base, self.len)
        }

        #[inline(always)]
        pub fn release32(&self, offset: u32, value: u32) {
            self.store32(offset, value, Release);
        }
    }
}
