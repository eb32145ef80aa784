//! A cache in private memory with a host whose clock and thread deaths tests decide.

#[cfg(not(loom))]
use crate::ShardGeometry;
use crate::{Attachment, Condition, Geometry, Host, Limits, Outcome, Region, Use, Write};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Thread ids are handed out per attachment; a test says which of them are dead.
#[derive(Clone, Default)]
pub struct TestHost {
    world: Arc<HostWorld>,
    id: u32,
}

#[derive(Default)]
struct HostWorld {
    next: AtomicU32,
    dead: Mutex<HashSet<u32>>,
    now: AtomicU64,
    grain: AtomicU64,
}

impl TestHost {
    pub fn new_thread(&self) -> TestHost {
        TestHost { world: self.world.clone(), id: self.world.next.fetch_add(1, Ordering::SeqCst) + 1 }
    }

    pub fn advance(&self, milliseconds: u64) {
        self.world.now.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub fn exact(&self) -> u64 {
        self.exact_ms()
    }

    /// Makes the coarse clock as coarse as a kernel's.
    pub fn coarsen(&self, milliseconds: u64) {
        self.world.grain.store(milliseconds, Ordering::SeqCst);
    }

    /// From now on everybody can prove that the thread with this hold is gone.
    pub fn kill(&self, id: u32) {
        self.world.dead.lock().unwrap().insert(id);
    }

    pub fn id(&self) -> u32 {
        self.id
    }
}

impl Host for TestHost {
    fn thread_id(&self) -> u32 {
        self.id
    }

    fn thread_start(&self, _thread_id: u32) -> u64 {
        7
    }

    fn is_alive(&self, thread_id: u32, _start: u64) -> bool {
        !self.world.dead.lock().unwrap().contains(&thread_id)
    }

    fn coarse_ms(&self) -> u64 {
        self.exact_ms() - self.exact_ms() % self.world.grain.load(Ordering::SeqCst).max(1)
    }

    fn exact_ms(&self) -> u64 {
        self.world.now.load(Ordering::SeqCst)
    }
}

pub struct TestCache {
    pub control: Region,
    pub shards: Vec<Region>,
    pub host: TestHost,
    #[cfg(not(loom))]
    memory: Vec<(*mut u8, std::alloc::Layout)>,
}

// SAFETY: the raw pointers are only kept to be freed at the end.
unsafe impl Send for TestCache {}
// SAFETY: as above.
unsafe impl Sync for TestCache {}

/// A geometry of about the proportions that the package lays out.
#[cfg(not(loom))]
pub fn geometry(expected_entries: u32, segments: u32, segment_shift: u32) -> Geometry {
    let units = 1 << (segment_shift - 3);
    let chunk_units = (units / 4).min(512);
    Geometry {
        shards: 1,
        shard: ShardGeometry {
            buckets: (expected_entries * 100 / (7 * 65) + 1).max(2),
            ghost_buckets: (expected_entries * 9 / 32).max(4),
            ghost_shift: 0,
            segments,
            segment_shift,
            chunk_units,
            chunked_limit_units: (chunk_units / 2).min(64) - 1,
            expected_entries,
            sketch_lines: expected_entries.div_ceil(16),
            mini_entries: 0,
        },
    }
}

impl TestCache {
    #[cfg(not(loom))]
    pub fn new(geometry: Geometry, limits: Limits) -> Arc<TestCache> {
        let mut memory = Vec::new();
        let mut region = |bytes: u32| {
            let layout = std::alloc::Layout::from_size_align(bytes as usize, 64).unwrap();
            // SAFETY: the layout is not empty; the block is freed when the TestCache is dropped, after all its users.
            let base = unsafe { std::alloc::alloc_zeroed(layout) };
            memory.push((base, layout));
            // SAFETY: `base` is valid for `bytes` and aligned.
            unsafe { Region::new(base, bytes as usize) }
        };
        let control = region(crate::layout::control::BYTES);
        let shards: Vec<Region> = (0..geometry.shards).map(|_| region(geometry.shard.bytes())).collect();
        geometry.initialise_control(&control, &limits);
        for (number, shard) in shards.iter().enumerate() {
            geometry.initialise_shard(shard, number as u32, &limits);
        }
        Arc::new(TestCache { control, shards, host: TestHost::default(), memory })
    }

    #[cfg(loom)]
    pub fn new(geometry: Geometry, limits: Limits) -> Arc<TestCache> {
        let control = Region::control();
        let shard = Region::shard(geometry.shard.bytes(), geometry.shard.buckets());
        geometry.initialise_control(&control, &limits);
        geometry.initialise_shard(&shard, 0, &limits);
        Arc::new(TestCache { control, shards: vec![shard], host: TestHost::default() })
    }

    pub fn attach(&self) -> Attachment<TestHost> {
        #[allow(clippy::clone_on_copy)] // under the model checker a Region is more than an address
        let control = self.control.clone();
        Attachment::new(control, self.shards.clone(), self.host.new_thread(), 0).unwrap()
    }
}

/// For closures whose result is of no interest.
#[cfg(not(loom))]
pub fn ignore<T>(_: T) {}

/// Runs of a test's inner loop: ten times as many with OSTRAKA_SOAK set.
#[cfg(not(loom))]
pub fn rounds(short: u32) -> u32 {
    if std::env::var_os("OSTRAKA_SOAK").is_some() { short * 10 } else { short }
}

/// A small generator of its own, so that a failure can be told by its seed.
#[cfg(not(loom))]
pub struct Random(u64);

#[cfg(not(loom))]
impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (((self.0 >> 32) * u64::from(bound)) >> 32) as u32
    }
}

/// A value that tells which key and which write it belongs to, in every byte, so that a torn or foreign one shows.
#[cfg(not(loom))]
pub fn labelled(key: u32, serial: u32, length: usize) -> Vec<u8> {
    let mut value = Vec::with_capacity(length.max(12));
    value.extend_from_slice(&key.to_le_bytes());
    value.extend_from_slice(&serial.to_le_bytes());
    value.extend_from_slice(&(length as u32).to_le_bytes());
    let mut mixed = key.wrapping_mul(0x9E37_79B1) ^ serial.wrapping_mul(0x85EB_CA6B);
    while value.len() < length {
        mixed = mixed.wrapping_mul(0xCC9E_2D51).wrapping_add(1);
        value.push((mixed >> 24) as u8);
    }
    value
}

/// The serial of a labelled value of this key; panics when it is not whole.
#[cfg(not(loom))]
pub fn serial_of(key: u32, value: &[u8]) -> u32 {
    let word = |at: usize| u32::from_le_bytes(value[at..at + 4].try_into().unwrap());
    let serial = word(4);
    assert!(value == labelled(key, serial, word(8) as usize), "key {key} shows a value that nobody wrote: {value:?}");
    serial
}

#[cfg(not(loom))]
impl Drop for TestCache {
    fn drop(&mut self) {
        for (base, layout) in &self.memory {
            // SAFETY: allocated in `new` with this layout; nobody uses the cache any more.
            unsafe { std::alloc::dealloc(*base, *layout) }
        }
    }
}

/// Short forms of the operations that tests use most.
impl Attachment<TestHost> {
    pub fn put(&self, key: &str, value: &[u8]) -> Outcome {
        self.put_if(key, value, Condition::Always)
    }

    pub fn put_if(&self, key: &str, value: &[u8], condition: Condition) -> Outcome {
        let key = key.as_bytes();
        self.write(&Write { key, value, kind: 0, expires_at: None, idle_ms: None, condition })
    }

    /// Empties the cache and gives every segment back. The number of those that stay away.
    pub fn missing_after_clear(&self) -> u32 {
        self.clear();
        let mut missing = 0;
        for number in 0..self.shards.len() {
            let segments = self.shards[number].segments;
            for _ in 0..1000 {
                self.evict(number, crate::evict::Goal::Free(segments));
                if Self::free_segments(&self.shards[number]) == segments {
                    break;
                }
            }
            missing += segments - Self::free_segments(&self.shards[number]);
        }
        missing
    }

    pub fn put_for(&self, key: &str, value: &[u8], ttl: u64) -> Outcome {
        let expires_at = Some(self.now() + ttl);
        let (key, condition) = (key.as_bytes(), Condition::Always);
        self.write(&Write { key, value, kind: 0, expires_at, idle_ms: None, condition })
    }

    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.fetch(key, Use::Get)
    }

    pub fn fetch(&self, key: &str, how: Use) -> Option<Vec<u8>> {
        let mut into = vec![0; 256];
        loop {
            let value = self.read(key.as_bytes(), how, &mut into)?;
            if value.length <= into.len() {
                into.truncate(value.length);
                return Some(into);
            }
            into.resize(value.length, 0);
        }
    }
}
