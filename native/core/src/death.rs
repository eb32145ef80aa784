//! Failpoints: a thread that dies between two writes.
//!
//! V8 cannot terminate a worker inside a native call, so real deaths never stop Rust half-way, but they stop the
//! JavaScript twin anywhere, and the protocol is one. Tests therefore kill a Rust thread before its n-th write to shared
//! memory and let the others heal what is left. In a normal build `step` is empty.

#[cfg(any(test, loom, feature = "failpoints"))]
mod armed {
    use std::cell::Cell;

    /// Payload of the panic that stands for the thread's end.
    pub struct Death;

    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }

    /// Lets the calling thread die before its `writes`-th write to shared memory from now on (`None`: never).
    pub fn after(writes: Option<u32>) {
        LEFT.with(|left| left.set(writes));
    }

    #[inline]
    pub fn step() {
        LEFT.with(|left| {
            if let Some(writes) = left.get() {
                if writes == 0 {
                    left.set(None);
                    std::panic::resume_unwind(Box::new(Death));
                }
                left.set(Some(writes - 1));
            }
        });
    }

    /// Runs `work`; true when it died on the way.
    pub fn survives<T>(writes: u32, work: impl FnOnce() -> T) -> Option<T> {
        after(Some(writes));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        after(None);
        match outcome {
            Ok(value) => Some(value),
            Err(payload) if payload.is::<Death>() => None,
            Err(payload) => std::panic::resume_unwind(payload),
        }
    }
}

#[cfg(any(test, loom, feature = "failpoints"))]
pub use armed::{Death, after, step, survives};

#[cfg(not(any(test, loom, feature = "failpoints")))]
#[inline(always)]
pub fn step() {}
