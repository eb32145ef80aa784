//! The region under loom: every word its own model-checked atomic, so that the shipped algorithms run unchanged under
//! all interleavings and all reorderings that the memory model allows. Record bytes are relaxed words: a reader that is
//! not ordered behind the writer may see stale ones, which is how a missing release shows.

use crate::death;
use crate::layout::{LEASES, control, lease, shard, slot};
use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering, Ordering::*};
use std::sync::Arc;

enum Cell {
    Wide(AtomicU64),
    Narrow(AtomicU32, AtomicU32),
}

#[derive(Clone)]
pub struct Region {
    cells: Arc<Vec<Option<Cell>>>,
}

impl std::fmt::Debug for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Region({} bytes)", self.len())
    }
}

/// Binding and deadline of a line of the lease table.
fn is_lease(at: u32) -> bool {
    (control::LEASES..control::LEASES + LEASES * lease::BYTES).contains(&at)
}

fn is_tag(at: u32) -> bool {
    (control::SMALL_TAGS_OFFSET..control::SMALL_TAGS_OFFSET + 4 * control::SMALL_TAGS).contains(&at)
}

fn narrow() -> Option<Cell> {
    Some(Cell::Narrow(AtomicU32::new(0), AtomicU32::new(0)))
}

impl Region {
    /// A control region; words that no model uses are left out, because each costs the checker time.
    pub fn control() -> Self {
        let cells = (0..control::BYTES / 8)
            .map(|index| match index * 8 {
                at if is_lease(at) => Some(Cell::Wide(AtomicU64::new(0))),
                at if at >= control::COUNTERS && !is_tag(at) => None,
                control::CLOCK | control::RESERVED => Some(Cell::Wide(AtomicU64::new(0))),
                _ => narrow(),
            })
            .collect();
        Region { cells: Arc::new(cells) }
    }

    /// A shard's region of this many bytes with its buckets in `buckets` (byte offset, count).
    pub fn shard(bytes: u32, buckets: (u32, u32)) -> Self {
        let (first, count) = buckets;
        let cells = (0..bytes.div_ceil(8))
            .map(|index| {
                let at = index * 8;
                // The one version.
                if at == shard::HEADER_BYTES {
                    return Some(Cell::Wide(AtomicU64::new(0)));
                }
                let in_buckets = at >= first && at < first + count * slot::BUCKET_BYTES;
                if in_buckets && (at - first) % slot::BUCKET_BYTES >= slot::FIRST {
                    return Some(Cell::Wide(AtomicU64::new(0)));
                }
                narrow()
            })
            .collect();
        Region { cells: Arc::new(cells) }
    }

    pub fn len(&self) -> usize {
        self.cells.len() * 8
    }

    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    fn word32(&self, offset: u32) -> &AtomicU32 {
        assert!(offset % 4 == 0);
        match &self.cells[offset as usize / 8] {
            Some(Cell::Narrow(low, high)) => {
                if offset % 8 == 0 {
                    low
                } else {
                    high
                }
            }
            _ => panic!("offset {offset} is no 32-bit word in this model"),
        }
    }

    fn word64(&self, offset: u32) -> &AtomicU64 {
        assert!(offset % 8 == 0);
        match &self.cells[offset as usize / 8] {
            Some(Cell::Wide(word)) => word,
            _ => panic!("offset {offset} is no 64-bit word in this model"),
        }
    }

    pub fn load32(&self, offset: u32, order: Ordering) -> u32 {
        self.word32(offset).load(order)
    }

    pub fn store32(&self, offset: u32, value: u32, order: Ordering) {
        death::step();
        self.word32(offset).store(value, order);
    }

    pub fn release32(&self, offset: u32, value: u32) {
        self.store32(offset, value, Release);
    }

    pub fn publish32(&self, offset: u32, value: u32) {
        death::step();
        let order = if crate::mutant::is("relaxed-pin") { Relaxed } else { Release };
        self.word32(offset).store(value, order);
        loom::sync::atomic::fence(SeqCst);
    }

    pub fn cas32(&self, offset: u32, expected: u32, new: u32) -> Result<u32, u32> {
        death::step();
        self.word32(offset).compare_exchange(expected, new, AcqRel, Acquire)
    }

    pub fn add32(&self, offset: u32, by: u32) -> u32 {
        death::step();
        self.word32(offset).fetch_add(by, AcqRel)
    }

    pub fn or32(&self, offset: u32, bits: u32) -> u32 {
        death::step();
        self.word32(offset).fetch_or(bits, AcqRel)
    }

    pub fn load64(&self, offset: u32, order: Ordering) -> u64 {
        self.word64(offset).load(order)
    }

    pub fn store64(&self, offset: u32, value: u64, order: Ordering) {
        death::step();
        self.word64(offset).store(value, order);
    }

    pub fn cas64(&self, offset: u32, expected: u64, new: u64) -> Result<u64, u64> {
        death::step();
        let order = if crate::mutant::is("relaxed-publish") { Relaxed } else { AcqRel };
        self.word64(offset).compare_exchange(expected, new, order, Acquire)
    }

    pub fn add64(&self, offset: u32, by: u64) -> u64 {
        death::step();
        self.word64(offset).fetch_add(by, AcqRel)
    }

    fn byte(&self, at: usize) -> u8 {
        let word = self.load32((at & !3) as u32, Relaxed);
        word.to_le_bytes()[at & 3]
    }

    pub fn read(&self, offset: u32, into: &mut [u8]) {
        for (index, byte) in into.iter_mut().enumerate() {
            *byte = self.byte(offset as usize + index);
        }
    }

    pub fn write(&self, offset: u32, from: &[u8]) {
        let (first, end) = (offset as usize, offset as usize + from.len());
        for at in (first & !3..end).step_by(4) {
            let mut word = self.load32(at as u32, Relaxed).to_le_bytes();
            for (index, byte) in word.iter_mut().enumerate() {
                if (first..end).contains(&(at + index)) {
                    *byte = from[at + index - first];
                }
            }
            self.store32(at as u32, u32::from_le_bytes(word), Relaxed);
        }
    }

    pub fn equals(&self, offset: u32, bytes: &[u8]) -> bool {
        bytes.iter().enumerate().all(|(index, byte)| self.byte(offset as usize + index) == *byte)
    }

    pub fn copy_within(&self, from: u32, to: u32, len: u32) {
        let mut bytes = vec![0; len as usize];
        self.read(from, &mut bytes);
        self.write(to, &bytes);
    }

    pub fn fill(&self, offset: u32, len: u32, byte: u8) {
        for at in (offset..offset + len).step_by(4) {
            self.store32(at, u32::from_le_bytes([byte; 4]), Relaxed);
        }
    }

    pub fn prefetch(&self, _offset: u32) {}
}
