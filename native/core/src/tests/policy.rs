//! The modes and their choosing: each does what it is for, and nothing that lies in the memory of the policy, nor a death
//! anywhere in learning, makes the cache wrong.

use super::support::{Random, TestCache, TestHost, geometry, labelled, rounds, serial_of};
use crate::death::survives;
use crate::layout::{shard, tournament};
use crate::miniature::Miniature;
use crate::policy::{ADAPTIVE, CLOCK, FREQUENCY, LIGHT};
use crate::region::Ordering;
use crate::{Attachment, Limits};
use std::sync::Arc;

type Hold = Attachment<TestHost>;

fn adaptive(max_entries: u32) -> Arc<TestCache> {
    let mut sizes = geometry(200, 64, 12);
    sizes.shard.mini_entries = 64;
    TestCache::new(sizes, Limits { max_entries, seed: 3, policy: ADAPTIVE, ..Limits::default() })
}

fn fixed(policy: u32, max_entries: u32) -> Arc<TestCache> {
    TestCache::new(geometry(200, 64, 12), Limits { max_entries, seed: 3, policy, ..Limits::default() })
}

/// Asks for the keys in turn and writes what is absent; the hits in the last `counted`.
fn play(a: &Hold, keys: impl ExactSizeIterator<Item = u32>, counted: usize, length: impl Fn(u32) -> usize) -> usize {
    let from = keys.len() - counted;
    let mut hits = 0;
    for (at, key) in keys.enumerate() {
        let name = format!("key {key}");
        match a.value(&name) {
            Some(value) => {
                serial_of(key, &value);
                hits += usize::from(at >= from);
            }
            None => {
                a.put(&name, &labelled(key, 1, length(key)));
            }
        }
    }
    hits
}

fn round_and_round(length: u32, requests: u32) -> impl ExactSizeIterator<Item = u32> {
    (0..requests).map(move |at| at % length)
}

#[test]
fn what_has_proven_itself_stays_in_a_loop_that_does_not_fit() {
    let of = |policy| play(&fixed(policy, 100).attach(), round_and_round(150, 6000), 3000, |_| 20);
    let (frequency, clock) = (of(FREQUENCY), of(CLOCK));
    assert!(frequency > 1700, "{frequency} of 3000");
    assert!(clock < 100, "{clock} of 3000");
}

#[test]
fn light_keeps_what_is_asked_for_often_per_byte() {
    let mut random = Random::new(8);
    // Few small ones that are asked for often, and many large ones.
    let keys: Vec<u32> =
        (0..20_000).map(|at| if at % 2 == 0 { random.below(400) } else { 1000 + random.below(2000) }).collect();
    let length = |key: u32| if key < 1000 { 40 } else { 700 };
    let of = |policy| {
        let limits = Limits { seed: 3, policy, ..Limits::default() };
        let cache = TestCache::new(geometry(2000, 64, 12), limits);
        play(&cache.attach(), keys.clone().into_iter(), 10_000, length)
    };
    let (light, clock) = (of(LIGHT), of(CLOCK));
    assert!(light > 4700 && light > clock + 200, "{light} against {clock}");
}

#[test]
fn luck_is_no_reason_to_change_the_mode() {
    let cache = adaptive(100);
    let a = cache.attach();
    let mut random = Random::new(4);
    let keys: Vec<u32> = (0..30_000).map(|_| random.below(400)).collect();
    play(&a, keys.into_iter(), 1, |_| 20);
    let switches = a.audit_miniatures(0).unwrap();
    assert!(switches <= 8, "{switches} switches between modes that are as good as each other");
}

#[test]
fn a_loop_is_learned() {
    let cache = adaptive(100);
    let a = cache.attach();
    let hits = play(&a, round_and_round(130, 12_000), 3000, |_| 20);
    assert!(hits > 2000, "{hits} of 3000");
    assert!(a.audit_miniatures(0).unwrap() > 0);
}

/// The bound holds, values are whole and counts exact whatever the words say that the policy goes by.
#[test]
fn whatever_lies_in_the_memory_of_the_policy() {
    for seed in 0..rounds(6) {
        let max_entries = if seed % 2 == 0 { 90 } else { 0 };
        let cache = adaptive(max_entries);
        let a = cache.attach();
        let mut random = Random::new(u64::from(seed) + 1);
        let home = &a.shards[0];
        let end = home.miniatures_offset() + tournament::MOST_RIVALS * Miniature::bytes(home.mini_entries);
        for turn in 0..60 {
            let keys: Vec<u32> = (0..100).map(|_| random.below(300)).collect();
            play(&a, keys.into_iter(), 1, |key| 20 + 40 * (key as usize % 9));
            assert!(max_entries == 0 || a.size() <= max_entries);
            for _ in 0..random.below(40) {
                let word = (end - home.policy_offset) / 4;
                let at = home.policy_offset + 4 * random.below(word);
                let value = if random.below(2) == 0 { random.below(80) } else { random.below(u32::MAX) };
                home.region.store32(at, value, Ordering::Relaxed);
            }
            for field in [shard::MODE, shard::SAMPLE_HEAD, shard::BAR, shard::BAR + 4, shard::SKETCH_ADDED + 4] {
                if turn % 3 == 0 {
                    home.region.store32(field, random.below(u32::MAX), Ordering::Relaxed);
                }
            }
        }
        a.validate().unwrap_or_else(|fault| panic!("seed {seed}: {fault:?}"));
    }
}

/// Who dies while it learns leaves miniatures that the next one begins anew.
#[test]
fn a_death_anywhere_in_learning() {
    let mut died = 0;
    for writes in (0..rounds(400)).map(|step| step * 7) {
        let cache = adaptive(100);
        let (dying, other) = (cache.attach(), cache.attach());
        play(&other, round_and_round(130, 600), 1, |_| 20);
        if survives(writes, || play(&dying, round_and_round(170, 400), 1, |_| 20)).is_none() {
            died += 1;
            cache.host.kill(dying.host.id());
        }
        let at = other.shards[0].tournament_offset();
        let was_busy = other.shards[0].region.load32(at + tournament::BUSY, Ordering::Relaxed) != 0;
        play(&other, round_and_round(130, 1200), 1, |_| 20);
        assert_eq!(other.shards[0].region.load32(at + tournament::BUSY, Ordering::Relaxed), 0, "after {writes} writes");
        other.audit_miniatures(0).unwrap_or_else(|why| panic!("{writes} writes, busy {was_busy}: {why}"));
    }
    assert!(died > 100);
}
