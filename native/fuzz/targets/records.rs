//! Memory that holds anything: bytes of the input over slots and records. Reading and scanning stay inside the region,
//! end, and hand out nothing longer than it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ostraka_core::{Condition, Cursor, Use, Write, layout};

fuzz_target!(|input: &[u8]| {
    let (cache, shard, _clock, memory) = ostraka_fuzz::cache(0);
    let keys: Vec<Vec<u8>> = (0..32u8).map(|key| vec![b'k', key]).collect();
    for (index, key) in keys.iter().enumerate() {
        let value = vec![index as u8; [5, 60, 300, 2500][index % 4]];
        let (expires_at, condition) = ((index % 3 == 0).then_some(1000), Condition::Always);
        cache.write(&Write { key, value: &value, kind: 0, expires_at, idle_ms: None, condition });
    }
    let first = layout::shard::HEADER_BYTES + 24 * layout::segment::BYTES;
    for patch in input.chunks_exact(12) {
        let place = u32::from_le_bytes([patch[0], patch[1], patch[2], patch[3]]);
        let word = u64::from_le_bytes(patch[4..12].try_into().expect("eight bytes"));
        let room = (shard.len() as u32 - first) / 8;
        shard.store64(first + 8 * (place % room), word, ostraka_core::region::Ordering::Relaxed);
    }
    let mut into = vec![0; 4096];
    for key in &keys {
        cache.has(key);
        cache.expires_in(key);
        if let Some(value) = cache.read(key, Use::Peek, &mut into) {
            assert!(value.length <= shard.len());
            cache.is_current(value.stamp);
        }
    }
    let mut cursor = Some(Cursor::default());
    while let Some(from) = cursor {
        cursor = cache.scan(from, 10, b"", |key| assert!(key.len() < 1 << 16));
    }
    drop(memory);
});
