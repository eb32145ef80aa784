//! Leases, soft expiry and tags, one thread after the other: what a marker hides, what refuses a late fill, what is
//! counted, and all of it against a model.

use super::support::{Random, TestCache, TestHost, geometry, rounds};
use crate::evict::Goal;
use crate::layout::{LEASES, control};
use crate::region::Ordering;
use crate::{
    Acquired, Attachment, Condition, Counter, Extras, FoundState, Incremented, Lease, LeaseState, Limits, Outcome, Use,
    Write,
};
use std::collections::HashMap;
use std::sync::Arc;

type Hold = Attachment<TestHost>;

const TIMEOUT: u64 = 10_000;

fn cache(max_entries: u32) -> Arc<TestCache> {
    TestCache::new(geometry(64, 20, 10), Limits { seed: 3, max_entries, ..Limits::default() })
}

impl Attachment<TestHost> {
    pub fn lease(&self, key: &str) -> Lease {
        match self.acquire_lease(key.as_bytes(), TIMEOUT, false) {
            Acquired::Lease(lease) => lease,
            other => panic!("no lease of {key}: {other:?}"),
        }
    }

    pub fn fill_with(&self, key: &str, value: &[u8], lease: Lease) -> Outcome {
        self.fill_tagged(key, value, lease, self.tag_stamp(), &[])
    }

    pub fn fill_tagged(&self, key: &str, value: &[u8], lease: Lease, stamp: u32, tags: &[u32]) -> Outcome {
        let condition = Condition::Always;
        let write = Write { key: key.as_bytes(), value, kind: 0, expires_at: None, idle_ms: None, condition };
        self.fill(&write, &Extras { stamp, tags, ..Extras::default() }, lease)
    }

    /// Fresh for `soft` ms, there for `ttl`.
    pub fn put_with(&self, key: &str, value: &[u8], soft: Option<u64>, ttl: Option<u64>, tags: &[u32]) -> Outcome {
        let after = |ms: Option<u64>| ms.map(|ms| self.now() + ms);
        let (expires_at, soft_at) = (after(ttl), after(soft));
        let condition = Condition::Always;
        let write = Write { key: key.as_bytes(), value, kind: 0, expires_at, idle_ms: None, condition };
        let extras = Extras { soft_at, cost: Some(9), stamp: self.tag_stamp(), tags, ..Extras::default() };
        self.write_entry(&write, &extras)
    }

    pub fn state_of_key(&self, key: &str) -> FoundState {
        self.look_up(key.as_bytes(), true, &mut [0; 64]).state
    }
}

#[test]
fn a_marker_shows_nowhere_and_its_fill_lands_once() {
    let cache = cache(10);
    let (a, b) = (cache.attach(), cache.attach());
    let lease = a.lease("k");
    assert_eq!(b.acquire_lease(b"k", TIMEOUT, true), Acquired::Running(lease));
    assert_eq!(b.value("k"), None);
    assert_eq!(b.fetch("k", Use::Peek), None);
    assert!(!b.has(b"k"));
    assert_eq!(b.expires_in(b"k"), None);
    assert!(!b.touch(b"k", Some(1 << 20), None));
    assert_eq!(b.scan(Default::default(), 100, b"", |key| panic!("{key:?}")), None);
    assert_eq!((b.size(), b.validate()), (0, Ok(0)));
    let found = b.look_up(b"k", true, &mut []);
    assert_eq!((found.state, found.value, found.lease), (FoundState::Absent, None, Some(lease)));
    assert_eq!(a.fill_with("k", b"v", lease), Outcome::Stored);
    assert_eq!((b.value("k").as_deref(), b.size(), b.validate()), (Some(&b"v"[..]), 1, Ok(1)));
    a.end_lease(b"k", lease, LeaseState::Filled, &[]);
    assert_eq!(b.lease_state(lease), LeaseState::Filled);
    assert_eq!(b.acquire_lease(b"k", TIMEOUT, false), Acquired::Present);
    assert_eq!(a.fill_with("k", b"w", lease), Outcome::Refused);
}

type Change = (&'static str, fn(&Hold));

const CHANGES: &[Change] = &[
    ("delete", |a| assert!(!a.delete(b"k"))),
    ("take", |a| assert_eq!(a.fetch("k", Use::Take), None)),
    ("clear", |a| a.clear()),
    ("set", |a| assert_eq!(a.put("k", b"new"), Outcome::Stored)),
    ("add", |a| assert_eq!(a.put_if("k", b"new", Condition::Absent), Outcome::Stored)),
    ("increment", |a| assert_eq!(a.increment(b"k", 2.0, None, None), Incremented::To(2.0))),
    ("a set that fails", |a| assert_eq!(a.put("k", &[0; 60_000]), Outcome::TooLarge)),
    ("the lease's end", |a| a.host.advance(TIMEOUT)),
    ("another's lease", |a| {
        a.host.advance(TIMEOUT);
        a.lease("k");
    }),
];

#[test]
fn whatever_comes_between_refuses_a_fill() {
    for &(name, change) in CHANGES {
        for stale in [false, true] {
            for max_entries in [0, 5] {
                let cache = cache(max_entries);
                let (a, b) = (cache.attach(), cache.attach());
                if stale {
                    assert_eq!(a.put_with("k", b"old", Some(5), Some(1 << 20), &[]), Outcome::Stored);
                }
                cache.host.advance(5);
                let lease = a.lease("k");
                change(&b);
                let before = b.value("k");
                assert_eq!(a.fill_with("k", b"late", lease), Outcome::Refused, "{name}, stale: {stale}");
                assert_eq!(b.value("k"), before, "{name}, stale: {stale}");
                assert_eq!(a.counter(Counter::FillsRefused as u32), 1);
                a.validate().unwrap();
                a.end_lease(b"k", lease, LeaseState::Failed, b"late");
                assert_eq!(b.value("k"), before, "{name}, stale: {stale}");
                a.validate().unwrap();
                assert_eq!(a.missing_after_clear(), 0);
            }
        }
    }
}

#[test]
fn outcomes_are_kept_for_a_while() {
    let cache = cache(0);
    let (a, b) = (cache.attach(), cache.attach());
    let lease = a.lease("k");
    a.end_lease(b"k", lease, LeaseState::Failed, b"oh");
    let mut into = [0; 8];
    let found = b.look_up(b"k", true, &mut into);
    assert_eq!((found.state, found.lease, found.value.unwrap().length), (FoundState::Failed, Some(lease), 2));
    assert_eq!(&into[..2], b"oh");
    assert_eq!((b.value("k"), b.size(), b.validate()), (None, 0, Ok(0)));
    let second = b.lease("k");
    b.end_lease(b"k", second, LeaseState::Nothing, &[]);
    let found = a.look_up(b"k", true, &mut into);
    assert_eq!((found.state, found.lease), (FoundState::Nothing, Some(second)));
    assert_eq!(a.lease_state(second), LeaseState::Nothing);
    cache.host.advance(2000);
    assert_eq!(a.state_of_key("k"), FoundState::Absent);
    // Too long to be kept: it failed, and why is not said.
    let third = a.lease("k");
    a.end_lease(b"k", third, LeaseState::Failed, &[1; 5000]);
    let found = b.look_up(b"k", true, &mut into);
    assert_eq!((found.state, found.value.unwrap().length), (FoundState::Failed, 0));
}

#[test]
fn a_stale_value_is_found_refreshed_and_outlived() {
    let cache = cache(4);
    let (a, b) = (cache.attach(), cache.attach());
    assert_eq!(a.put_with("k", b"old", Some(10), Some(50), &[1, 2]), Outcome::Stored);
    assert_eq!(b.expires_in(b"k"), Some(10));
    cache.host.advance(10);
    assert_eq!((b.value("k"), b.has(b"k"), b.expires_in(b"k")), (None, false, None));
    let found = b.look_up(b"k", true, &mut [0; 8]);
    assert_eq!((found.state, found.fresh_for, found.ends_in), (FoundState::Stale, Some(0), Some(40)));
    assert_eq!((found.cost, found.lease), (Some(9), None));
    let lease = a.lease("k");
    // Moving it on changes nothing.
    for _ in 0..3 {
        a.evict(0, Goal::Free(20));
        let found = b.look_up(b"k", true, &mut [0; 8]);
        assert_eq!((found.state, found.ends_in, found.cost), (FoundState::Stale, Some(40), Some(9)));
        assert_eq!(found.lease, Some(lease));
    }
    cache.host.advance(40);
    assert_eq!((b.state_of_key("k"), b.value("k")), (FoundState::Absent, None));
    a.evict(0, Goal::Free(20));
    a.validate().unwrap();
    assert_eq!(a.fill_with("k", b"new", lease), Outcome::Stored);
    assert_eq!(b.value("k").as_deref(), Some(&b"new"[..]));
    assert_eq!(a.validate(), Ok(1));
    // A failure leaves what is stale, and nothing leaves none.
    for (how, left) in [(LeaseState::Failed, FoundState::Stale), (LeaseState::Nothing, FoundState::Nothing)] {
        assert_eq!(a.put_with("k", b"old", Some(10), Some(50), &[]), Outcome::Stored);
        cache.host.advance(10);
        let lease = a.lease("k");
        a.end_lease(b"k", lease, how, b"e");
        assert_eq!(b.state_of_key("k"), left);
        a.validate().unwrap();
    }
    // Removed with the rest, though nobody saw it.
    for how in [false, true] {
        a.put_with("k", b"old", Some(10), Some(50), &[]);
        cache.host.advance(10);
        assert!(if how { !b.delete(b"k") } else { b.fetch("k", Use::Take).is_none() });
        assert_eq!((b.state_of_key("k"), b.validate()), (FoundState::Absent, Ok(0)));
    }
}

#[test]
fn a_live_marker_is_no_victim_and_an_orphan_is() {
    let cache = TestCache::new(geometry(800, 20, 10), Limits { seed: 3, ..Limits::default() });
    let (a, b) = (cache.attach(), cache.attach());
    let lease = a.lease("k");
    a.put_with("s", b"old", Some(1), Some(1 << 20), &[]);
    cache.host.advance(1);
    let stale = a.lease("s");
    let pressure = || {
        for key in 0..2000u32 {
            assert_eq!(b.put(&format!("e{key}"), &[1; 100]), Outcome::Stored);
        }
    };
    pressure();
    assert_eq!(b.look_up(b"k", true, &mut []).lease, Some(lease));
    assert_eq!(b.look_up(b"s", true, &mut []).lease, Some(stale));
    assert_eq!(a.fill_with("k", b"v", lease), Outcome::Stored);
    assert_eq!(a.fill_with("s", b"v", stale), Outcome::Stored);
    let orphan = a.lease("o");
    a.host.advance(TIMEOUT);
    assert_eq!(b.lease_state(orphan), LeaseState::Abandoned);
    pressure();
    let hash = b.hash(b"o");
    assert!(b.find(&b.shards[0], b"o", hash, b.world()).is_none(), "the orphan is still linked");
    assert!(b.counter(Counter::EvictedSmall as u32) > 1000, "memory was not short");
    b.validate().unwrap();
}

#[test]
fn a_line_used_again_lets_no_old_token_fill() {
    let cache = cache(0);
    let a = cache.attach();
    let first = a.lease("k");
    a.end_lease(b"k", first, LeaseState::Abandoned, &[]);
    let again = (0..2 * LEASES)
        .find_map(|_| {
            let lease = a.lease("k");
            if lease.line == first.line {
                return Some(lease);
            }
            a.end_lease(b"k", lease, LeaseState::Abandoned, &[]);
            None
        })
        .unwrap();
    assert_eq!(again.sequence, first.sequence + 1);
    assert_eq!(a.lease_state(first), LeaseState::Abandoned);
    a.end_lease(b"k", first, LeaseState::Failed, &[]);
    assert_eq!(a.fill_with("k", b"old", first), Outcome::Refused);
    assert_eq!(a.lease_state(again), LeaseState::Running);
    assert_eq!(Lease::from_token(again.token()), again);
    assert_eq!(a.fill_with("k", b"new", again), Outcome::Stored);
}

#[test]
fn sequences_wrap_and_skip_nought() {
    let cache = cache(0);
    let a = cache.attach();
    a.control.store64(control::LEASES, u64::from(!7u32) | 4, Ordering::Release);
    let lease = a.lease("k");
    assert_eq!((lease.line, lease.sequence), (0, 1));
    assert_eq!(a.fill_with("k", b"v", lease), Outcome::Stored);
}

#[test]
fn a_full_table_gives_leases_again_when_some_are_over() {
    let cache = TestCache::new(geometry(4000, 300, 10), Limits { seed: 3, ..Limits::default() });
    let (a, b) = (cache.attach(), cache.attach());
    let leases: Vec<Lease> = (0..LEASES).map(|key| a.lease(&format!("k{key}"))).collect();
    assert_eq!(b.acquire_lease(b"more", TIMEOUT, false), Acquired::Full);
    assert_eq!(b.counter(Counter::LeasesRefused as u32), 1);
    a.end_lease(b"k7", leases[7], LeaseState::Abandoned, &[]);
    let freed = b.lease("more");
    assert_eq!(freed.line, leases[7].line);
    assert_eq!(b.acquire_lease(b"again", TIMEOUT, false), Acquired::Full);
    cache.host.kill(a.host.id());
    b.lease("again");
    assert_eq!(b.lease_state(leases[0]), LeaseState::Abandoned);
    cache.host.advance(TIMEOUT);
    assert_eq!(b.lease_state(freed), LeaseState::Abandoned);
    b.validate().unwrap();
}

#[test]
fn many_loads_leave_places_for_entries() {
    let cache = cache(4);
    let a = cache.attach();
    for key in 0..200u32 {
        let _ = a.acquire_lease(format!("k{key}").as_bytes(), TIMEOUT, false);
    }
    for key in 0..50u32 {
        assert_eq!(a.put(&format!("e{key}"), b"v"), Outcome::Stored);
    }
    assert_eq!(a.validate(), Ok(4));
}

#[test]
fn a_tag_drops_what_has_it() {
    let cache = cache(20);
    let (a, b) = (cache.attach(), cache.attach());
    let tags = [b.tag_counter(b"a"), b.tag_counter(b"b")];
    assert_ne!(tags[0], tags[1]);
    a.put_with("both", b"v", None, None, &tags);
    a.put_with("first", b"v", None, None, &tags[..1]);
    a.put_with("none", b"v", None, None, &[]);
    assert_eq!(a.increment(b"plain", 1.0, None, None), Incremented::To(1.0));
    let value = a.read(b"first", Use::Get, &mut [0; 4]).unwrap();
    assert!(value.tagged && a.is_current(value.stamp));
    b.invalidate_tags([tags[0]].into_iter());
    assert!(!a.is_current(value.stamp));
    let values = |a: &Hold| ["both", "first", "none", "plain"].map(|key| a.has(key.as_bytes()));
    assert_eq!(values(&a), [false, false, true, true]);
    assert_eq!((a.value("first"), a.counter(Counter::Invalidated as u32)), (None, 1));
    a.put_with("first", b"again", None, None, &tags[..1]);
    assert_eq!(b.value("first").as_deref(), Some(&b"again"[..]));
    b.invalidate_tags([tags[1]].into_iter());
    assert_eq!(values(&a), [false, true, true, true]);
    // What comes of an entry goes with it: compare-and-set, touch, moving on.
    let seen = a.read(b"first", Use::Peek, &mut []).unwrap();
    assert_eq!(a.put_if("first", &[3; 300], Condition::Unchanged(seen.stamp)), Outcome::Stored);
    assert!(a.touch(b"first", Some(1 << 20), None));
    a.evict(0, Goal::Free(19));
    assert_eq!(a.value("first"), Some(vec![3; 300]));
    b.invalidate_tags(tags.into_iter());
    assert_eq!(values(&a), [false, false, true, true]);
    a.validate().unwrap();
}

#[test]
fn an_increment_keeps_tags_and_grace() {
    let cache = cache(0);
    let a = cache.attach();
    let (value, condition) = (&1f64.to_le_bytes(), Condition::Always);
    let write = Write { key: b"n", value, kind: 4, expires_at: Some(50), idle_ms: None, condition };
    a.write_entry(&write, &Extras { soft_at: Some(20), tags: &[5], ..Extras::default() });
    assert_eq!(a.increment(b"n", 1.0, None, None), Incremented::To(2.0));
    let found = a.look_up(b"n", true, &mut [0; 8]);
    assert_eq!((found.fresh_for, found.ends_in), (Some(20), Some(50)));
    a.invalidate_tags([5].into_iter());
    assert_eq!(a.increment(b"n", 1.0, None, None), Incremented::To(1.0));
}

#[test]
fn a_fill_from_before_an_invalidation_never_lands() {
    for refreshes in [false, true] {
        let cache = cache(0);
        let (a, b) = (cache.attach(), cache.attach());
        if refreshes {
            a.put_with("k", b"old", Some(1), Some(1 << 20), &[4]);
        }
        cache.host.advance(1);
        let stamp = a.tag_stamp();
        let lease = a.lease("k");
        b.invalidate_tags([4].into_iter());
        // What is refreshed was invalidated, whatever tags the new value has.
        let tags: &[u32] = if refreshes { &[] } else { &[3, 4] };
        assert_eq!(a.fill_tagged("k", b"v", lease, stamp, tags), Outcome::Refused);
        assert_eq!(b.value("k"), None);
        a.end_lease(b"k", lease, LeaseState::Abandoned, &[]);
        let lease = a.lease("k");
        assert_eq!(a.fill_tagged("k", b"v", lease, a.tag_stamp(), &[3, 4]), Outcome::Stored);
        assert_eq!(b.value("k").as_deref(), Some(&b"v"[..]));
    }
}

/// Around every multiple of an era, the wrap of 32 bits included, with generations that are old, new and never used.
#[test]
fn stamps_wrap() {
    for era in 0..5u32 {
        let cache = cache(0);
        let a = cache.attach();
        let start = era.wrapping_mul(control::TAG_ERA).wrapping_sub(3);
        a.control.release32(control::TAG_STAMP, start);
        for counter in 0..control::SMALL_TAGS {
            // As the era before would have left them.
            let age = [0, 5, control::TAG_ERA / 2, control::TAG_ERA][counter as usize % 4];
            a.control.release32(a.tags + 4 * counter, start.wrapping_sub(age));
        }
        for turn in 0..8u32 {
            a.put_with("used", b"v", None, None, &[1]);
            a.put_with("old", b"v", None, None, &[2, 3, 100, 101, 102, 103]);
            assert!(a.has(b"used") && a.has(b"old"), "era {era}, turn {turn}");
            a.invalidate_tags([1].into_iter());
            assert!(!a.has(b"used"), "era {era}, turn {turn}");
            let begins = a.tag_stamp().is_multiple_of(control::TAG_ERA);
            assert_eq!(a.has(b"old"), !begins, "era {era}, turn {turn}");
        }
        a.validate().unwrap();
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    value: Vec<u8>,
    soft: u64,
    end: u64,
    tags: Vec<u32>,
}

/// One key of the model: its entry, and the token that may fill it.
#[derive(Clone, Debug, Default)]
struct Slot {
    entry: Option<Entry>,
    lease: Option<(Lease, u64)>,
}

/// Random operations on few keys against the model, small memory so that records move, with and without a bound of entries.
#[test]
fn against_a_model() {
    for seed in 0..u64::from(rounds(30)) {
        let cache = cache(0);
        let holds = [cache.attach(), cache.attach()];
        let mut random = Random::new(seed + 1);
        let mut model: HashMap<u32, Slot> = HashMap::new();
        let mut stale_tokens: Vec<(u32, Lease)> = Vec::new();
        for step in 0..2000u32 {
            let a = &holds[random.below(2) as usize];
            let now = a.now();
            let number = random.below(5);
            let key = format!("key {number}");
            let slot = model.entry(number).or_default();
            if slot.entry.as_ref().is_some_and(|entry| entry.end <= now) && slot.lease.is_none() {
                slot.entry = None;
            }
            let said = format!("seed {seed}, step {step}, {key}");
            let live = slot.lease.filter(|&(_, due)| due > now);
            let visible = |slot: &Slot| slot.entry.clone().filter(|entry| entry.soft > now && entry.end > now);
            match random.below(12) {
                0 | 1 => {
                    let value = vec![step as u8; 1 + random.below(90) as usize];
                    let soft = 1 + u64::from(random.below(40));
                    let ttl = soft + u64::from(random.below(60));
                    let tags: Vec<u32> = (0..random.below(3)).map(|_| random.below(4)).collect();
                    assert_eq!(a.put_with(&key, &value, Some(soft), Some(ttl), &tags), Outcome::Stored, "{said}");
                    stale_tokens.extend(live.map(|(lease, _)| (number, lease)));
                    let entry = Entry { value, soft: now + soft, end: now + ttl, tags };
                    *slot = Slot { entry: Some(entry), lease: None };
                }
                2 => {
                    let was = visible(slot).is_some();
                    assert_eq!(a.delete(key.as_bytes()), was, "{said}");
                    stale_tokens.extend(live.map(|(lease, _)| (number, lease)));
                    *slot = Slot::default();
                }
                3 | 4 => match a.acquire_lease(key.as_bytes(), 30, false) {
                    Acquired::Present => assert!(visible(slot).is_some(), "{said}"),
                    Acquired::Running(lease) => assert_eq!(live.map(|(lease, _)| lease), Some(lease), "{said}"),
                    Acquired::Lease(lease) => {
                        assert!(visible(slot).is_none() && live.is_none(), "{said}");
                        stale_tokens.extend(slot.lease.map(|(lease, _)| (number, lease)));
                        slot.lease = Some((lease, now + 30));
                        slot.entry = slot.entry.take().filter(|entry| entry.end > now);
                    }
                    Acquired::Full => panic!("{said}: no lease"),
                },
                5 | 6 => {
                    let Some((lease, _)) = slot.lease else { continue };
                    let value = vec![step as u8; 50];
                    let outcome = a.fill_with(&key, &value, lease);
                    assert_eq!(outcome == Outcome::Stored, live.is_some(), "{said}");
                    if live.is_some() {
                        let entry = Entry { value, soft: u64::MAX, end: u64::MAX, tags: vec![] };
                        *slot = Slot { entry: Some(entry), lease: None };
                        a.end_lease(key.as_bytes(), lease, LeaseState::Filled, &[]);
                    }
                }
                7 => {
                    let Some((lease, _)) = slot.lease else { continue };
                    let how =
                        [LeaseState::Failed, LeaseState::Abandoned, LeaseState::Nothing][random.below(3) as usize];
                    a.end_lease(key.as_bytes(), lease, how, b"why");
                    let kept = slot.entry.take().filter(|entry| entry.end > now && how != LeaseState::Nothing);
                    // Too late it ends nothing.
                    *slot = Slot { entry: if live.is_some() { kept } else { slot.entry.take() }, lease: None };
                    if live.is_none() {
                        a.delete(key.as_bytes());
                        slot.entry = None;
                    }
                    stale_tokens.push((number, lease));
                }
                8 => {
                    if let Some(&(number, lease)) =
                        stale_tokens.get(random.below(stale_tokens.len() as u32 + 1) as usize)
                    {
                        let key = format!("key {number}");
                        assert_eq!(a.fill_with(&key, b"late", lease), Outcome::Refused, "{said}: an old token fills");
                    }
                }
                9 => {
                    let tag = random.below(4);
                    a.invalidate_tags([tag].into_iter());
                    for slot in model.values_mut() {
                        if slot.entry.as_ref().is_some_and(|entry| entry.tags.contains(&tag)) {
                            slot.entry = None;
                            // Whatever is loaded for it comes too late.
                            if let Some((_, due)) = &mut slot.lease {
                                *due = (*due).min(now);
                            }
                        }
                    }
                    for (number, slot) in &mut model {
                        if slot.lease.is_some_and(|(_, due)| due <= now) {
                            a.delete(format!("key {number}").as_bytes());
                            slot.entry = None;
                            stale_tokens.extend(slot.lease.take().map(|(lease, _)| (*number, lease)));
                        }
                    }
                }
                10 => cache.host.advance(u64::from(random.below(12))),
                _ => {
                    a.evict(0, Goal::Free(10));
                }
            }
            let now = a.now();
            for (number, slot) in &model {
                let key = format!("key {number}");
                let visible = slot.entry.as_ref().filter(|entry| entry.soft > now && entry.end > now);
                let stale = slot.entry.as_ref().filter(|entry| entry.soft <= now && entry.end > now);
                assert_eq!(a.fetch(&key, Use::Peek), visible.map(|entry| entry.value.clone()), "{said}: {key}");
                let mut into = [0; 100];
                let found = a.look_up(key.as_bytes(), false, &mut into);
                match stale {
                    Some(entry) => {
                        assert_eq!(found.state, FoundState::Stale, "{said}: {key}");
                        assert_eq!(&into[..entry.value.len()], entry.value, "{said}: {key}");
                    }
                    None => assert_ne!(found.state, FoundState::Stale, "{said}: {key}"),
                }
            }
            a.validate().unwrap_or_else(|problem| panic!("{said}: {problem}"));
        }
    }
}
