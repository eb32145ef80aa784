//! A small cache in private memory for the fuzz targets, with a clock that only the input moves.

use ostraka_core::{Attachment, Geometry, Host, Limits, Region, ShardGeometry, layout};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::cell::Cell;
use std::rc::Rc;

#[derive(Clone, Default)]
pub struct Clock(Rc<Cell<u64>>);

impl Clock {
    pub fn advance(&self, milliseconds: u64) {
        self.0.set(self.0.get() + milliseconds);
    }
}

impl Host for Clock {
    fn thread_id(&self) -> u32 {
        1
    }
    fn thread_start(&self, _thread_id: u32) -> u64 {
        1
    }
    fn is_alive(&self, _thread_id: u32, _start: u64) -> bool {
        true
    }
    fn coarse_ms(&self) -> u64 {
        self.0.get()
    }
    fn exact_ms(&self) -> u64 {
        self.0.get()
    }
}

pub struct Memory {
    blocks: Vec<(*mut u8, Layout)>,
}

impl Memory {
    fn region(&mut self, bytes: u32) -> Region {
        let layout = Layout::from_size_align(bytes as usize, 64).expect("a size within bounds");
        // SAFETY: not empty; freed with this layout when the Memory is dropped, after the attachment over it.
        let base = unsafe { alloc_zeroed(layout) };
        self.blocks.push((base, layout));
        // SAFETY: valid for `bytes`, aligned to 64.
        unsafe { Region::new(base, bytes as usize) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for (base, layout) in &self.blocks {
            // SAFETY: allocated above with this layout.
            unsafe { dealloc(*base, *layout) }
        }
    }
}

/// An attachment to a fresh cache, its shard's region, the clock, and the memory that must outlive it.
pub fn cache(max_entries: u32) -> (Attachment<Clock>, Region, Clock, Memory) {
    let geometry = Geometry {
        shards: 1,
        shard: ShardGeometry {
            buckets: 24,
            ghost_buckets: 6,
            ghost_shift: 0,
            segments: 24,
            segment_shift: 10,
            chunk_units: 32,
            chunked_limit_units: 15,
            expected_entries: 100,
            sketch_lines: 7,
            mini_entries: 0,
        },
    };
    let mut memory = Memory { blocks: Vec::new() };
    let control = memory.region(layout::control::BYTES);
    let shard = memory.region(geometry.shard.bytes());
    let limits = Limits { max_entries, seed: 11, ..Limits::default() };
    geometry.initialise_control(&control, &limits);
    geometry.initialise_shard(&shard, 0, &limits);
    let clock = Clock::default();
    let attachment = Attachment::new(control, vec![shard], clock.clone(), 0).expect("a sound cache");
    (attachment, shard, clock, memory)
}
