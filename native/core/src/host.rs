//! What the slab asks of the operating system: who am I, does that thread still live, what time is it.
//! Touches /proc and clocks, never shared memory (except by advice about its pages).

/// Answers the slab needs from outside. Tests put their own in place.
pub trait Host {
    /// Identity of the calling OS thread, not 0.
    fn thread_id(&self) -> u32;
    /// When that thread was started, in the system's own unit; 0 when unknown.
    fn thread_start(&self, thread_id: u32) -> u64;
    /// False only when it is certain that the thread is gone: slow, stopped or starved threads are alive.
    fn is_alive(&self, thread_id: u32, start: u64) -> bool;
    /// Monotonic milliseconds, cheap, late by at most about 4 ms.
    fn coarse_ms(&self) -> u64;
    /// Monotonic milliseconds.
    fn exact_ms(&self) -> u64;
}

/// The real operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHost;

#[cfg(target_os = "linux")]
impl Host for SystemHost {
    fn thread_id(&self) -> u32 {
        // SAFETY: gettid has no preconditions.
        unsafe { libc::gettid() as u32 }
    }

    fn thread_start(&self, thread_id: u32) -> u64 {
        let Ok(stat) = std::fs::read_to_string(format!("/proc/self/task/{thread_id}/stat")) else {
            return 0;
        };
        // The name in field 2 may hold spaces and brackets; fields are counted after its last ')'.
        let after_name = stat.rfind(')').map_or("", |at| &stat[at + 1..]);
        after_name.split_whitespace().nth(19).and_then(|field| field.parse().ok()).unwrap_or(0)
    }

    fn is_alive(&self, thread_id: u32, start: u64) -> bool {
        // Signal 0 only asks whether the thread exists: 0.2 µs, where reading /proc takes 3.
        // SAFETY: tgkill with signal 0 delivers nothing.
        let answer = unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), thread_id as libc::pid_t, 0) };
        if answer != 0 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH) {
            return false;
        }
        if start == 0 {
            return true;
        }
        // The number may belong to a newer thread by now.
        let now = self.thread_start(thread_id);
        now == start
    }

    fn coarse_ms(&self) -> u64 {
        clock_ms(libc::CLOCK_MONOTONIC_COARSE)
    }

    fn exact_ms(&self) -> u64 {
        clock_ms(libc::CLOCK_MONOTONIC)
    }
}

#[cfg(target_os = "linux")]
fn clock_ms(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer; both clocks exist on every Linux that Node supports.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
}

#[cfg(not(target_os = "linux"))]
impl Host for SystemHost {
    fn thread_id(&self) -> u32 {
        use std::sync::atomic::{AtomicU32, Ordering};
        static NEXT: AtomicU32 = AtomicU32::new(1);
        thread_local!(static ID: u32 = NEXT.fetch_add(1, Ordering::Relaxed));
        ID.with(|id| *id)
    }

    fn thread_start(&self, _thread_id: u32) -> u64 {
        0
    }

    /// Without a way to ask, only the reported exit of a worker proves its death (docs/slab.md 3).
    fn is_alive(&self, _thread_id: u32, _start: u64) -> bool {
        true
    }

    fn coarse_ms(&self) -> u64 {
        self.exact_ms()
    }

    /// libuv's clock, which `process.hrtime` shows, is the same monotonic clock that this reads.
    fn exact_ms(&self) -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place for the answer.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
        time.tv_sec as u64 * 1000 + time.tv_nsec as u64 / 1_000_000
    }
}

/// Transparent huge pages for a range, where the kernel leaves the choice to programs (`madvise` mode).
#[cfg(all(target_os = "linux", not(loom)))]
pub fn advise_huge_pages(base: *mut u8, len: usize) -> bool {
    // SAFETY: the range is one mapping that the caller registered; the advice changes no contents.
    unsafe { libc::madvise(base.cast(), len, libc::MADV_HUGEPAGE) == 0 }
}

#[cfg(all(not(target_os = "linux"), not(loom)))]
pub fn advise_huge_pages(_base: *mut u8, _len: usize) -> bool {
    false
}
