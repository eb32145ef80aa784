//! Values larger than a segment: whole segments of their own, listed in the head record, that live and die with it
//! (docs/slab.md 1.5). The head is an ordinary record; its value is `{total, n, n × {segment, generation}}` and the rest
//! of the bytes that did not fill a segment.

use crate::attachment::Attachment;
use crate::counters::Counter;
use crate::host::Host;
use crate::layout::{UNIT, segment, shard};
use crate::record::Header;
use crate::region::Ordering;
use crate::segment::Claimant;
use crate::shard::{Shard, state};

/// The largest value, whatever the cache's size.
pub const MAX_VALUE_BYTES: usize = 64 << 20;

/// A chain that is being written, or belongs to a head record.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    pub links: Vec<(u32, u32)>,
    pub total: u32,
}

const FIXED: usize = 8;
const LINK_BYTES: usize = 8;

impl Chain {
    /// What the head record holds as its value: the list and the bytes that did not go into segments.
    pub fn head_value(&self, rest: &[u8]) -> Vec<u8> {
        let mut value = Vec::with_capacity(FIXED + LINK_BYTES * self.links.len() + rest.len());
        value.extend_from_slice(&self.total.to_le_bytes());
        value.extend_from_slice(&(self.links.len() as u32).to_le_bytes());
        for (index, generation) in &self.links {
            value.extend_from_slice(&index.to_le_bytes());
            value.extend_from_slice(&generation.to_le_bytes());
        }
        value.extend_from_slice(rest);
        value
    }
}

/// Segments that a value of `length` needs beside a head with `room` bytes, or `None` when it needs none.
pub(crate) fn segments_for(length: usize, room: usize, segment_bytes: usize) -> Option<usize> {
    if length <= room {
        return None;
    }
    let whole = length / segment_bytes;
    let rest = length % segment_bytes;
    let fits = whole > 0 && FIXED + LINK_BYTES * whole + rest <= room;
    Some(if fits { whole } else { whole + 1 })
}

impl<H: Host> Attachment<H> {
    /// Takes `count` free segments and fills them. Unpinned: they are this thread's alone until the head is linked.
    pub(crate) fn build_chain(&self, number: usize, value: &[u8], count: usize) -> Option<Chain> {
        let home = &self.shards[number];
        let mut chain = Chain { links: Vec::with_capacity(count), total: value.len() as u32 };
        for _ in 0..count {
            let Some(index) = self.take_free_segment(home, segment::BUILDING, Claimant::Caller) else {
                self.abandon_chain(number, &chain);
                return None;
            };
            chain.links.push((index, home.segment_word(index, segment::GENERATION)));
        }
        for (&(index, _), part) in chain.links.iter().zip(value.chunks(1 << home.segment_shift)) {
            home.region.write(home.segment_start(index) * UNIT, part);
            home.region.release32(home.segment_header(index) + segment::CURSOR, home.segment_units());
        }
        Some(chain)
    }

    /// The head record is written: from now on the hand frees the chain if the head is not linked.
    pub(crate) fn publish_chain(&self, home: &Shard, chain: &Chain) {
        for &(index, _) in &chain.links {
            home.region.release32(home.segment_header(index) + segment::STATE, state::pack(segment::CHAIN, 0, None));
        }
        self.count(Counter::ChainsStored);
    }

    /// The head was not linked: the segments are this thread's again until another head names them. Pinned callers
    /// only, since the append of that head, so that no hand can have come to it.
    pub(crate) fn withdraw_chain(&self, home: &Shard, chain: &Chain) {
        for &(index, _) in &chain.links {
            home.region.release32(
                home.segment_header(index) + segment::STATE,
                state::pack(segment::BUILDING, 0, Some(self.me)),
            );
        }
    }

    /// Gives back a chain whose head was never linked.
    pub(crate) fn abandon_chain(&self, number: usize, chain: &Chain) {
        let home = &self.shards[number];
        for &(index, generation) in &chain.links {
            let seen = home.state(index);
            if home.segment_word(index, segment::GENERATION) == generation
                && matches!(state::kind(seen), segment::BUILDING | segment::CHAIN)
            {
                self.free_segment(home, index, seen);
            }
        }
    }

    /// Starts the second grace of a chain whose head has just been unlinked. Pinned callers only.
    pub(crate) fn retire_chain(&self, home: &Shard, location: u32, header: Header) {
        let Some(chain) = self.read_chain(home, location, header) else { return };
        let epoch = self.advance_epoch();
        for (index, generation) in chain.links {
            let seen = home.state(index);
            if home.segment_word(index, segment::GENERATION) != generation || state::kind(seen) != segment::CHAIN {
                continue;
            }
            let header = home.segment_header(index);
            home.region.store32(header + segment::EPOCH, epoch, Ordering::Release);
            let drained = state::pack(segment::DRAINED, 0, None);
            if home.region.cas32(header + segment::STATE, seen, drained).is_ok() {
                home.region.add32(shard::DRAINED, 1);
            }
        }
    }

    /// The hand met an unlinked head: its chain goes, unless the key's present record names the same one (its
    /// relocation was cut short by a death, or its writer linked a second head).
    pub(crate) fn retire_orphan(&self, home: &Shard, key: &[u8], location: u32, header: Header, world: u32) {
        let hash = self.hash(key);
        let mine = self.read_chain(home, location, header);
        let present = self
            .find(home, key, hash, world)
            .filter(|found| found.header.has(crate::record::CHAIN))
            .and_then(|found| self.read_chain(home, found.location, found.header));
        if let (Some(mine), Some(present)) = (&mine, &present)
            && mine.links == present.links
        {
            return;
        }
        self.retire_chain(home, location, header);
    }

    /// `None` when the list does not fit its record, as only a broken memory can have it.
    fn read_chain(&self, home: &Shard, location: u32, header: Header) -> Option<Chain> {
        let at = location * UNIT + header.value_offset();
        let length = header.value_length() as usize;
        let mut fixed = [0; FIXED];
        if length < FIXED {
            return None;
        }
        home.region.read(at, &mut fixed);
        let word = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or(u32::MAX);
        let (total, count) = (word(&fixed[..4]), word(&fixed[4..]) as usize);
        if count > home.segments as usize || FIXED + LINK_BYTES * count > length {
            return None;
        }
        let mut list = vec![0; LINK_BYTES * count];
        home.region.read(at + FIXED as u32, &mut list);
        let links: Vec<(u32, u32)> =
            list.chunks_exact(LINK_BYTES).map(|pair| (word(&pair[..4]), word(&pair[4..]))).collect();
        let held = (count << home.segment_shift) + (length - FIXED - LINK_BYTES * count);
        let sound = links.iter().all(|&(index, _)| index < home.segments) && total as usize <= held;
        sound.then_some(Chain { links, total })
    }

    /// Length of a record's value, in whatever form it is kept.
    pub(crate) fn value_length(&self, home: &Shard, location: u32, header: Header) -> usize {
        if header.has(crate::record::CHAIN) {
            self.read_chain(home, location, header).map_or(0, |chain| chain.total as usize)
        } else {
            header.value_length() as usize
        }
    }

    /// Copies a value out under the caller's pin. `into` has exactly its length.
    pub(crate) fn read_value(&self, home: &Shard, location: u32, header: Header, into: &mut [u8]) {
        let at = location * UNIT + header.value_offset();
        if !header.has(crate::record::CHAIN) {
            home.region.read(at, into);
            return;
        }
        let Some(chain) = self.read_chain(home, location, header) else { return };
        let in_segments = (chain.links.len() << home.segment_shift).min(into.len());
        let (first, rest) = into.split_at_mut(in_segments);
        for ((index, _), part) in chain.links.iter().zip(first.chunks_mut(1 << home.segment_shift)) {
            home.region.read(home.segment_start(*index) * UNIT, part);
        }
        home.region.read(at + (FIXED + LINK_BYTES * chain.links.len()) as u32, rest);
    }
}
