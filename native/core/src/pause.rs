//! A bounded moment of doing nothing, between two looks at a word that another thread is about to change.

#[cfg(not(loom))]
#[inline(always)]
pub fn spin() {
    std::hint::spin_loop();
}

/// Lets another thread run, where one thread of a crowded machine may hold what this one needs.
#[cfg(not(loom))]
pub fn give_way() {
    #[cfg(test)]
    if crate::death::somebody_stands_still() {
        return;
    }
    std::thread::yield_now();
}

/// About a fifth of a millisecond, in which another thread gets this one's core.
#[cfg(not(loom))]
pub fn sleep() {
    #[cfg(test)]
    if crate::death::somebody_stands_still() {
        return;
    }
    std::thread::sleep(std::time::Duration::from_micros(150));
}

#[cfg(loom)]
pub fn sleep() {
    loom::thread::yield_now();
}

#[cfg(loom)]
pub fn spin() {
    loom::thread::yield_now();
}

#[cfg(loom)]
pub fn give_way() {
    loom::thread::yield_now();
}
