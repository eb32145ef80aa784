//! One thread's hold on one cache: the shared regions, its line in the registry, its chunks and its key hash.
//!
//! Every operation of the slab is a method of [`Attachment`], spread over the files of this crate by concern. It is used
//! by the thread that attached and no other, hence `Cell`s for its private state; whatever is shared goes through
//! [`Region`]. Dropping it without [`Attachment::detach`] is what a thread's death looks like to the others.

use crate::allocate::Chunk;
use crate::counters::Counter;
use crate::departures::Departures;
use crate::hash::{HASH_KEYS, KeyHash, hash_key};
use crate::host::Host;
use crate::layout::{LAYOUT_VERSION, MAGIC, THREADS, control};
use crate::region::{Ordering, Region};
use crate::shard::{Foreign, Shard};
use std::cell::{Cell, RefCell};

pub struct Attachment<H: Host> {
    pub(crate) control: Region,
    pub(crate) shards: Vec<Shard>,
    pub(crate) host: H,
    /// Index of this thread's line.
    pub(crate) me: u32,
    pub(crate) line: u32,
    counters: u32,
    /// Off: nothing is counted in this thread.
    counting: Cell<bool>,
    pub(crate) departures: Departures,
    pub(crate) max_entries: u32,
    pub(crate) manual_clock: bool,
    pub(crate) origin_ms: u64,
    hash_keys: Box<[u32; HASH_KEYS]>,
    seed: u64,
    /// This thread's chunks: two queues for each shard.
    pub(crate) chunks: Vec<[Cell<Chunk>; 2]>,
    /// Units of records to be looked at by an eviction turn before the next write: callers pay for upkeep in small
    /// pieces as they take space.
    pub(crate) owed: Cell<u32>,
    pub(crate) key_scratch: RefCell<Vec<u8>>,
    /// Byte offset of the tag generations in the control region, and what masks their number.
    pub(crate) tags: u32,
    pub(crate) tag_mask: u32,
    /// Line of the lease table where the next free one is looked for.
    pub(crate) next_lease: Cell<u32>,
    pub(crate) woken: RefCell<Vec<u32>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachError {
    /// The memory is not a cache, or of another layout version.
    Foreign(Foreign),
    /// All lines of the registry belong to living threads.
    TooManyThreads,
}

pub const ENGINE_NATIVE: u32 = 1;

impl<H: Host> Attachment<H> {
    /// Claims a line in the registry. Called once per thread and cache.
    pub fn new(control: Region, shards: Vec<Region>, host: H, node_thread: u32) -> Result<Self, AttachError> {
        let word = |offset| control.load32(offset, Ordering::Acquire);
        let wide = |offset| u64::from(word(offset)) | (u64::from(word(offset + 4)) << 32);
        if control.len() < control::BYTES as usize || word(control::MAGIC) != MAGIC {
            return Err(AttachError::Foreign(Foreign::Magic));
        }
        if word(control::VERSION) != LAYOUT_VERSION {
            return Err(AttachError::Foreign(Foreign::Version(word(control::VERSION))));
        }
        if word(control::THREADS) != THREADS
            || word(control::SHARDS) as usize != shards.len()
            || !shards.len().is_power_of_two()
        {
            return Err(AttachError::Foreign(Foreign::Geometry));
        }
        let (tags, tags_at) = (word(control::TAGS), word(control::TAGS_OFFSET));
        let tags_end = u64::from(tags_at) + 4 * u64::from(tags);
        if !tags.is_power_of_two() || !tags_at.is_multiple_of(4) || tags_end > control.len() as u64 {
            return Err(AttachError::Foreign(Foreign::Geometry));
        }
        let seed = wide(control::SEED);
        let mut hash_keys = Box::new([0; HASH_KEYS]);
        for (index, key) in hash_keys.iter_mut().enumerate() {
            *key = word(control::HASH_KEYS + 4 * index as u32);
        }
        let shards =
            shards.into_iter().map(Shard::open).collect::<Result<Vec<_>, _>>().map_err(AttachError::Foreign)?;
        let mut this = Attachment {
            max_entries: word(control::MAX_ENTRIES),
            manual_clock: word(control::CLOCK_MANUAL) != 0,
            origin_ms: wide(control::ORIGIN),
            chunks: shards.iter().map(|_| Default::default()).collect(),
            control,
            shards,
            host,
            me: 0,
            line: 0,
            counters: 0,
            counting: Cell::new(true),
            departures: Departures::default(),
            hash_keys,
            seed,
            owed: Cell::new(0),
            key_scratch: RefCell::new(Vec::new()),
            tags: tags_at,
            tag_mask: tags - 1,
            next_lease: Cell::new(0),
            woken: RefCell::new(Vec::new()),
        };
        let me = this.claim_line(node_thread).ok_or(AttachError::TooManyThreads)?;
        this.me = me;
        this.line = line_offset(me);
        this.counters = control::COUNTERS + me * control::COUNTERS_PER_THREAD * 8;
        Ok(this)
    }

    /// Gives the line back. The attachment must not be used afterwards.
    pub fn detach(&self) {
        self.drop_chunks();
        self.abandon_leases_of(self.me);
        self.free_line(self.me);
    }

    #[inline(always)]
    pub(crate) fn hash(&self, key: &[u8]) -> KeyHash {
        hash_key(&self.hash_keys, self.seed, key)
    }

    #[inline(always)]
    pub(crate) fn shard_of(&self, hash: KeyHash) -> usize {
        hash.h as usize & (self.shards.len() - 1)
    }

    #[inline(always)]
    pub(crate) fn count(&self, counter: Counter) {
        self.count_by(counter, 1);
    }

    #[inline(always)]
    pub(crate) fn count_by(&self, counter: Counter, by: u64) {
        #[cfg(not(loom))]
        if self.counting.get() {
            self.control.bump64(self.counters + counter as u32 * 8, by);
        }
        #[cfg(loom)]
        let _ = (counter, by, self.counters);
    }

    /// Adds to one of this thread's counters by its index, for what happens above the slab.
    pub fn count_event(&self, counter: u32, by: u64) {
        #[cfg(not(loom))]
        if self.counting.get() && counter < control::COUNTERS_PER_THREAD {
            self.control.bump64(self.counters + counter * 8, by);
        }
        #[cfg(loom)]
        let _ = (counter, by);
    }

    /// A counter summed over all lines ever used; 0 for one that there is not.
    pub fn counter(&self, counter: u32) -> u64 {
        #[cfg(not(loom))]
        return (0..self.high_water())
            .filter(|_| counter < control::COUNTERS_PER_THREAD)
            .map(|thread| {
                let row = control::COUNTERS + thread * control::COUNTERS_PER_THREAD * 8;
                self.control.load64(row + counter * 8, Ordering::Relaxed)
            })
            .fold(0, u64::wrapping_add);
        #[cfg(loom)]
        return u64::from(counter) * 0;
    }

    /// Asks the kernel for huge pages under all shards; whether it agreed to any.
    #[cfg(not(loom))]
    pub fn advise_huge_pages(&self) -> bool {
        // Every shard is asked, also after one agreed.
        self.shards.iter().filter(|home| home.region.advise_huge_pages()).count() > 0
    }

    /// Whether this thread counts what it does from now on.
    pub fn set_counting(&self, counting: bool) {
        self.counting.set(counting);
    }

    /// Index of this thread's line in the registry, its own until it detaches.
    pub fn line_index(&self) -> u32 {
        self.me
    }

    pub fn shard_count(&self) -> usize {
        self.shards.len()
    }
}

pub(crate) fn line_offset(thread: u32) -> u32 {
    control::LINES + thread * control::LINE_BYTES
}
