//! Real threads at the same keys. What must hold whatever the machine does in between: one winner where there can be
//! one, exact sums and counts, no key in two slots, nothing readable after its delete.

use super::support::{Random, TestCache, geometry, ignore, labelled, rounds, serial_of};
use crate::layout::control;
use crate::region::Ordering as Order;
use crate::{Acquired, Condition, Extras, Incremented, LeaseState, Limits, Outcome, Use, Write};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

type Hold = crate::Attachment<super::support::TestHost>;

/// Runs `work(thread index, its attachment)` on that many threads and hands back what they return.
fn on_threads<T: Send>(cache: &Arc<TestCache>, threads: u32, work: impl Fn(u32, &Hold) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|index| {
                let work = &work;
                scope.spawn(move || {
                    let hold = cache.attach();
                    let result = work(index, &hold);
                    hold.detach();
                    result
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn roomy() -> Arc<TestCache> {
    TestCache::new(geometry(4096, 64, 14), Limits { seed: 11, ..Limits::default() })
}

/// Few keys at a time and a barrier between the phases, so that the threads meet on the same key again and again.
const BATCH: u32 = 25;

fn race_first_sets(threads: u32, keys: u32) {
    let cache = roomy();
    let meet = Barrier::new(threads as usize);
    let removed = AtomicU32::new(0);
    on_threads(&cache, threads, |me, a| {
        for first in (0..keys).step_by(BATCH as usize) {
            let batch: Vec<String> = (first..first + BATCH).map(|key| format!("{key}")).collect();
            meet.wait();
            for key in &batch {
                assert_eq!(a.put(key, &me.to_le_bytes()), Outcome::Stored);
            }
            meet.wait();
            for key in &batch {
                if a.delete(key.as_bytes()) {
                    removed.fetch_add(1, Ordering::Relaxed);
                }
                assert_eq!(a.value(key), None, "{key} is readable after its delete");
            }
            meet.wait();
            if me == 0 && first % 1000 == 0 {
                assert_eq!(a.validate(), Ok(0));
            }
        }
    });
    assert_eq!(removed.load(Ordering::Relaxed), keys.next_multiple_of(BATCH), "each key was removed exactly once");
    assert_eq!(cache.attach().validate(), Ok(0));
}

#[test]
fn first_sets_of_two_threads_leave_one_entry() {
    race_first_sets(2, rounds(100_000));
}

#[test]
fn first_sets_of_four_threads_leave_one_entry() {
    race_first_sets(4, rounds(20_000));
}

#[test]
fn sets_and_deletes_at_once_leave_one_entry_or_none() {
    let cache = roomy();
    let meet = Barrier::new(4);
    on_threads(&cache, 4, |me, a| {
        let mut random = Random::new(u64::from(me) + 5);
        for round in 0..rounds(400) {
            for turn in 0..40 {
                let key = format!("{}", random.below(6));
                if random.below(2) == 0 {
                    assert_eq!(a.put(&key, &(round * 40 + turn).to_le_bytes()), Outcome::Stored);
                } else {
                    a.delete(key.as_bytes());
                }
            }
            meet.wait();
            if me == 0 {
                a.validate().unwrap();
            }
            meet.wait();
        }
    });
}

#[test]
fn one_of_all_adds_wins_and_one_of_all_takes() {
    let cache = roomy();
    let meet = Barrier::new(4);
    let (added, taken) = (AtomicU32::new(0), AtomicU32::new(0));
    let keys = rounds(20_000);
    on_threads(&cache, 4, |me, a| {
        for first in (0..keys).step_by(BATCH as usize) {
            meet.wait();
            for key in first..first + BATCH {
                match a.put_if(&format!("{key}"), &me.to_le_bytes(), Condition::Absent) {
                    Outcome::Stored => ignore(added.fetch_add(1, Ordering::Relaxed)),
                    other => assert_eq!(other, Outcome::Refused),
                }
            }
            meet.wait();
            for key in first..first + BATCH {
                if a.fetch(&format!("{key}"), Use::Take).is_some() {
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    });
    assert_eq!((added.into_inner(), taken.into_inner()), (keys, keys));
    assert_eq!(cache.attach().validate(), Ok(0));
}

#[test]
fn increments_and_compare_and_sets_lose_nothing() {
    let cache = roomy();
    let each = rounds(15_000);
    let swapped: u64 = on_threads(&cache, 4, |_, a| {
        let mut swapped = 0u64;
        for turn in 0..each {
            // On a crowded machine a thread may be off the processor inside an operation for long; then it is refused.
            while !matches!(a.increment(b"sum", 1.0, None, None), Incremented::To(_)) {
                std::thread::yield_now();
            }
            let mut bytes = [0; 8];
            let written = match a.read(b"swap", Use::Get, &mut bytes) {
                None => a.put_if("swap", &1u64.to_le_bytes(), Condition::Absent),
                Some(seen) => {
                    let next = u64::from_le_bytes(bytes) + 1;
                    a.put_if("swap", &next.to_le_bytes(), Condition::Unchanged(seen.stamp))
                }
            };
            swapped += u64::from(written == Outcome::Stored);
            if turn % 64 == 0 {
                a.put(&format!("other {}", turn % 7), &[1; 100]);
            }
        }
        swapped
    })
    .iter()
    .sum();
    let a = cache.attach();
    let mut bytes = [0; 8];
    a.read(b"sum", Use::Get, &mut bytes).unwrap();
    assert_eq!(f64::from_le_bytes(bytes), f64::from(4 * each));
    a.read(b"swap", Use::Get, &mut bytes).unwrap();
    assert_eq!(u64::from_le_bytes(bytes), swapped);
    a.validate().unwrap();
}

#[test]
fn the_entry_bound_holds_at_every_rest_and_is_reached() {
    const MAX: u32 = 300;
    let cache = TestCache::new(geometry(MAX, 64, 12), Limits { seed: 3, max_entries: MAX, ..Limits::default() });
    let meet = Barrier::new(4);
    on_threads(&cache, 4, |me, a| {
        let mut random = Random::new(u64::from(me));
        for round in 0..rounds(150) {
            for turn in 0..100 {
                let serial = round * 100 + turn;
                assert_eq!(a.put(&format!("{me}:{serial}"), &serial.to_le_bytes()), Outcome::Stored);
                a.value(&format!("{me}:{}", serial.saturating_sub(random.below(80))));
                // The one word that is exact while others write.
                let reserved = a.control.load64(control::RESERVED, Order::Acquire) as u32;
                assert!(reserved <= MAX, "{reserved} places given away");
            }
            meet.wait();
            if me == 0 {
                let held = a.validate().unwrap();
                assert!(held <= MAX, "{held} entries");
                assert!(round < 3 || held == MAX, "{held} entries where there is room for {MAX}");
            }
            meet.wait();
        }
    });
    assert_eq!(cache.attach().validate(), Ok(MAX));
}

#[test]
fn counts_are_exact_whoever_clears_in_between() {
    for max_entries in [0, 60] {
        let limits = Limits { seed: 5, max_entries, ..Limits::default() };
        let cache = TestCache::new(geometry(256, 64, 12), limits);
        let meet = Barrier::new(4);
        on_threads(&cache, 4, |me, a| {
            let mut random = Random::new(u64::from(me) + 77);
            for round in 0..rounds(300) {
                for _ in 0..40 {
                    let key = format!("{}", random.below(100));
                    match random.below(40) {
                        0 => a.clear(),
                        1..10 => ignore(a.delete(key.as_bytes())),
                        10..15 => ignore(a.fetch(&key, Use::Take)),
                        _ => ignore(a.put(&key, &round.to_le_bytes())),
                    }
                }
                meet.wait();
                if me == 0 {
                    a.validate().unwrap();
                }
                meet.wait();
            }
        });
    }
}

#[test]
fn what_was_there_before_a_clear_is_not_there_after_it() {
    let cache = roomy();
    let meet = Barrier::new(3);
    on_threads(&cache, 3, |me, a| {
        for round in 0..rounds(3_000) {
            let key = format!("{}", round % 11);
            a.put(&key, &[0, me as u8]);
            meet.wait();
            // Thread 0 clears; 1 replaces what was there, in this world or the next; 2 reads.
            match me {
                0 => {
                    a.clear();
                    let seen = a.value(&key);
                    assert!(seen.is_none() || seen == Some(vec![1, 1]), "{seen:?} outlived the clear");
                }
                1 => assert_eq!(a.put(&key, &[1, 1]), Outcome::Stored),
                _ => ignore(a.value(&key)),
            }
            meet.wait();
            let seen = a.value(&key);
            assert!(seen.is_none() || seen == Some(vec![1, 1]), "{seen:?} outlived the clear");
            assert_eq!(a.size(), u32::from(seen.is_some()));
            meet.wait();
        }
    });
    cache.attach().validate().unwrap();
}

fn churn(cache: &Arc<TestCache>, threads: u32, turns: u32, lengths: &[usize]) {
    let serials = AtomicU64::new(1);
    let (hits, stored) = (AtomicU64::new(0), AtomicU64::new(0));
    on_threads(cache, threads, |me, a| {
        let mut random = Random::new(u64::from(me) * 31 + 1);
        for _ in 0..turns {
            let key = random.below(40) * (1 + 4 * random.below(3));
            let name = format!("{key}");
            match random.below(20) {
                0 => ignore(a.delete(name.as_bytes())),
                1 => {
                    if let Some(value) = a.fetch(&name, Use::Take) {
                        serial_of(key, &value);
                    }
                }
                2 => ignore(a.touch(name.as_bytes(), Some(a.now() + 1_000_000), None)),
                3..11 => {
                    if let Some(value) = a.value(&name) {
                        serial_of(key, &value);
                        hits.fetch_add(1, Ordering::Relaxed);
                    }
                }
                _ => {
                    let serial = serials.fetch_add(1, Ordering::Relaxed) as u32;
                    let length = lengths[random.below(lengths.len() as u32) as usize];
                    match a.put(&name, &labelled(key, serial, length)) {
                        Outcome::Stored => ignore(stored.fetch_add(1, Ordering::Relaxed)),
                        refused => assert!(matches!(refused, Outcome::NoRoom | Outcome::Paused), "{refused:?}"),
                    }
                }
            }
        }
    });
    let a = cache.attach();
    a.validate().unwrap();
    let wanted = u64::from(threads * turns) * 9 / 20;
    let stored = stored.into_inner();
    assert!(stored * 100 > wanted * 80, "only {stored} of about {wanted} writes were stored");
    assert!(hits.into_inner() > 0);
    assert_eq!(a.missing_after_clear(), 0, "segments are lost");
    assert_eq!(a.validate(), Ok(0));
}

#[test]
fn values_stay_whole_while_memory_turns_over() {
    let cache = TestCache::new(geometry(512, 24, 12), Limits { seed: 8, ..Limits::default() });
    churn(&cache, 4, rounds(30_000), &[12, 40, 200, 900, 3_000]);
}

#[test]
fn chained_values_stay_whole_while_memory_turns_over() {
    let cache = TestCache::new(geometry(512, 64, 12), Limits { seed: 8, ..Limits::default() });
    churn(&cache, 4, rounds(8_000), &[12, 300, 4_050, 4_200, 9_000, 25_000]);
}

#[test]
fn the_entry_bound_and_the_byte_bound_together() {
    let limits = Limits { seed: 8, max_entries: 50, ..Limits::default() };
    let cache = TestCache::new(geometry(50, 64, 12), limits);
    churn(&cache, 4, rounds(8_000), &[12, 300, 4_200, 9_000]);
}

/// However many ask, one loads at a time, and what it loaded is what all of them see.
#[test]
fn one_of_all_threads_loads() {
    const KEYS: usize = 3;
    let cache = roomy();
    let loading: [AtomicU32; KEYS] = Default::default();
    let loads = AtomicU32::new(0);
    on_threads(&cache, 4, |me, a| {
        let mut random = Random::new(u64::from(me) + 1);
        for turn in 0..rounds(20_000) {
            let number = random.below(KEYS as u32);
            let key = format!("key {number}");
            let Acquired::Lease(lease) = a.acquire_lease(key.as_bytes(), 1 << 20, false) else {
                continue;
            };
            let others = &loading[number as usize];
            assert_eq!(others.fetch_add(1, Ordering::SeqCst), 0, "two load {key}");
            loads.fetch_add(1, Ordering::Relaxed);
            others.fetch_sub(1, Ordering::SeqCst);
            match turn % 4 {
                // It is over as soon as it is there, so that the next one loads anew.
                0 | 1 => {
                    let (value, expires_at) = (labelled(number, turn, 40), Some(a.now()));
                    let condition = Condition::Always;
                    let write =
                        Write { key: key.as_bytes(), value: &value, kind: 0, expires_at, idle_ms: None, condition };
                    assert_eq!(a.fill(&write, &Extras::default(), lease), Outcome::Stored);
                    a.end_lease(key.as_bytes(), lease, LeaseState::Filled, &[]);
                }
                2 => a.end_lease(key.as_bytes(), lease, LeaseState::Failed, b"why"),
                _ => a.end_lease(key.as_bytes(), lease, LeaseState::Abandoned, &[]),
            }
        }
    });
    assert!(loads.load(Ordering::Relaxed) > 1000);
    cache.attach().validate().unwrap();
}

/// A load under way while others set, delete and clear: what came after it began is never overwritten by it.
#[test]
fn no_load_lands_after_a_later_change() {
    let cache = roomy();
    let meet = Barrier::new(2);
    on_threads(&cache, 2, |me, a| {
        let mut random = Random::new(u64::from(me) + 5);
        for turn in 1..rounds(10_000) {
            let deletes = turn % 2 == 0;
            meet.wait();
            if me == 0 {
                if let Acquired::Lease(lease) = a.acquire_lease(b"k", 1 << 20, false) {
                    for _ in 0..random.below(30) {
                        std::hint::spin_loop();
                    }
                    a.fill_with("k", &labelled(0, 0, 40), lease);
                    a.end_lease(b"k", lease, LeaseState::Abandoned, &[]);
                }
            } else {
                for _ in 0..random.below(60) {
                    std::hint::spin_loop();
                }
                if deletes {
                    a.put("k", &labelled(0, turn, 30));
                    a.delete(b"k");
                } else {
                    a.put("k", &labelled(0, turn, 30));
                }
            }
            meet.wait();
            // Where nothing was deleted, what was set stays: a load that began before cannot cover it, one that began after
            // finds it there.
            let seen = a.value("k").map(|value| serial_of(0, &value));
            assert!(if deletes { matches!(seen, None | Some(0)) } else { seen == Some(turn) }, "turn {turn}: {seen:?}");
            meet.wait();
            if me == 1 {
                a.delete(b"k");
            }
        }
    });
    cache.attach().validate().unwrap();
}
