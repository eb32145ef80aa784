//! Failpoints: a thread that dies between two writes, or stands still between two accesses while others run.
//!
//! V8 cannot terminate a worker inside a native call, so real deaths never stop Rust half-way, but they stop the
//! JavaScript twin anywhere, and the protocol is one. Tests therefore kill a Rust thread before its n-th write to shared
//! memory and let the others heal what is left; or they run whole operations of another attachment before its n-th
//! access, which is what a preemption looks like. In a normal build both hooks are empty.

#[cfg(any(test, loom, feature = "failpoints"))]
mod armed {
    use std::cell::Cell;

    /// Payload of the panic that stands for the thread's end.
    pub struct Death;

    #[cfg(not(loom))]
    thread_local! {
        static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    }
    #[cfg(loom)]
    loom::thread_local! {
        static LEFT: Cell<Option<u32>> = Cell::new(None);
    }

    /// Lets the calling thread die before its `writes`-th write to shared memory from now on (`None`: never).
    pub fn after(writes: Option<u32>) {
        LEFT.with(|left| left.set(writes));
    }

    /// Before every write to shared memory.
    #[inline]
    pub fn step() {
        look();
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

    /// Runs `work`; `None` when it died on the way.
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

    /// Runs `work` as another thread's: it neither dies nor counts towards the death of the one that stands still.
    #[cfg(not(loom))]
    fn paused<T>(work: impl FnOnce() -> T) -> T {
        let left = LEFT.with(Cell::take);
        let result = work();
        after(left);
        result
    }

    #[cfg(loom)]
    pub fn look() {}

    #[cfg(not(loom))]
    pub use preemption::{interrupted, look, somebody_stands_still};

    #[cfg(not(loom))]
    mod preemption {
        use std::cell::{Cell, RefCell};

        type Work = Box<dyn FnOnce()>;

        thread_local! {
            static LEFT: Cell<u32> = const { Cell::new(0) };
            static OTHER: RefCell<Option<Work>> = const { RefCell::new(None) };
            static STILL: Cell<u32> = const { Cell::new(0) };
        }

        /// Before every access to shared memory, reading or writing.
        #[inline]
        pub fn look() {
            LEFT.with(|left| {
                if left.get() > 0 {
                    left.set(left.get() - 1);
                    if left.get() == 0
                        && let Some(other) = OTHER.take()
                    {
                        STILL.set(STILL.get() + 1);
                        super::paused(other);
                        STILL.set(STILL.get() - 1);
                    }
                }
            });
        }

        /// Whether somebody stands still on this very thread: then giving way to him is of no use.
        pub fn somebody_stands_still() -> bool {
            STILL.get() > 0
        }

        /// Runs `work`, and `other` in its middle, before its `accesses`-th access to shared memory (from 1). What
        /// `work` returned, and whether it came that far.
        pub fn interrupted<T>(accesses: u32, other: impl FnOnce() + 'static, work: impl FnOnce() -> T) -> (T, bool) {
            OTHER.set(Some(Box::new(other)));
            LEFT.set(accesses);
            let result = work();
            LEFT.set(0);
            (result, OTHER.take().is_none())
        }
    }
}

#[cfg(any(test, loom, feature = "failpoints"))]
pub use armed::{Death, after, look, step, survives};
#[cfg(all(any(test, feature = "failpoints"), not(loom)))]
pub use armed::{interrupted, somebody_stands_still};

#[cfg(not(any(test, loom, feature = "failpoints")))]
#[inline(always)]
pub fn step() {}

#[cfg(not(any(test, loom, feature = "failpoints")))]
#[inline(always)]
pub fn look() {}
