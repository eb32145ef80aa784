//! Death before every single write to shared memory, in every operation: whoever goes on is never stuck, never sees a
//! wrong value, and gets back all that the dead held.

use super::support::{TestCache, TestHost, geometry, ignore, labelled};
use crate::attachment::line_offset;
use crate::death::survives;
use crate::evict::Goal;
use crate::layout::{THREADS, control, line, segment, shard};
use crate::region::Ordering;
use crate::shard::state;
use crate::{Attachment, Condition, Incremented, LeaseState, Limits, Outcome, Use, Write};
use std::sync::Arc;

type Hold = Attachment<TestHost>;

/// One operation on the key "k" that dies in its middle.
struct Case {
    name: &'static str,
    prepare: fn(&Hold),
    act: fn(&Hold),
    /// What "k" may hold right after the death.
    may: fn(Option<&[u8]>) -> bool,
    /// Without a bound of entries, and with this one.
    max_entries: u32,
}

const OLD: &[u8] = &[1; 30];
const NEW: &[u8] = &[2; 40];
/// Three segments and a rest.
const LONG_OLD: &[u8] = &[3; 3_200];
const LONG_NEW: &[u8] = &[4; 3_300];

fn nothing(_: &Hold) {}

fn old(a: &Hold) {
    assert_eq!(a.put("k", OLD), Outcome::Stored);
}

fn old_number(a: &Hold) {
    assert_eq!(a.increment(b"k", 5.0, None, None), Incremented::To(5.0));
}

fn stale(a: &Hold) {
    assert_eq!(a.put_with("k", OLD, Some(0), Some(1 << 20), &[1]), Outcome::Stored);
}

fn long_old(a: &Hold) {
    assert_eq!(a.put("k", LONG_OLD), Outcome::Stored);
}

/// Memory nearly full, some of it in use, some overwritten, one long value, one that has expired.
fn crowd(a: &Hold) {
    a.put("k", OLD);
    a.put("long", LONG_OLD);
    a.put_for("short-lived", OLD, 0);
    for key in 0..60u32 {
        a.put(&format!("crowd {key}"), &labelled(key, 1, 60));
        for use_of in 0..key % 4 {
            a.value(&format!("crowd {}", key - use_of.min(key)));
        }
        a.value("k");
        if key % 5 == 0 {
            a.put(&format!("crowd {key}"), &labelled(key, 2, 60));
        }
    }
}

const CASES: &[Case] = &[
    Case {
        name: "set of a new key",
        prepare: nothing,
        act: |a| ignore(a.put("k", NEW)),
        may: |seen| seen.is_none() || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "overwrite",
        prepare: old,
        act: |a| ignore(a.put("k", NEW)),
        may: |seen| seen == Some(OLD) || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "set after a clear",
        prepare: |a| {
            old(a);
            a.clear();
        },
        act: |a| ignore(a.put("k", NEW)),
        may: |seen| seen.is_none() || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "delete",
        prepare: old,
        act: |a| ignore(a.delete(b"k")),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "take",
        prepare: old,
        act: |a| ignore(a.fetch("k", Use::Take)),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "add",
        prepare: nothing,
        act: |a| ignore(a.put_if("k", NEW, Condition::Absent)),
        may: |seen| seen.is_none() || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "compare and set",
        prepare: old,
        act: swap,
        may: |seen| seen == Some(OLD) || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "increment of nothing",
        prepare: nothing,
        act: |a| ignore(a.increment(b"k", 2.0, None, None)),
        may: |seen| seen.is_none() || seen == Some(&2f64.to_le_bytes()),
        max_entries: 20,
    },
    Case {
        name: "increment",
        prepare: old_number,
        act: |a| ignore(a.increment(b"k", 2.0, None, None)),
        may: |seen| seen == Some(&5f64.to_le_bytes()) || seen == Some(&7f64.to_le_bytes()),
        max_entries: 20,
    },
    Case {
        name: "touch",
        prepare: old,
        act: |a| ignore(a.touch(b"k", Some(1 << 20), Some(1 << 20))),
        may: |seen| seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "removal of an expired entry",
        prepare: |a| ignore(a.put_for("k", OLD, 0)),
        act: |a| ignore(a.value("k")),
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case {
        name: "clear",
        prepare: old,
        act: |a| a.clear(),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "first long value",
        prepare: nothing,
        act: |a| ignore(a.put("k", LONG_NEW)),
        may: |seen| seen.is_none() || seen == Some(LONG_NEW),
        max_entries: 20,
    },
    Case {
        name: "long value over a long one",
        prepare: long_old,
        act: |a| ignore(a.put("k", LONG_NEW)),
        may: |seen| seen == Some(LONG_OLD) || seen == Some(LONG_NEW),
        max_entries: 20,
    },
    Case {
        name: "short value over a long one",
        prepare: long_old,
        act: |a| ignore(a.put("k", NEW)),
        may: |seen| seen == Some(LONG_OLD) || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "delete of a long value",
        prepare: long_old,
        act: |a| ignore(a.delete(b"k")),
        may: |seen| seen.is_none() || seen == Some(LONG_OLD),
        max_entries: 20,
    },
    Case {
        name: "touch of a long value",
        prepare: long_old,
        act: |a| ignore(a.touch(b"k", None, Some(1 << 20))),
        may: |seen| seen == Some(LONG_OLD),
        max_entries: 20,
    },
    Case {
        name: "refused long add",
        prepare: old,
        act: |a| ignore(a.put_if("k", LONG_NEW, Condition::Absent)),
        may: |seen| seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "value that cannot be kept",
        prepare: old,
        act: |a| ignore(a.put("k", &[5; 60_000])),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "eviction of segments",
        prepare: crowd,
        act: |a| ignore(a.evict(0, Goal::Free(9))),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 70,
    },
    Case {
        name: "an owner's turns",
        prepare: crowd,
        act: |a| (0..6).for_each(|_| ignore((a.tend(0, 8), a.reclaim(0)))),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 70,
    },
    Case {
        name: "eviction of an entry",
        prepare: crowd,
        act: |a| ignore(a.evict(0, Goal::Entry)),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 30,
    },
    Case {
        name: "sets that evict",
        prepare: crowd,
        act: |a| (0..12).for_each(|key| ignore(a.put(&format!("more {key}"), NEW))),
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 30,
    },
    Case {
        name: "lease of an absent key",
        prepare: nothing,
        act: |a| ignore(a.lease("k")),
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case {
        name: "lease and fill",
        prepare: nothing,
        act: |a| {
            let lease = a.lease("k");
            a.fill_with("k", NEW, lease);
            a.end_lease(b"k", lease, LeaseState::Filled, &[]);
        },
        may: |seen| seen.is_none() || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "lease and long fill",
        prepare: nothing,
        act: |a| {
            let lease = a.lease("k");
            a.fill_with("k", LONG_NEW, lease);
            a.end_lease(b"k", lease, LeaseState::Filled, &[]);
        },
        may: |seen| seen.is_none() || seen == Some(LONG_NEW),
        max_entries: 20,
    },
    Case {
        name: "lease and failure",
        prepare: nothing,
        act: |a| {
            let lease = a.lease("k");
            a.end_lease(b"k", lease, LeaseState::Failed, &[7; 100]);
        },
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case {
        name: "lease over a marker that is over",
        prepare: |a| {
            let lease = a.lease("k");
            a.end_lease(b"k", lease, LeaseState::Nothing, &[]);
        },
        act: |a| {
            let lease = a.lease("k");
            a.end_lease(b"k", lease, LeaseState::Abandoned, &[]);
        },
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case {
        name: "lease and fill of a stale value",
        prepare: stale,
        act: |a| {
            let lease = a.lease("k");
            a.fill_with("k", NEW, lease);
            a.end_lease(b"k", lease, LeaseState::Filled, &[]);
        },
        may: |seen| seen.is_none() || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "lease of a stale value and nothing",
        prepare: stale,
        act: |a| {
            let lease = a.lease("k");
            a.end_lease(b"k", lease, LeaseState::Nothing, &[]);
        },
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case {
        name: "delete of a marker",
        prepare: |a| ignore(a.lease("k")),
        act: |a| ignore(a.delete(b"k")),
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case {
        name: "set over a marker",
        prepare: |a| ignore(a.lease("k")),
        act: |a| ignore(a.put("k", NEW)),
        may: |seen| seen.is_none() || seen == Some(NEW),
        max_entries: 20,
    },
    Case {
        name: "eviction around markers",
        prepare: |a| {
            crowd(a);
            a.delete(b"k");
            a.lease("k");
        },
        act: |a| ignore(a.evict(0, Goal::Free(9))),
        may: |seen| seen.is_none(),
        max_entries: 70,
    },
    Case {
        name: "invalidation of a tag",
        prepare: |a| ignore(a.put_with("k", OLD, None, None, &[3])),
        act: |a| {
            a.invalidate_tags([3].into_iter());
            a.value("k");
        },
        may: |seen| seen.is_none() || seen == Some(OLD),
        max_entries: 20,
    },
    Case {
        name: "detach with a lease",
        prepare: |a| ignore(a.lease("k")),
        act: |a| a.detach(),
        may: |seen| seen.is_none(),
        max_entries: 20,
    },
    Case { name: "detach", prepare: old, act: |a| a.detach(), may: |seen| seen == Some(OLD), max_entries: 20 },
];

fn swap(a: &Hold) {
    let seen = a.read(b"k", Use::Peek, &mut []).unwrap();
    a.put_if("k", NEW, Condition::Unchanged(seen.stamp));
}

fn cache(max_entries: u32) -> Arc<TestCache> {
    TestCache::new(geometry(96, 20, 10), Limits { seed: 4, max_entries, ..Limits::default() })
}

fn word(cache: &TestCache, at: u32) -> u32 {
    cache.control.load32(at, Ordering::Acquire)
}

/// False when the operation ended before its n-th write.
fn die_and_go_on(case: &Case, max_entries: u32, writes: u32) -> bool {
    let cache = cache(max_entries);
    let (a, b) = (cache.attach(), cache.attach());
    (case.prepare)(&a);
    if survives(writes, || (case.act)(&a)).is_some() {
        return false;
    }
    let said = format!("{}, dead before write {writes}, at most {max_entries} entries", case.name);
    cache.host.kill(a.host.id());
    let at = line_offset(a.me);
    let home = &b.shards[0];
    // A thread that only loaded is found out by whoever wants to load, or by the deadline.
    let holds_back = word(&cache, at + line::PIN) != 0
        || home.region.load32(shard::EVICTOR, Ordering::Acquire) == a.me + 1
        || (0..home.segments).any(|index| state::owner(home.state(index)) == a.me + 1);

    // Loaded anew at once where nothing is there: the death of who loaded is found out.
    if b.value("k").is_none() {
        let lease = b.lease("k");
        assert!(b.fill_with("k", b"anew", lease) == Outcome::Stored, "{said}");
        b.end_lease(b"k", lease, LeaseState::Filled, &[]);
        assert!(b.delete(b"k"), "{said}");
    }
    let seen = b.value("k");
    assert!((case.may)(seen.as_deref()), "{said}: \"k\" holds {seen:?}");
    go_on(&b, &said, 260);
    if holds_back {
        assert_eq!(word(&cache, at + line::THREAD_ID), 0, "{said}: what it held was never taken back");
    }
    b.reap_if_dead(a.me, Some(b.me));
    assert_eq!(word(&cache, at + line::THREAD_ID), 0, "{said}: its line is not free");
    check_at_rest(&b, &said, max_entries);
    true
}

fn go_on(b: &Hold, said: &str, turns: u32) {
    for turn in 0..turns {
        let key = turn % 24;
        let name = format!("later {key}");
        let value = labelled(key, turn, 30 + 10 * (turn % 9) as usize);
        assert_eq!(b.put(&name, &value), Outcome::Stored, "{said}: turn {turn}");
        assert_eq!(b.value(&name), Some(value), "{said}: turn {turn}");
        if turn == turns / 2 {
            assert_eq!(b.put("k", b"again"), Outcome::Stored, "{said}");
            assert_eq!(b.value("k").as_deref(), Some(&b"again"[..]), "{said}");
            assert!(b.delete(b"k"), "{said}");
            assert_eq!(b.value("k"), None, "{said}: \"k\" stood in two slots");
        }
    }
}

fn check_at_rest(b: &Hold, said: &str, max_entries: u32) {
    let home = &b.shards[0];
    b.validate().unwrap_or_else(|problem| panic!("{said}: {problem}"));
    if max_entries != 0 {
        for key in 0..2 * max_entries {
            assert_eq!(b.put(&format!("fill {key}"), &[]), Outcome::Stored, "{said}");
        }
        assert_eq!(b.validate(), Ok(max_entries), "{said}: places are lost or given twice");
    }
    assert_eq!(home.region.load32(shard::EVICTOR, Ordering::Acquire), 0, "{said}");
    assert_eq!(word_of(b, control::REAPER), 0, "{said}");
    assert_eq!(b.missing_after_clear(), 0, "{said}: segments are lost: {:?}", kinds(b));
    assert_eq!(b.validate(), Ok(0), "{said}");
}

fn word_of(b: &Hold, at: u32) -> u32 {
    b.control.load32(at, Ordering::Acquire)
}

fn kinds(b: &Hold) -> Vec<u32> {
    let home = &b.shards[0];
    (0..home.segments).map(|index| state::kind(home.state(index))).filter(|&kind| kind != segment::FREE).collect()
}

fn all_deaths(bounded: bool) {
    for case in CASES {
        let max_entries = if bounded { case.max_entries } else { 0 };
        let mut writes = 0;
        while die_and_go_on(case, max_entries, writes) {
            writes += 1;
            assert!(writes < 100_000, "{} never ends", case.name);
        }
        assert!(writes > 0, "{} writes nothing", case.name);
    }
}

#[test]
fn a_death_anywhere_heals_without_a_bound_of_entries() {
    all_deaths(false);
}

#[test]
fn a_death_anywhere_heals_with_a_bound_of_entries() {
    all_deaths(true);
}

#[test]
fn a_death_while_attaching_leaves_the_line_to_others() {
    for writes in 0.. {
        let cache = cache(0);
        let b = cache.attach();
        let host = cache.host.new_thread();
        let attach = || Attachment::new(cache.control, cache.shards.clone(), host.clone(), 0);
        let done = survives(writes, || ignore(attach().unwrap())).is_some();
        cache.host.kill(host.id());
        go_on(&b, &format!("attaching, dead before write {writes}"), 100);
        let more: Vec<Hold> = (1..THREADS).map(|_| cache.attach()).collect();
        assert_eq!(more.len() as u32, THREADS - 1);
        assert!(Attachment::new(cache.control, cache.shards.clone(), cache.host.new_thread(), 0).is_err());
        if done {
            break;
        }
    }
}

/// What the dead had linked was replaced or removed before anybody healed: only the mark in its record tells that.
#[test]
fn an_entry_of_the_dead_is_counted_though_others_took_its_slot() {
    for writes in 0.. {
        let mut done = false;
        for removes in [false, true] {
            let cache = cache(20);
            let (a, b) = (cache.attach(), cache.attach());
            done = survives(writes, || a.put("k", NEW)).is_some();
            cache.host.kill(a.host.id());
            if removes {
                ignore(b.delete(b"k"))
            } else {
                ignore(b.put("k", OLD))
            }
            b.reap_if_dead(a.me, Some(b.me));
            let said = format!("set of a new key, dead before write {writes}, then removed: {removes}");
            check_at_rest(&b, &said, 20);
        }
        if done {
            break;
        }
    }
}

/// Whoever heals may die of it too, at any write, and a third goes on.
#[test]
fn the_death_of_a_reaper_heals() {
    for case in CASES
        .iter()
        .filter(|case| ["set of a new key", "delete", "first long value", "eviction of segments"].contains(&case.name))
    {
        for first in (0..).step_by(3) {
            let mut died = false;
            for second in 0.. {
                let cache = cache(case.max_entries);
                let (a, healer, b) = (cache.attach(), cache.attach(), cache.attach());
                (case.prepare)(&a);
                died = survives(first, || (case.act)(&a)).is_none();
                cache.host.kill(a.host.id());
                let healed = survives(second, || healer.reap_if_dead(a.me, Some(healer.me))).is_some();
                cache.host.kill(healer.host.id());
                let said = format!("{}, dead before write {first}, its reaper before {second}", case.name);
                go_on(&b, &said, 60);
                b.reap_if_dead(a.me, Some(b.me));
                b.reap_if_dead(healer.me, Some(b.me));
                // The first may have been left to the second, whose lock had to be taken away first.
                b.reap_if_dead(a.me, Some(b.me));
                check_at_rest(&b, &said, case.max_entries);
                if healed {
                    break;
                }
            }
            if !died || first > 150 {
                break;
            }
        }
    }
}

/// A long add that loses its race has published its segments already and begins again: dead anywhere, they come back.
#[test]
fn a_death_after_a_lost_race_gives_the_segments_back() {
    use crate::death::interrupted;
    use std::rc::Rc;
    for access in (1..).step_by(11) {
        let mut came_between = false;
        for writes in 0.. {
            let cache = cache(0);
            let (a, b) = (cache.attach(), Rc::new(cache.attach()));
            let other = b.clone();
            let act = || survives(writes, || a.put_if("k", LONG_NEW, Condition::Absent)).is_some();
            let (done, between) = interrupted(access, move || ignore(other.put("k", OLD)), act);
            if between {
                came_between = true;
                cache.host.kill(a.host.id());
                let said = format!("long add, overtaken at access {access}, dead before write {writes}");
                go_on(&b, &said, 60);
                b.reap_if_dead(a.me, Some(b.me));
                check_at_rest(&b, &said, 0);
            }
            if done {
                break;
            }
        }
        if !came_between {
            break;
        }
    }
}

#[test]
fn a_write_with_times_is_as_safe_to_die_in() {
    let write = |a: &Hold| {
        let (expires_at, idle_ms) = (Some(a.now() + 5), Some(1 << 20));
        a.write(&Write { key: b"k", value: NEW, kind: 0, expires_at, idle_ms, condition: Condition::Always })
    };
    for writes in 0.. {
        let cache = cache(20);
        let (a, b) = (cache.attach(), cache.attach());
        let done = survives(writes, || write(&a)).is_some();
        cache.host.kill(a.host.id());
        cache.host.advance(5);
        let said = format!("write with times, dead before write {writes}");
        assert_eq!(b.value("k"), None, "{said}: expired and still there");
        go_on(&b, &said, 100);
        b.reap_if_dead(a.me, Some(b.me));
        check_at_rest(&b, &said, 20);
        if done {
            break;
        }
    }
}
