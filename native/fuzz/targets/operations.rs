//! Bytes as a sequence of operations on a small cache, beside a map with a clock: the cache may forget, never lie, and is
//! sound at the end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ostraka_core::{Condition, Outcome, Use, Write};
use std::collections::HashMap;

fuzz_target!(|input: &[u8]| {
    let Some((&first, steps)) = input.split_first() else { return };
    let max_entries = if first < 128 { 0 } else { 1 + u32::from(first % 32) };
    let (cache, _shard, clock, memory) = ostraka_fuzz::cache(max_entries);
    // Value and the time it ends, by key.
    let mut model: HashMap<u8, (Vec<u8>, Option<u64>)> = HashMap::new();
    let mut into = vec![0; 16 * 1024];
    for (turn, step) in steps.chunks_exact(4).enumerate() {
        let [kind, key, size, more] = [step[0], step[1] % 64, step[2], step[3]];
        let now = cache.now();
        model.retain(|_, (_, ends)| ends.is_none_or(|ends| ends > now));
        let name = [key, b'k', more % 2];
        let known = model.contains_key(&(key * 2 + more % 2));
        let id = key * 2 + more % 2;
        match kind % 12 {
            0..4 => {
                let length = usize::from(size) * if more > 200 { 40 } else { 3 };
                let value: Vec<u8> = (0..length).map(|at| (at as u8) ^ size ^ (turn as u8)).collect();
                let ends = (more % 5 == 0).then(|| now + 1 + u64::from(more));
                let condition = if kind % 12 == 3 { Condition::Absent } else { Condition::Always };
                let write = Write { key: &name, value: &value, kind: 0, expires_at: ends, idle_ms: None, condition };
                match cache.write(&write) {
                    Outcome::Stored => {
                        model.insert(id, (value, ends));
                    }
                    Outcome::Refused => assert!(known && condition == Condition::Absent),
                    _ if condition == Condition::Always => {
                        model.remove(&id);
                    }
                    _ => {}
                }
            }
            4..8 => {
                let how = if kind % 12 == 7 { Use::Take } else { Use::Get };
                if let Some(value) = cache.read(&name, how, &mut into) {
                    let (wanted, _) = model.get(&id).expect("what the model does not hold");
                    assert_eq!(&into[..value.length], &wanted[..]);
                    if how == Use::Take {
                        model.remove(&id);
                    }
                } else {
                    model.remove(&id);
                }
            }
            8 => {
                let deleted = cache.delete(&name);
                assert!(!deleted || known);
                model.remove(&id);
            }
            9 => {
                let ends = (more % 3 != 0).then(|| now + 1 + u64::from(size));
                if cache.touch(&name, ends, None) {
                    model.get_mut(&id).expect("what the model does not hold").1 = ends;
                }
            }
            10 => clock.advance(u64::from(size)),
            _ if size == 0 => {
                cache.clear();
                model.clear();
                assert_eq!(cache.size(), 0);
            }
            _ => {
                cache.maintain();
            }
        }
        assert!(max_entries == 0 || cache.size() <= max_entries);
    }
    cache.validate().expect("a sound cache");
    cache.detach();
    drop(memory);
});
