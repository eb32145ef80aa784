//! What names a record: its whole key, never its hash alone; its slot, place and generation, never its place alone.

use super::support::{TestCache, geometry};
use crate::region::Ordering;
use crate::{Condition, Limits, Outcome, Use};
use std::collections::HashMap;

#[test]
fn keys_of_one_tag_in_the_same_buckets_are_two_entries() {
    let mut shape = geometry(8, 64, 12);
    shape.shard.buckets = 2;
    let cache = TestCache::new(shape, Limits { seed: 2, ..Limits::default() });
    let a = cache.attach();
    let mut by_tag: HashMap<u32, String> = HashMap::new();
    let (one, two) = (0u32..)
        .find_map(|number| {
            let key = format!("{number}");
            let tag = a.hash(key.as_bytes()).tag;
            by_tag.insert(tag, key.clone()).map(|other| (other, key))
        })
        .unwrap();
    assert_eq!(a.put(&one, b"first"), Outcome::Stored);
    assert_eq!(a.value(&two), None);
    assert_eq!(a.put(&two, b"second"), Outcome::Stored);
    assert_eq!((a.value(&one).as_deref(), a.value(&two).as_deref()), (Some(&b"first"[..]), Some(&b"second"[..])));
    assert_eq!(a.put_if(&two, b"third", Condition::Absent), Outcome::Refused);
    assert!(a.delete(one.as_bytes()));
    assert_eq!(a.value(&two).as_deref(), Some(&b"second"[..]));
    assert_eq!(a.validate(), Ok(1));
}

/// Whatever takes a value away changes the version of its key's binding, and closes that again.
#[test]
fn every_end_of_a_binding_changes_its_version() {
    let cache = TestCache::new(geometry(16, 8, 10), Limits { seed: 2, ..Limits::default() });
    let a = cache.attach();
    let home = &a.shards[0];
    let version = || home.region.load64(home.version_of(a.hash(b"k").tag), Ordering::Acquire);
    let changes = |what: &str, act: &dyn Fn()| {
        a.put("k", b"value");
        let before = version();
        act();
        a.validate_versions().unwrap();
        assert_ne!(version(), before, "{what} left the version as it was");
    };
    changes("a set", &|| assert_eq!(a.put("k", b"other"), Outcome::Stored));
    changes("a delete", &|| assert!(a.delete(b"k")));
    changes("a take", &|| assert!(a.read(b"k", Use::Take, &mut [0; 16]).is_some()));
    changes("a touch", &|| assert!(a.touch(b"k", Some(1_000), None)));
    changes("an eviction", &|| {
        for key in 0.. {
            a.put(&format!("other {key}"), &[0; 200]);
            if a.read(b"k", Use::Peek, &mut [0; 16]).is_none() {
                break;
            }
        }
    });
    let before = version();
    assert!(!a.delete(b"k"));
    assert_eq!(version(), before, "nothing was there to be deleted");
}

#[test]
fn a_stamp_stands_for_one_record_though_its_place_is_used_again() {
    let cache = TestCache::new(geometry(16, 8, 10), Limits { seed: 2, ..Limits::default() });
    let a = cache.attach();
    a.put("k", b"first");
    let first = a.read(b"k", Use::Peek, &mut []).unwrap().stamp;
    assert!(a.is_current(first));
    let mut met = 0;
    for turn in 0u32..20_000 {
        a.put("k", &turn.to_le_bytes());
        let now = a.read(b"k", Use::Peek, &mut []).unwrap().stamp;
        assert!(a.is_current(now));
        assert!(!a.is_current(first), "the first stamp stands for write {turn}");
        if (now.slot, now.location) == (first.slot, first.location) {
            met += 1;
            assert_eq!(a.put_if("k", b"late", Condition::Unchanged(first)), Outcome::Refused);
        }
    }
    assert!(met > 0, "the first place was never used again");
}
