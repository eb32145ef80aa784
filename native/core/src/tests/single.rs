//! One thread against a model: a map with a clock.

use super::support::{TestCache, geometry};
use crate::{Condition, Incremented, Limits, Outcome, Use, Write};
use proptest::prelude::*;
use std::collections::HashMap;

fn roomy() -> std::sync::Arc<TestCache> {
    TestCache::new(geometry(4096, 64, 14), Limits { seed: 42, ..Limits::default() })
}

#[test]
fn what_is_put_is_there_until_it_is_deleted() {
    let cache = roomy();
    let a = cache.attach();
    assert_eq!(a.value("k"), None);
    assert_eq!(a.put("k", b"one"), Outcome::Stored);
    assert_eq!(a.value("k").as_deref(), Some(&b"one"[..]));
    assert_eq!(a.put("k", b"two"), Outcome::Stored);
    assert_eq!(a.value("k").as_deref(), Some(&b"two"[..]));
    assert_eq!(a.size(), 1);
    assert!(a.delete(b"k") && !a.delete(b"k"));
    assert_eq!(a.value("k"), None);
    assert_eq!(a.validate(), Ok(0));
}

#[test]
fn large_values_come_back_whole_and_their_segments_are_used_again() {
    let cache = roomy();
    let a = cache.attach();
    for round in 0..40u32 {
        for length in [16_370, 16_384, 16_400, 32_768, 50_000, 200_000, 400_000] {
            let value: Vec<u8> = (0..length).map(|i: u32| (i.wrapping_mul(31) ^ round ^ (i >> 7)) as u8).collect();
            let outcome = a.put("big", &value);
            assert_eq!(outcome, Outcome::Stored, "{length} bytes in round {round}");
            assert_eq!(a.value("big"), Some(value));
        }
    }
    assert!(a.delete(b"big"));
    assert_eq!(a.validate(), Ok(0));
}

#[test]
fn a_value_that_cannot_be_kept_leaves_no_old_one() {
    let cache = roomy();
    let a = cache.attach();
    a.put("k", b"old");
    assert_eq!(a.put("k", &vec![1; 600_000]), Outcome::TooLarge);
    assert_eq!(a.value("k"), None);
}

#[test]
fn clear_forgets_all_at_once_and_space_comes_back() {
    let cache = roomy();
    let a = cache.attach();
    for round in 0..20 {
        for key in 0..500 {
            a.put(&format!("k{key}"), &[round; 500]);
        }
        assert!(a.size() > 400);
        a.clear();
        assert_eq!(a.size(), 0);
        assert_eq!(a.value("k1"), None);
        assert_eq!(a.put("k1", b"new"), Outcome::Stored);
        assert_eq!(a.value("k1").as_deref(), Some(&b"new"[..]));
        assert_eq!(a.validate(), Ok(1));
    }
}

#[test]
fn expiry_and_idle_time_end_entries() {
    let cache = roomy();
    let a = cache.attach();
    a.put_for("short", b"v", 10);
    let idle = Write {
        key: b"idle",
        value: b"v",
        kind: 0,
        expires_at: None,
        idle_ms: Some(100),
        condition: Condition::Always,
    };
    a.write(&idle);
    cache.host.advance(9);
    assert!(a.value("short").is_some());
    cache.host.advance(1);
    assert!(a.value("short").is_none());
    for _ in 0..5 {
        cache.host.advance(80);
        assert!(a.value("idle").is_some(), "each use puts the end off");
    }
    cache.host.advance(101);
    assert!(a.value("idle").is_none());
    assert_eq!(a.size(), 0);
    assert_eq!(a.put_for("far", b"v", 1 << 40), Outcome::Stored);
    cache.host.advance(1 << 39);
    assert!(a.value("far").is_some());
}

#[test]
fn a_coarse_clock_never_serves_late() {
    let cache = roomy();
    cache.host.coarsen(4);
    let a = cache.attach();
    for start in 0..40 {
        cache.host.advance(1);
        let key = format!("k{start}");
        let expires_at = Some(cache.host.exact() + 7);
        let (value, condition) = (&b"v"[..], Condition::Always);
        a.write(&Write { key: key.as_bytes(), value, kind: 0, expires_at, idle_ms: None, condition });
        cache.host.advance(6);
        assert!(a.value(&key).is_some());
        cache.host.advance(1);
        assert!(a.value(&key).is_none());
    }
}

#[test]
fn touch_gives_another_end_and_keeps_the_value() {
    let cache = roomy();
    let a = cache.attach();
    a.put_for("k", b"value", 10);
    assert!(a.touch(b"k", Some(a.now() + 1000), None));
    cache.host.advance(500);
    assert_eq!(a.value("k").as_deref(), Some(&b"value"[..]));
    assert!(a.touch(b"k", None, None));
    cache.host.advance(5000);
    assert_eq!(a.value("k").as_deref(), Some(&b"value"[..]));
    assert_eq!(a.expires_in(b"k"), Some(u64::MAX));
    assert!(!a.touch(b"absent", None, None));
    let big = vec![7; 100_000];
    a.put("big", &big);
    assert!(a.touch(b"big", Some(a.now() + 10), Some(5)));
    assert_eq!(a.value("big"), Some(big));
    assert_eq!(a.validate(), Ok(2));
}

#[derive(Clone, Debug)]
enum Step {
    Set { key: u8, length: u16, ttl: Option<u16>, idle: Option<u16> },
    Add { key: u8, length: u16 },
    CompareAndSet { key: u8, length: u16 },
    Get { key: u8 },
    Peek { key: u8 },
    Take { key: u8 },
    Delete { key: u8 },
    Touch { key: u8, ttl: Option<u16> },
    Increment { key: u8, by: i8 },
    Advance { milliseconds: u16 },
    Clear,
    Maintain,
}

fn step() -> impl Strategy<Value = Step> {
    let length = prop_oneof![0u16..40, 400u16..700, 16_000u16..17_000, 30_000u16..60_000];
    let end = proptest::option::of(1u16..300);
    prop_oneof![
        8 => (any::<u8>(), length.clone(), end.clone(), proptest::option::weighted(0.1, 20u16..300))
            .prop_map(|(key, length, ttl, idle)| Step::Set { key, length, ttl, idle }),
        2 => (any::<u8>(), 0u16..50).prop_map(|(key, length)| Step::Add { key, length }),
        2 => (any::<u8>(), length).prop_map(|(key, length)| Step::CompareAndSet { key, length }),
        8 => any::<u8>().prop_map(|key| Step::Get { key }),
        1 => any::<u8>().prop_map(|key| Step::Peek { key }),
        2 => any::<u8>().prop_map(|key| Step::Take { key }),
        3 => any::<u8>().prop_map(|key| Step::Delete { key }),
        2 => (any::<u8>(), end).prop_map(|(key, ttl)| Step::Touch { key, ttl }),
        2 => (any::<u8>(), any::<i8>()).prop_map(|(key, by)| Step::Increment { key, by }),
        2 => (1u16..100).prop_map(|milliseconds| Step::Advance { milliseconds }),
        1 => proptest::strategy::Just(Step::Clear),
        1 => proptest::strategy::Just(Step::Maintain),
    ]
}

#[derive(Clone)]
struct Entry {
    value: Vec<u8>,
    number: bool,
    expires_at: Option<u64>,
    idle: Option<(u64, u64)>,
}

/// The cache may forget what it was not told to keep for ever, but never shows what the model does not hold, and forgets
/// nothing while it has room.
fn run(steps: Vec<Step>, max_entries: u32, lossless: bool) {
    let cache = TestCache::new(
        geometry(if lossless { 4096 } else { 300 }, if lossless { 700 } else { 12 }, 14),
        Limits { seed: 9, max_entries, ..Limits::default() },
    );
    let a = cache.attach();
    let mut model: HashMap<u8, Entry> = HashMap::new();
    let mut serial = 0u32;
    let mut fill = |length: u16| {
        serial += 1;
        let mut value: Vec<u8> = serial.to_le_bytes().to_vec();
        value.resize(usize::from(length) + 4, serial as u8);
        value
    };
    for step in steps {
        let now = a.now();
        model.retain(|_, entry| {
            entry.expires_at.is_none_or(|due| due > now) && entry.idle.is_none_or(|(idle, used)| used + idle > now)
        });
        let name = |key: u8| format!("key-{key}");
        let check = |model: &mut HashMap<u8, Entry>, key: u8, got: Option<Vec<u8>>| match (model.get(&key), &got) {
            (Some(entry), Some(value)) => assert_eq!(&entry.value, value),
            (None, Some(_)) => panic!("{key} is there, the model has nothing"),
            (Some(_), None) => {
                assert!(!lossless, "{key} is lost");
                model.remove(&key);
            }
            (None, None) => {}
        };
        match step {
            Step::Set { key, length, ttl, idle } => {
                let value = fill(length);
                let expires_at = ttl.map(|ttl| now + u64::from(ttl));
                let idle_ms = idle.map(u32::from);
                let outcome = a.write(&Write {
                    key: name(key).as_bytes(),
                    value: &value,
                    kind: 0,
                    expires_at,
                    idle_ms,
                    condition: Condition::Always,
                });
                if outcome == Outcome::Stored {
                    let idle = idle.map(|idle| (u64::from(idle), now));
                    model.insert(key, Entry { value, number: false, expires_at, idle });
                } else {
                    assert!(!lossless);
                    model.remove(&key);
                }
            }
            Step::Add { key, length } => {
                let value = fill(length);
                let there = a.has(name(key).as_bytes());
                assert!(!there || model.contains_key(&key));
                match a.put_if(&name(key), &value, Condition::Absent) {
                    Outcome::Stored => {
                        assert!(!there || !lossless, "an add found room where an entry was");
                        model.insert(key, Entry { value, number: false, expires_at: None, idle: None });
                    }
                    Outcome::Refused => assert!(there, "an add was refused where nothing was"),
                    _ => assert!(!lossless),
                }
            }
            Step::CompareAndSet { key, length } => {
                let value = fill(length);
                let seen = a.read(name(key).as_bytes(), Use::Peek, &mut []);
                if let Some(seen) = seen {
                    match a.put_if(&name(key), &value, Condition::Unchanged(seen.stamp)) {
                        Outcome::Stored => {
                            assert!(model.contains_key(&key));
                            model.insert(key, Entry { value, number: false, expires_at: None, idle: None });
                        }
                        _ => assert!(!lossless),
                    }
                }
            }
            Step::Get { key } => {
                let got = a.value(&name(key));
                if got.is_some()
                    && let Some(entry) = model.get_mut(&key)
                    && let Some((idle, used)) = &mut entry.idle
                    && now - *used > *idle / 64
                {
                    *used = now;
                }
                check(&mut model, key, got);
            }
            Step::Peek { key } => check(&mut model, key, a.fetch(&name(key), Use::Peek)),
            Step::Take { key } => {
                // A value longer than the buffer is read twice, and only the second removes it.
                check(&mut model, key, a.fetch(&name(key), Use::Take));
                model.remove(&key);
                assert!(!a.has(name(key).as_bytes()));
            }
            Step::Delete { key } => {
                let deleted = a.delete(name(key).as_bytes());
                let held = model.remove(&key).is_some();
                assert!(!deleted || held);
                assert!(deleted == held || !lossless);
            }
            Step::Touch { key, ttl } => {
                let expires_at = ttl.map(|ttl| now + u64::from(ttl));
                let touched = a.touch(name(key).as_bytes(), expires_at, None);
                if let Some(entry) = model.get_mut(&key).filter(|_| touched) {
                    entry.expires_at = expires_at;
                    entry.idle = None;
                } else {
                    assert!(!touched);
                }
                assert!(touched == model.contains_key(&key) || !lossless);
            }
            Step::Increment { key, by } => {
                let held = model.get(&key).cloned().filter(|_| a.has(name(key).as_bytes()));
                let old =
                    held.as_ref().map_or(0.0, |entry| f64::from_le_bytes(entry.value[..].try_into().unwrap_or([0; 8])));
                match a.increment(name(key).as_bytes(), f64::from(by), None, None) {
                    Incremented::To(number) => {
                        // Making room for the new number may have taken the old one.
                        assert!(number == old + f64::from(by) || (!lossless && number == f64::from(by)));
                        let (expires_at, idle) = held.map_or((None, None), |entry| (entry.expires_at, entry.idle));
                        let idle = idle.map(|(idle, _)| (idle, now));
                        model.insert(
                            key,
                            Entry { value: number.to_le_bytes().to_vec(), number: true, expires_at, idle },
                        );
                    }
                    Incremented::NotANumber => assert!(held.is_some_and(|entry| !entry.number)),
                    Incremented::Rejected(_) => assert!(!lossless),
                }
            }
            Step::Advance { milliseconds } => cache.host.advance(u64::from(milliseconds)),
            Step::Clear => {
                a.clear();
                model.clear();
                assert_eq!(a.size(), 0);
            }
            Step::Maintain => {
                a.maintain();
                a.tend(0, 4);
                a.reclaim(0);
            }
        }
        if max_entries > 0 {
            assert!(a.size() <= max_entries);
        }
    }
    let held = a.validate().unwrap();
    let mut walked = 0;
    let mut cursor = Some(crate::Cursor::default());
    while let Some(from) = cursor {
        cursor = a.scan(from, 10, b"key-1", |key| {
            walked += 1;
            let number: u8 = std::str::from_utf8(&key[4..]).unwrap().parse().unwrap();
            assert!(model.contains_key(&number) || !lossless);
        });
    }
    assert!(walked <= held);
    a.detach();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn with_room_for_all_it_is_a_map_with_a_clock(steps in proptest::collection::vec(step(), 1..600)) {
        run(steps, 0, true);
    }

    #[test]
    fn short_of_memory_it_forgets_but_never_lies(steps in proptest::collection::vec(step(), 1..600)) {
        run(steps, 0, false);
    }

    #[test]
    fn short_of_entries_it_forgets_but_never_lies(steps in proptest::collection::vec(step(), 1..600)) {
        run(steps, 20, false);
    }
}
