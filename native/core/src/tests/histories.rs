//! Histories of real threads over a few hot keys, checked for linearizability key by key, with memory so short that hot
//! records are moved on all the time and cold ones evicted.

use super::history::{Did, Event, check};
use super::support::{Random, TestCache, geometry, labelled, rounds, serial_of};
use crate::counters::Counter;
use crate::{Condition, Limits, Outcome, Use};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const HOT: u32 = 4;

/// One thread's events, key by key.
type Log = Vec<Vec<Event>>;

struct Recorder<'a> {
    a: crate::Attachment<super::support::TestHost>,
    clock: &'a AtomicU64,
    random: Random,
    me: u32,
    threads: u32,
    serial: u32,
    log: Log,
}

impl Recorder<'_> {
    fn timed(&mut self, key: u32, operation: impl FnOnce(&mut Self, &str) -> Did) {
        let name = format!("hot {key}");
        let begin = self.clock.fetch_add(1, Ordering::SeqCst);
        let did = operation(self, &name);
        let end = self.clock.fetch_add(1, Ordering::SeqCst);
        self.log[key as usize].push(Event { begin, end, did });
    }

    /// A value that nobody else writes.
    fn fresh(&mut self, key: u32) -> (u64, Vec<u8>) {
        self.serial += 1;
        let serial = self.serial * self.threads + self.me;
        let length = [12, 20, 60, 150][self.random.below(4) as usize];
        (u64::from(serial), labelled(key, serial, length))
    }

    fn turn(&mut self, cold: u32) {
        if cold > 0 && self.random.below(4) == 0 {
            let key = self.random.below(cold);
            self.a.put(&format!("cold {key}"), &labelled(key, 1, 30 + 70 * self.random.below(3) as usize));
            return;
        }
        let key = self.random.below(HOT);
        match self.random.below(24) {
            0..14 => self
                .timed(key, |this, name| Did::Got(this.a.value(name).map(|value| u64::from(serial_of(key, &value))))),
            14..18 => self.timed(key, |this, name| {
                let (serial, value) = this.fresh(key);
                if this.a.put(name, &value) == Outcome::Stored { Did::Set(serial) } else { Did::Nothing }
            }),
            18 => self.timed(key, |this, name| Did::Deleted(this.a.delete(name.as_bytes()))),
            19 => self.timed(key, |this, name| {
                let (serial, value) = this.fresh(key);
                match this.a.put_if(name, &value, Condition::Absent) {
                    Outcome::Stored => Did::Added(serial),
                    Outcome::Refused => Did::AddRefused,
                    _ => Did::Nothing,
                }
            }),
            20 => self.timed(key, |this, name| {
                Did::Took(this.a.fetch(name, Use::Take).map(|value| u64::from(serial_of(key, &value))))
            }),
            21 => self.timed(key, |this, name| {
                // Gives it an end that never comes in this test: the record moves, the value stays.
                Did::Touched(this.a.touch(name.as_bytes(), Some(1 << 30), None))
            }),
            _ => {
                let mut bytes = vec![0; 256];
                let mut seen = None;
                self.timed(key, |this, name| {
                    seen = this.a.read(name.as_bytes(), Use::Peek, &mut bytes);
                    Did::Got(seen.map(|value| u64::from(serial_of(key, &bytes[..value.length]))))
                });
                if let Some(seen) = seen {
                    self.timed(key, |this, name| {
                        let from = u64::from(serial_of(key, &bytes[..seen.length]));
                        let (to, value) = this.fresh(key);
                        match this.a.put_if(name, &value, Condition::Unchanged(seen.stamp)) {
                            Outcome::Stored => Did::Swapped { from, to },
                            _ => Did::Nothing,
                        }
                    });
                }
            }
        }
    }
}

/// `cold`: how many other keys fill the memory; 0 leaves room for all, and then nothing may be forgotten.
fn record(threads: u32, turns: u32, cold: u32, max_entries: u32) {
    let forgets = cold > 0;
    let limits = Limits { seed: 21, max_entries, ..Limits::default() };
    let cache = if forgets {
        TestCache::new(geometry(64, 12, 10), limits)
    } else {
        TestCache::new(geometry(64, 64, 12), limits)
    };
    let clock = AtomicU64::new(1);
    let logs: Vec<Log> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|me| {
                let (cache, clock): (&Arc<TestCache>, _) = (&cache, &clock);
                scope.spawn(move || {
                    let random = Random::new(u64::from(me + 7 * threads));
                    let log = vec![Vec::new(); HOT as usize];
                    let mut recorder = Recorder { a: cache.attach(), clock, random, me, threads, serial: 0, log };
                    for _ in 0..turns {
                        recorder.turn(cold);
                    }
                    recorder.log
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let a = cache.attach();
    a.validate().unwrap();
    let count = |counter: Counter| a.counter(counter as u32);
    let (hits, misses) = (count(Counter::Hits), count(Counter::Misses));
    assert!(hits > misses, "{hits} hits, {misses} misses: too few to mean anything");
    if forgets {
        assert!(count(Counter::Promoted) + count(Counter::Reinserted) > 100, "hot records were hardly moved");
    }
    // On a crowded machine a thread may stand still inside an operation for so long that a write finds no memory.
    let lost = [
        Counter::RejectedNoRoom,
        Counter::RejectedPaused,
        Counter::EvictedSmall,
        Counter::EvictedMain,
        Counter::EvictedIndex,
    ];
    let forgets = forgets || lost.into_iter().map(count).sum::<u64>() > 0;
    for key in 0..HOT as usize {
        let history: Vec<Vec<Event>> = logs.iter().map(|log| log[key].clone()).collect();
        if let Err(problem) = check(&history, forgets) {
            panic!("key {key}: {problem}");
        }
    }
}

#[test]
fn two_threads_with_room_for_all() {
    record(2, rounds(40_000), 0, 0);
}

#[test]
fn four_threads_with_room_for_all() {
    record(4, rounds(20_000), 0, 0);
}

#[test]
fn two_threads_short_of_memory() {
    record(2, rounds(60_000), 60, 0);
}

#[test]
fn three_threads_short_of_entries() {
    record(3, rounds(30_000), 60, 24);
}

#[test]
fn four_threads_short_of_memory() {
    record(4, rounds(40_000), 60, 0);
}
