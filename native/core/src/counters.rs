//! Names of the counters that every thread keeps in its own row of the control region (docs/slab.md 1.1).
//! Only the thread that owns the row writes it, with plain stores; anybody may sum the rows.

macro_rules! counters {
    ($($name:ident = $index:expr),* $(,)?) => {
        /// Index of a counter in a thread's row.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u32)]
        pub enum Counter { $($name = $index),* }
    };
}

counters! {
    Hits = 0,
    Misses = 1,
    Stored = 2,
    Replaced = 3,
    Refused = 4,
    RejectedTooLarge = 5,
    RejectedNoRoom = 6,
    RejectedPaused = 7,
    Deleted = 8,
    Taken = 9,
    Touched = 10,
    Incremented = 11,
    Expired = 12,
    EvictedSmall = 13,
    EvictedMain = 14,
    EvictedIndex = 15,
    Promoted = 16,
    Reinserted = 17,
    GhostHits = 18,
    UnitsRelocated = 19,
    SegmentsOpened = 20,
    SegmentsFreed = 21,
    LinkRetries = 22,
    GraceBlocked = 23,
    ThreadsReaped = 24,
    ReadersExpelled = 25,
    BytesWritten = 26,
    BytesRead = 27,
    Cleared = 28,
    ChainsStored = 29,
    EvictorBusy = 30,
    Compacted = 31,
    // 32 to 35 are counted by whoever loads.
    Loads = 32,
    LoadsWaited = 33,
    LoadsFailed = 34,
    StaleServed = 35,
    FillsRefused = 36,
    TagInvalidations = 37,
    Invalidated = 38,
    LeasesRefused = 39,
}
