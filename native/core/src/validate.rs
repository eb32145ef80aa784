//! The invariants of a cache at rest, checked after tests, models and fuzzing. Never called by the engine.

use crate::attachment::Attachment;
use crate::host::Host;
use crate::index::slots;
use crate::layout::{UNIT, control, segment, slot, version};
use crate::record::CHAIN;
use crate::region::Ordering;
use crate::segment::{POISON, POISONS};
use crate::shard::{state, word};
use std::collections::HashMap;

impl<H: Host> Attachment<H> {
    /// Entries of the present world, or what is wrong. No other thread may be inside an operation.
    pub fn validate(&self) -> Result<u32, String> {
        let world = self.world();
        let mut keys: HashMap<Vec<u8>, u32> = HashMap::new();
        let mut current = 0;
        for (number, home) in self.shards.iter().enumerate() {
            for bucket in 0..home.buckets {
                let bucket = home.bucket_offset + bucket * slot::BUCKET_BYTES;
                for at in slots(bucket) {
                    let seen = home.region.load64(at, Ordering::Acquire);
                    if seen == 0 {
                        continue;
                    }
                    if word::state(seen) != slot::MEMBER {
                        return Err(format!("slot {at} is left in state {}", word::state(seen)));
                    }
                    let location = word::location(seen);
                    let header = home.record(location).ok_or(format!("slot {at} points outside the segments"))?;
                    let mut key = Vec::new();
                    home.read_key(location, header, &mut key);
                    let hash = self.hash(&key);
                    if self.shard_of(hash) != number
                        || word::tag(seen) != hash.tag
                        || !home.candidate_buckets(hash).contains(&bucket)
                    {
                        return Err(format!("slot {at} holds a record of another key: {key:?}"));
                    }
                    let index = home.segment_of(location);
                    let kind = state::kind(home.state(index));
                    if !matches!(kind, segment::OPEN | segment::SEALED) {
                        return Err(format!("slot {at} points into a segment of state {kind}"));
                    }
                    if header.has(CHAIN) && self.value_length(home, location, header) == 0 {
                        return Err(format!("slot {at} has a broken chain"));
                    }
                    if let Some(other) = keys.insert(key, at) {
                        return Err(format!("slots {other} and {at} hold the same key"));
                    }
                    self.validate_lease_of(home, location, header)?;
                    if home.segment_word(index, segment::WORLD) == world && !header.is_marker() {
                        current += 1;
                    }
                }
            }
            self.validate_segments(number)?;
        }
        if self.size() != current {
            return Err(format!("size says {}, the index holds {current}", self.size()));
        }
        self.validate_reservations(world, current)?;
        self.validate_leases()?;
        Ok(current)
    }

    /// No exchange of a binding is in progress at rest, unless somebody died in it.
    pub fn validate_versions(&self) -> Result<(), String> {
        for home in &self.shards {
            for number in 0..home.versions {
                let seen = home.region.load64(home.version_of(number), Ordering::Acquire);
                if seen & (version::EXCHANGED - 1) != 0 {
                    return Err(format!("version {number} is left at {seen:#x}"));
                }
            }
        }
        Ok(())
    }

    fn validate_reservations(&self, world: u32, current: u32) -> Result<(), String> {
        if self.max_entries == 0 {
            return Ok(());
        }
        if current > self.max_entries {
            return Err(format!("{current} entries where {} are allowed", self.max_entries));
        }
        self.collect_drift();
        let reserved = self.control.load64(control::RESERVED, Ordering::Acquire);
        if (reserved >> 32) as u32 == world && reserved as u32 != current {
            return Err(format!("{} places reserved for {current} entries", reserved as u32));
        }
        Ok(())
    }

    fn validate_segments(&self, number: usize) -> Result<(), String> {
        let home = &self.shards[number];
        for index in 0..home.segments {
            let kind = state::kind(home.state(index));
            if matches!(kind, segment::OPENING | segment::BUILDING) {
                return Err(format!("segment {index} is left in state {kind}"));
            }
            if kind == segment::FREE {
                let mut bytes = vec![0; (home.segment_units() * UNIT) as usize];
                home.region.read(home.segment_start(index) * UNIT, &mut bytes);
                let used = (home.segment_word(index, segment::CURSOR).min(home.segment_units()) * UNIT) as usize;
                let wanted = |at: usize| if at >= used { Some(0) } else { POISONS.then_some(POISON) };
                if let Some(at) = (0..bytes.len()).find(|&at| wanted(at).is_some_and(|byte| bytes[at] != byte)) {
                    let bytes = &bytes[at & !7..(at & !7) + 8];
                    return Err(format!("free segment {index} was written to at {at} of {used}: {bytes:?}"));
                }
            }
        }
        Ok(())
    }
}
