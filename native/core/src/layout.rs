//! Every offset and size of the shared memory, once for Rust (docs/slab.md 1 draws them; `src/engine/layout.ts` states
//! them for JavaScript, and [`layout_constants`] is what the two are compared by when a thread attaches).
//! Touches nothing.

pub const MAGIC: u32 = 0x5254_534F;
pub const LAYOUT_VERSION: u32 = 5;

/// Location and length unit inside a shard's region, in bytes.
pub const UNIT: u32 = 8;

/// Registry lines of the control region.
#[cfg(not(loom))]
pub const THREADS: u32 = 128;
/// A model has three threads at most; fewer words keep its state space small.
#[cfg(loom)]
pub const THREADS: u32 = 4;

/// Lines of the lease table; a token is sequence × LEASES + line.
#[cfg(not(loom))]
pub const LEASES: u32 = 1024;
#[cfg(loom)]
pub const LEASES: u32 = 2;

pub mod control {
    //! Byte offsets in the control region.

    /// Of a cache whose tags lie in the first part; others have more.
    pub const BYTES: u32 = 0x20000;

    pub const MAGIC: u32 = 0;
    pub const VERSION: u32 = 4;
    pub const REGION_BYTES: u32 = 8;
    pub const SHARDS: u32 = 12;
    pub const THREADS: u32 = 16;
    pub const MAX_ENTRIES: u32 = 20;
    pub const SEED: u32 = 24;
    pub const ORIGIN: u32 = 32;
    pub const POLICY: u32 = 40;
    pub const CACHE_ID: u32 = 44;
    /// Number of tag generations, a power of two, and where they lie.
    pub const TAGS: u32 = 52;
    pub const TAGS_OFFSET: u32 = 56;

    pub const WORLD: u32 = 0x100;
    pub const EPOCH: u32 = 0x140;
    pub const CLOCK: u32 = 0x180;
    pub const CLOCK_ASLEEP: u32 = 0x188;
    pub const CLOCK_MANUAL: u32 = 0x18C;
    pub const RESERVED: u32 = 0x1C0;
    pub const REAPER: u32 = 0x200;
    pub const HIGH_WATER: u32 = 0x204;
    pub const DRIFT: u32 = 0x208;
    pub const TAG_STAMP: u32 = 0x240;
    pub const HASH_KEYS: u32 = 0x400;
    pub const LINES: u32 = 0x800;
    pub const LINE_BYTES: u32 = 128;
    pub const COUNTERS: u32 = 0x4800;
    pub const COUNTERS_PER_THREAD: u32 = 40;
    pub const HISTOGRAMS: u32 = 0xE800;
    pub const HISTOGRAM_COUNT: u32 = 4;
    pub const HISTOGRAM_BUCKETS: u32 = 1984;
    pub const LEASES: u32 = 0x16400;
    /// Where a small cache has its tag generations, and how many.
    pub const SMALL_TAGS_OFFSET: u32 = 0x1A400;
    #[cfg(not(loom))]
    pub const SMALL_TAGS: u32 = 1024;
    #[cfg(loom)]
    pub const SMALL_TAGS: u32 = 2;
    /// Whenever the stamp of tags reaches a multiple of this, the cache is cleared and old generations are raised.
    pub const TAG_ERA: u32 = 1 << 30;
}

pub mod lease {
    //! Byte offsets in one line of the lease table, and the states of a lease.
    pub const BYTES: u32 = 16;
    /// sequence << 3 | state; its owner (thread index + 1) is the other half of the 64-bit word.
    pub const WORD: u32 = 0;
    pub const OWNER: u32 = 4;
    pub const DEADLINE: u32 = 8;
    pub const STATE_BITS: u32 = 3;

    pub const FREE: u32 = 0;
    pub const LOADING: u32 = 1;
    pub const FILLED: u32 = 2;
    pub const FAILED: u32 = 3;
    pub const ABANDONED: u32 = 4;
    pub const NOTHING: u32 = 5;
    /// Taken, and not yet LOADING: its deadline is being written.
    pub const CLAIMED: u32 = 6;
}

pub mod line {
    //! Byte offsets in one thread's registry line.
    pub const PIN: u32 = 0;
    pub const THREAD_ID: u32 = 4;
    pub const START: u32 = 8;
    pub const NODE_THREAD: u32 = 16;
    pub const ENGINE: u32 = 20;
    pub const EXITED: u32 = 24;
    pub const INTENT_KIND: u32 = 32;
    pub const INTENT_SHARD: u32 = 36;
    pub const INTENT_SLOT: u32 = 40;
    pub const INTENT_WORD_LOW: u32 = 44;
    pub const INTENT_WORD_HIGH: u32 = 48;
    pub const INTENT_NET: u32 = 52;
    pub const INTENT_WORLD: u32 = 56;
    /// 1 from before the stamp of tags moves on until the generations have followed.
    pub const INVALIDATING: u32 = 60;
    pub const SEQUENCE: u32 = 64;
    pub const NET_WORLD: u32 = 68;
    pub const NET: u32 = 72;
    pub const INFLIGHT: u32 = 76;
}

pub mod shard {
    //! Byte offsets in a shard's region header.
    pub const HEADER_BYTES: u32 = 512;

    pub const MAGIC: u32 = 0;
    pub const VERSION: u32 = 4;
    pub const NUMBER: u32 = 8;
    pub const BUCKETS: u32 = 12;
    pub const BUCKET_OFFSET: u32 = 16;
    pub const SEGMENTS: u32 = 20;
    pub const SEGMENT_SHIFT: u32 = 24;
    pub const SEGMENTS_OFFSET: u32 = 28;
    pub const SEGMENT_HEADERS: u32 = 32;
    pub const GHOST_OFFSET: u32 = 36;
    pub const GHOST_BUCKETS: u32 = 40;
    pub const GHOST_SHIFT: u32 = 44;
    pub const CHUNK_UNITS: u32 = 48;
    pub const CHUNKED_LIMIT: u32 = 52;
    pub const EXPECTED_ENTRIES: u32 = 56;
    pub const REGION_BYTES: u32 = 60;
    /// Where the versions of bindings lie, and how many: a power of two.
    pub const VERSIONS_OFFSET: u32 = 68;
    pub const VERSIONS: u32 = 72;
    /// Memory of the policy: the sketch, then, where modes are chosen, samples, tournament and miniatures.
    pub const POLICY_OFFSET: u32 = 76;
    pub const SKETCH_LINES: u32 = 80;
    /// Additions after which the sketch is halved.
    pub const SKETCH_HALVE_AT: u32 = 84;
    /// Entries of one miniature; 0 where the mode is fixed.
    pub const MINI_ENTRIES: u32 = 88;
    /// A key is sampled if its hash times the golden ratio is below. 0 where the mode is fixed.
    pub const SAMPLE_BELOW: u32 = 92;

    pub const EVICTOR: u32 = 128;
    pub const EVICTED_ONCE: u32 = 132;
    pub const FREE_SEGMENTS: u32 = 136;
    /// Open segment of a queue, index + 1; main follows small.
    pub const OPEN: u32 = 192;
    pub const SEQUENCE: u32 = 200;
    /// Three hands of 16 bytes: small, main, compaction.
    pub const HANDS: u32 = 256;
    pub const HAND_BYTES: u32 = 16;
    pub const GHOST_CLOCK: u32 = 304;
    /// Entries of a queue; main follows small. Advisory, kept only with `maxEntries`.
    pub const QUEUE_ENTRIES: u32 = 308;
    pub const DRAINED: u32 = 316;
    pub const PASS_RETAINED: u32 = 320;
    pub const PASS_SEEN: u32 = 324;
    pub const COUNTED_WORLD: u32 = 328;
    pub const HAND_IN_USE: u32 = 332;
    /// Entries a key's absence may last and still count as a return (docs/slab.md 6, ghost).
    pub const GHOST_LIMIT: u32 = 336;
    /// Small has its share and nothing was evicted yet: new keys go to main.
    pub const SMALL_FULL: u32 = 340;
    /// More lies dead in the segments than a cache should carry along: writers compact (docs/slab.md 6).
    pub const UNTIDY: u32 = 344;
    /// The mode in force (docs/slab.md 6).
    pub const MODE: u32 = 348;
    /// OPEN and SEALED segments of small at the last survey; those of main follow.
    pub const QUEUE_SEGMENTS: u32 = 352;
    /// Additions to the sketch since it was halved, then the line that halving stands at + 1.
    pub const SKETCH_ADDED: u32 = 360;
    /// f64: the bar of worth, in 256ths of an octave; 0 before the first eviction by worth.
    pub const BAR: u32 = 368;
    /// Samples ever posted, and ever taken.
    pub const SAMPLE_HEAD: u32 = 384;
    pub const SAMPLE_TAIL: u32 = 448;
}

pub mod samples {
    //! The ring of samples behind the sketch.
    pub const SLOTS: u32 = 256;
    pub const BYTES: u32 = 8;
}

pub mod tournament {
    //! Byte offsets in the tournament, which lies behind the samples; the miniatures follow it.
    pub const BYTES: u32 = 512;

    /// Not 0 while somebody changes it: who finds it so knows that its holder died.
    pub const BUSY: u32 = 0;
    /// Entries or units that a miniature may hold; 0: nothing is set up yet.
    pub const CAPACITY: u32 = 4;
    /// Requests of a block, and those of the present one so far.
    pub const BLOCK: u32 = 8;
    pub const BLOCK_LENGTH: u32 = 12;
    /// Requests sampled so far, wrapping.
    pub const SAMPLED: u32 = 16;
    /// 1 where bytes are the bound.
    pub const GROUP: u32 = 20;
    pub const SWITCHES: u32 = 24;
    /// Entries that the set-up was made for.
    pub const ENTRIES: u32 = 28;
    /// Sampled requests that the rivals' hits so far are of.
    pub const JUDGED: u32 = 48;

    /// For each miniature: lead f64, noise f64, hits in this block u32, hits so far u32, mode u32.
    pub const RIVALS: u32 = 64;
    pub const RIVAL_BYTES: u32 = 32;
    pub const LEAD: u32 = 0;
    pub const NOISE: u32 = 8;
    pub const HITS: u32 = 16;
    pub const ALL_HITS: u32 = 20;
    pub const RIVAL_MODE: u32 = 24;
    pub const MOST_RIVALS: u32 = 5;

    /// The last switches, a ring: {sampled u32, from u16, to u16, lead f32, errors f32}.
    pub const HISTORY: u32 = 256;
    pub const HISTORY_BYTES: u32 = 16;
    pub const HISTORY_SLOTS: u32 = 16;
}

pub mod miniature {
    //! Byte offsets in a miniature: header, heads of chains (u32 each), entries, sketch, ghosts.
    pub const HEADER_BYTES: u32 = 64;
    /// Entries or units in small; in main follows.
    pub const USED: u32 = 0;
    /// First and last of small; of main follow. Entries are named by their index + 1.
    pub const QUEUES: u32 = 8;
    pub const FREE: u32 = 24;
    /// Entries that have ever been used.
    pub const FRESH: u32 = 28;
    pub const EVICTED_ONCE: u32 = 32;
    pub const GHOST_CLOCK: u32 = 36;
    pub const SKETCH_ADDED: u32 = 40;
    pub const BAR: u32 = 48;
    pub const RESIDENT: u32 = 56;

    pub const ENTRY_BYTES: u32 = 16;
    pub const KEY: u32 = 0;
    pub const NEXT_IN_CHAIN: u32 = 4;
    pub const NEXT_IN_QUEUE: u32 = 8;
    /// Units 24 bits, count 2, age 2, queue 2.
    pub const WORD: u32 = 12;
}

pub mod ghost {
    pub const BUCKET_BYTES: u32 = 32;
}

pub mod sketch {
    //! Sizes of a sketch.
    pub const LINE_BYTES: u32 = 64;
    /// Cached entries for which there is one line.
    pub const ENTRIES_PER_LINE: u32 = 16;
}

pub mod version {
    //! A u64 that changes with every binding whose key's tag falls on it: exchanges so far, and those in progress below.
    pub const BYTES: u32 = 8;
    pub const IN_PROGRESS: u64 = 1;
    pub const EXCHANGED: u64 = 0x100;
}

pub mod segment {
    //! Byte offsets in a segment header, and the states of a segment.
    pub const BYTES: u32 = 64;

    pub const STATE: u32 = 0;
    pub const GENERATION: u32 = 4;
    pub const SEQUENCE: u32 = 8;
    pub const CURSOR: u32 = 12;
    pub const WORLD: u32 = 16;
    pub const BASE: u32 = 20;
    pub const LIVE_UNITS: u32 = 28;
    pub const LIVE_ENTRIES: u32 = 32;
    pub const EPOCH: u32 = 36;
    pub const DEAD_BY: u32 = 40;

    pub const FREE: u32 = 0;
    pub const OPENING: u32 = 1;
    pub const OPEN: u32 = 2;
    pub const SEALED: u32 = 3;
    pub const DRAINED: u32 = 4;
    pub const BUILDING: u32 = 5;
    pub const CHAIN: u32 = 6;
}

pub mod slot {
    //! The 64-bit slot word and its bucket.
    pub const BUCKET_BYTES: u32 = 64;
    pub const PER_BUCKET: u32 = 7;
    pub const FIRST: u32 = 8;

    pub const EMPTY: u32 = 0;
    pub const MEMBER: u32 = 1;
    pub const BUSY: u32 = 2;
    pub const REMOVING: u32 = 3;
    pub const STATE_MASK: u32 = 7;
    pub const DIRTY: u32 = 8;
    pub const OWNER_SHIFT: u32 = 4;
    pub const TAG_SHIFT: u32 = 16;
}

pub mod record {
    //! The two header words of a record.
    pub const HEADER_BYTES: u32 = 8;
    pub const VALUE_LENGTH_MASK: u32 = (1 << 20) - 1;
    pub const KIND_SHIFT: u32 = 20;
    pub const KIND_MASK: u32 = 31;
    pub const EXPIRY: u32 = 1 << 25;
    pub const IDLE: u32 = 1 << 26;
    pub const CHAIN: u32 = 1 << 27;
    pub const NAMESPACE: u32 = 1 << 28;
    pub const SOFT: u32 = 1 << 29;
    pub const COST: u32 = 1 << 30;
    pub const TAGS: u32 = 1 << 31;
    pub const KEY_LENGTH_MASK: u32 = 0xFFFF;
    pub const OBSERVED: u32 = 1 << 16;
    pub const DEAD: u32 = 1 << 17;
    /// The options end with {line, sequence} of a lease. Only together with one of the flags of the first word that put
    /// options there.
    pub const LEASE: u32 = 1 << 18;
}

/// Engines and tests refuse a peer whose list differs. The order is part of the layout.
pub fn layout_constants() -> Vec<u32> {
    vec![
        MAGIC,
        LAYOUT_VERSION,
        UNIT,
        THREADS,
        control::BYTES,
        control::MAX_ENTRIES,
        control::SEED,
        control::ORIGIN,
        control::POLICY,
        control::CACHE_ID,
        control::WORLD,
        control::EPOCH,
        control::CLOCK,
        control::CLOCK_ASLEEP,
        control::CLOCK_MANUAL,
        control::RESERVED,
        control::REAPER,
        control::HIGH_WATER,
        control::DRIFT,
        control::HASH_KEYS,
        control::LINES,
        control::LINE_BYTES,
        control::COUNTERS,
        control::COUNTERS_PER_THREAD,
        control::HISTOGRAMS,
        control::HISTOGRAM_COUNT,
        control::HISTOGRAM_BUCKETS,
        control::TAGS,
        control::TAGS_OFFSET,
        control::TAG_STAMP,
        control::TAG_ERA,
        control::LEASES,
        LEASES,
        lease::BYTES,
        lease::WORD,
        lease::OWNER,
        lease::DEADLINE,
        lease::STATE_BITS,
        line::PIN,
        line::THREAD_ID,
        line::START,
        line::NODE_THREAD,
        line::ENGINE,
        line::EXITED,
        line::INTENT_KIND,
        line::INTENT_SHARD,
        line::INTENT_SLOT,
        line::INTENT_WORD_LOW,
        line::INTENT_WORD_HIGH,
        line::INTENT_NET,
        line::INTENT_WORLD,
        line::INVALIDATING,
        line::SEQUENCE,
        line::NET_WORLD,
        line::NET,
        line::INFLIGHT,
        shard::HEADER_BYTES,
        shard::NUMBER,
        shard::BUCKETS,
        shard::BUCKET_OFFSET,
        shard::SEGMENTS,
        shard::SEGMENT_SHIFT,
        shard::SEGMENTS_OFFSET,
        shard::SEGMENT_HEADERS,
        shard::GHOST_OFFSET,
        shard::GHOST_BUCKETS,
        shard::GHOST_SHIFT,
        shard::CHUNK_UNITS,
        shard::CHUNKED_LIMIT,
        shard::EXPECTED_ENTRIES,
        shard::REGION_BYTES,
        shard::VERSIONS_OFFSET,
        shard::VERSIONS,
        shard::EVICTOR,
        shard::EVICTED_ONCE,
        shard::FREE_SEGMENTS,
        shard::OPEN,
        shard::SEQUENCE,
        shard::HANDS,
        shard::HAND_BYTES,
        shard::GHOST_CLOCK,
        shard::QUEUE_ENTRIES,
        shard::DRAINED,
        shard::PASS_RETAINED,
        shard::PASS_SEEN,
        shard::COUNTED_WORLD,
        shard::HAND_IN_USE,
        shard::GHOST_LIMIT,
        shard::SMALL_FULL,
        shard::UNTIDY,
        shard::POLICY_OFFSET,
        shard::SKETCH_LINES,
        shard::SKETCH_HALVE_AT,
        shard::MINI_ENTRIES,
        shard::MODE,
        shard::QUEUE_SEGMENTS,
        shard::SKETCH_ADDED,
        shard::BAR,
        shard::SAMPLE_BELOW,
        shard::SAMPLE_HEAD,
        shard::SAMPLE_TAIL,
        sketch::LINE_BYTES,
        samples::SLOTS,
        samples::BYTES,
        tournament::BYTES,
        tournament::JUDGED,
        tournament::RIVALS,
        tournament::RIVAL_BYTES,
        tournament::HISTORY,
        tournament::HISTORY_SLOTS,
        miniature::HEADER_BYTES,
        miniature::ENTRY_BYTES,
        segment::BYTES,
        segment::STATE,
        segment::GENERATION,
        segment::SEQUENCE,
        segment::CURSOR,
        segment::WORLD,
        segment::BASE,
        segment::LIVE_UNITS,
        segment::LIVE_ENTRIES,
        segment::EPOCH,
        segment::DEAD_BY,
        segment::FREE,
        segment::OPENING,
        segment::OPEN,
        segment::SEALED,
        segment::DRAINED,
        segment::BUILDING,
        segment::CHAIN,
        slot::BUCKET_BYTES,
        slot::PER_BUCKET,
        slot::FIRST,
        slot::MEMBER,
        slot::BUSY,
        slot::REMOVING,
        slot::DIRTY,
        slot::OWNER_SHIFT,
        slot::TAG_SHIFT,
        record::HEADER_BYTES,
        record::KIND_SHIFT,
        record::EXPIRY,
        record::IDLE,
        record::CHAIN,
        record::NAMESPACE,
        record::SOFT,
        record::COST,
        record::OBSERVED,
        record::DEAD,
        record::LEASE,
    ]
}
