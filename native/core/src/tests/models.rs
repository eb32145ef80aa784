//! The shipped source under the model checker: all interleavings of two or three threads up to a number of preemptions,
//! with the reorderings of the C11 memory model (loom treats SeqCst accesses as AcqRel; only the fences are sequentially
//! consistent, which is what the protocol asks for).
//!
//! `RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --profile loom -p ostraka-core --lib loom`
//! LOOM_MAX_PREEMPTIONS says how deep (2 unless told otherwise), LOOM_SECONDS how long at most for each model (10). First
//! everything with one preemption is tried, because a search that is cut off has looked at one corner only.

use super::support::{TestCache, TestHost};
use crate::attachment::line_offset;
use crate::death::survives;
use crate::evict::Goal;
use crate::layout::line;
use crate::layout::version::EXCHANGED;
use crate::record::{Header, w0};
use crate::region::Ordering;
use crate::segment::Claimant;
use crate::{
    Acquired, Attachment, Condition, Extras, Geometry, Lease, LeaseState, Limits, Outcome, ShardGeometry, Use, Write,
};
use loom::sync::atomic::AtomicBool;
use loom::thread;
use std::sync::Arc;

type Hold = Attachment<TestHost>;

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn model(work: impl Fn() + Sync + Send + 'static) {
    let work = Arc::new(work);
    for preemptions in 1..=setting("LOOM_MAX_PREEMPTIONS", 2) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(preemptions);
        builder.max_branches = 100_000;
        // The clock is looked at only this often.
        builder.checkpoint_interval = 200;
        builder.max_duration = Some(std::time::Duration::from_secs(setting("LOOM_SECONDS", 10) as u64));
        let work = work.clone();
        builder.check(move || work());
    }
}

/// Two buckets, segments of 128 bytes (a chunk is half of one).
fn tiny(segments: u32, max_entries: u32) -> Arc<TestCache> {
    let shard = ShardGeometry {
        buckets: 2,
        ghost_buckets: 1,
        ghost_shift: 0,
        segments,
        segment_shift: 7,
        chunk_units: 8,
        chunked_limit_units: 3,
        expected_entries: 8,
        sketch_lines: 1,
        mini_entries: 0,
    };
    TestCache::new(Geometry { shards: 1, shard }, Limits { seed: 1, max_entries, ..Limits::default() })
}

/// Runs each on a thread of its own with an attachment made before; hands the attachments back.
fn race<const N: usize>(holds: [Hold; N], work: [fn(&Hold); N]) -> Vec<Hold> {
    let running: Vec<_> = holds
        .into_iter()
        .zip(work)
        .map(|(hold, work)| {
            // SAFETY-free: an attachment has no ties to the thread that made it.
            thread::spawn(move || {
                work(&hold);
                hold
            })
        })
        .collect();
    running.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn seen(a: &Hold) -> Option<u8> {
    let mut bytes = [0; 4];
    let value = a.read(b"k", Use::Peek, &mut bytes)?;
    assert_eq!(value.length, 1);
    Some(bytes[0])
}

fn put(a: &Hold, value: u8) {
    assert_eq!(a.put("k", &[value]), Outcome::Stored);
}

/// At rest: whole, and a key that is deleted is gone.
fn check(a: &Hold) {
    a.validate().unwrap();
    a.delete(b"k");
    assert_eq!(seen(a), None, "readable after its delete");
    a.validate().unwrap();
}

#[test]
fn loom_two_inserters_of_one_key() {
    model(|| {
        let cache = tiny(8, 0);
        let holds = race([cache.attach(), cache.attach()], [|a| put(a, 1), |a| put(a, 2)]);
        assert!(matches!(seen(&holds[0]), Some(1 | 2)));
        check(&holds[0]);
    });
}

/// A record of key "k", written and not linked; leaves `a` pinned.
fn written(a: &Hold, value: u8) -> u32 {
    let home = &a.shards[0];
    let header = Header::new(w0(1, 0, 0), 1, 0);
    a.pin();
    let at = a.allocate(0, 0, header.units(), false, a.world(), Claimant::Caller).unwrap();
    home.region.write(at * 8 + header.key_offset(), b"k");
    home.region.write(at * 8 + header.value_offset(), &[value]);
    home.region.store32(at * 8, header.w0, Ordering::Release);
    home.region.store32(at * 8 + 4, 1, Ordering::Release);
    at
}

/// A slot is emptied at the last moment, so that two inserters of one key claim different ones.
#[test]
fn loom_claims_in_two_slots() {
    model(|| {
        let cache = tiny(8, 0);
        let (a, b) = (cache.attach(), cache.attach());
        let hash = a.hash(b"k");
        a.put("y", &[7]);
        a.put("z", &[7]);
        let bucket = a.shards[0].candidate_buckets(hash)[0];
        let in_first = |key: &str| {
            let found = a.find(&a.shards[0], key.as_bytes(), a.hash(key.as_bytes()), 0).unwrap();
            (bucket..bucket + 64).contains(&found.slot)
        };
        let victim = if in_first("y") { b"y" } else { b"z" };
        let (at_a, at_b) = (written(&a, 1), written(&b, 2));
        let other = thread::spawn(move || {
            let found = b.find(&b.shards[0], victim, b.hash(victim), 0).unwrap();
            b.unlink(0, &found, 0);
            b.link(0, b"k", hash, at_b, 0, None, false, true);
            b.unpin();
        });
        a.link(0, b"k", hash, at_a, 0, None, false, true);
        a.unpin();
        other.join().unwrap();
        check(&a);
    });
}

#[test]
fn loom_two_adders_have_one_winner() {
    model(|| {
        let cache = tiny(8, 0);
        let add = |a: &Hold| {
            a.put_if("k", &[a.me as u8], Condition::Absent);
        };
        let holds = race([cache.attach(), cache.attach()], [add, add]);
        assert_eq!(holds[0].size(), 1);
        check(&holds[0]);
    });
}

#[test]
fn loom_insert_delete_and_get() {
    model(|| {
        let cache = tiny(8, 0);
        let holds = race(
            [cache.attach(), cache.attach()],
            [
                |a| put(a, 1),
                |a| {
                    let first = seen(a);
                    assert!(matches!(first, None | Some(1)));
                    if a.delete(b"k") {
                        assert_eq!(seen(a), None);
                    } else {
                        assert_eq!(first, None);
                    }
                },
            ],
        );
        check(&holds[0]);
    });
}

#[test]
fn loom_replace_and_get() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        put(&a, 1);
        let holds = race(
            [a, cache.attach()],
            [
                |a| put(a, 2),
                |a| {
                    let first = seen(a).unwrap();
                    let second = seen(a).unwrap();
                    assert!(first <= second && second <= 2, "{first} and then {second}");
                },
            ],
        );
        assert_eq!(seen(&holds[0]), Some(2));
        check(&holds[0]);
    });
}

#[test]
fn loom_two_takers_and_deleters() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        put(&a, 1);
        let take = |a: &Hold| {
            let mut bytes = [0; 4];
            if let Some(value) = a.read(b"k", Use::Take, &mut bytes) {
                assert_eq!((value.length, bytes[0]), (1, 1));
            }
        };
        let holds = race([a, cache.attach()], [take, take]);
        assert_eq!(holds[0].size(), 0);
        check(&holds[0]);
    });
}

/// Uses that make the hand keep the record, and memory that has to be walked.
fn hot(cache: &Arc<TestCache>) -> Hold {
    let a = cache.attach();
    put(&a, 1);
    for _ in 0..3 {
        a.value("k");
    }
    a
}

fn walk(a: &Hold) {
    a.evict(0, Goal::Free(a.shards[0].segments));
}

#[test]
fn loom_relocation_and_get() {
    model(|| {
        let cache = tiny(6, 0);
        let a = hot(&cache);
        let holds = race([cache.attach(), a], [walk, |a| assert!(matches!(seen(a), None | Some(1)))]);
        check(&holds[0]);
    });
}

#[test]
fn loom_relocation_and_replace() {
    model(|| {
        let cache = tiny(6, 0);
        let a = hot(&cache);
        let holds = race(
            [cache.attach(), a],
            [walk, |a| {
                put(a, 2);
                assert!(matches!(seen(a), None | Some(2)), "an older value came back");
            }],
        );
        check(&holds[0]);
    });
}

#[test]
fn loom_relocation_and_delete() {
    model(|| {
        let cache = tiny(6, 0);
        let a = hot(&cache);
        let holds = race(
            [cache.attach(), a],
            [walk, |a| {
                a.delete(b"k");
                assert_eq!(seen(a), None);
            }],
        );
        assert_eq!(seen(&holds[0]), None);
        check(&holds[0]);
    });
}

/// Seal, walk, drain, free and use again, while a writer or a reader is somewhere in its operation.
fn reuse(a: &Hold) {
    walk(a);
    walk(a);
    for key in ["x", "y"] {
        a.put(key, &[9]);
    }
}

#[test]
fn loom_reuse_of_memory_and_a_writer() {
    model(|| {
        let cache = tiny(4, 0);
        let a = cache.attach();
        a.put("z", &[7]);
        let holds = race(
            [cache.attach(), a],
            [reuse, |a| {
                a.put("k", &[1]);
            }],
        );
        assert!(matches!(seen(&holds[0]), None | Some(1)));
        check(&holds[0]);
    });
}

#[test]
fn loom_reuse_of_memory_and_a_reader() {
    model(|| {
        let cache = tiny(4, 0);
        let a = cache.attach();
        put(&a, 1);
        let holds = race([cache.attach(), a], [reuse, |a| assert!(matches!(seen(a), None | Some(1)))]);
        check(&holds[0]);
    });
}

/// A near copy's stamp must not be taken for another record of the same place.
#[test]
fn loom_near_stamp_and_reuse() {
    model(|| {
        let cache = tiny(4, 0);
        let a = cache.attach();
        put(&a, 1);
        let holds = race(
            [cache.attach(), a],
            [
                |a| {
                    walk(a);
                    walk(a);
                    put(a, 2);
                },
                |a| {
                    let mut bytes = [0; 4];
                    let Some(first) = a.read(b"k", Use::Peek, &mut bytes).filter(|_| bytes[0] == 1) else { return };
                    if seen(a) == Some(2) {
                        assert!(!a.is_current(first.stamp), "the stamp of the first value stands for the second");
                    }
                },
            ],
        );
        check(&holds[0]);
    });
}

/// The version of the key's binding, if that was whole and then found to be of `value`: what a near cache keeps. And where it stands.
fn sealed(a: &Hold, value: u8) -> Option<(u32, u64)> {
    let home = &a.shards[0];
    let at = home.version_of(a.hash(b"k").tag);
    let version = home.region.load64(at, Ordering::Acquire);
    let is_whole = version & (EXCHANGED - 1) == 0;
    (is_whole && seen(a) == Some(value)).then_some((at, version))
}

/// Whether it would still be believed.
fn is_believed(a: &Hold, seal: Option<(u32, u64)>) -> bool {
    seal.is_some_and(|(at, version)| a.shards[0].region.load64(at, Ordering::Acquire) == version)
}

/// Who has seen a newer value never believes an older one's version again.
#[test]
fn loom_version_and_replace() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        put(&a, 1);
        let holds = race(
            [a, cache.attach()],
            [
                |a| put(a, 2),
                |a| {
                    let seal = sealed(a, 1);
                    if seen(a) == Some(2) {
                        assert!(!is_believed(a, seal), "the old value is believed after the new one was seen");
                    }
                },
            ],
        );
        holds[0].validate_versions().unwrap();
        check(&holds[0]);
    });
}

/// A third thread has seen the value go, and says so.
#[test]
fn loom_version_and_delete_told_by_another() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        put(&a, 1);
        let (b, c) = (cache.attach(), cache.attach());
        let told = Arc::new(AtomicBool::new(false));
        let tells = told.clone();
        let deleter = thread::spawn(move || {
            a.delete(b"k");
            a
        });
        let witness = thread::spawn(move || tells.store(seen(&b).is_none(), Ordering::Release));
        let seal = sealed(&c, 1);
        if told.load(Ordering::Acquire) {
            assert!(!is_believed(&c, seal), "believed after its end was known");
        }
        let a = deleter.join().unwrap();
        witness.join().unwrap();
        a.validate_versions().unwrap();
        check(&a);
    });
}

#[test]
fn loom_clear_and_set() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        put(&a, 1);
        let holds = race(
            [cache.attach(), a],
            [
                |a| {
                    a.clear();
                    assert!(matches!(seen(a), None | Some(2)), "it outlived the clear");
                },
                |a| put(a, 2),
            ],
        );
        let left = seen(&holds[0]);
        assert!(matches!(left, None | Some(2)));
        assert_eq!(holds[0].size(), u32::from(left.is_some()));
        check(&holds[0]);
    });
}

/// One of two sets at the bound has to evict or wait; the bound holds.
#[test]
fn loom_two_sets_at_the_entry_bound() {
    model(|| {
        let cache = tiny(8, 1);
        let holds = race(
            [cache.attach(), cache.attach()],
            [
                |a| {
                    a.put("k", &[1]);
                },
                |a| {
                    a.put("l", &[2]);
                },
            ],
        );
        assert!(holds[0].validate().unwrap() <= 1);
        check(&holds[0]);
    });
}

/// A writer dies at any write, while another goes on with the same key; a third heals.
fn dies_at(writes: u32) {
    model(move || {
        let cache = tiny(8, 0);
        let (a, b, healer) = (cache.attach(), cache.attach(), cache.attach());
        let (id, index) = (a.host.id(), a.me);
        let host = cache.host.clone();
        let dying = thread::spawn(move || {
            survives(writes, || a.put("k", &[1]));
            host.kill(id);
        });
        put(&b, 2);
        dying.join().unwrap();
        healer.reap_if_dead(index, Some(healer.me));
        assert!(matches!(seen(&b), Some(1 | 2)));
        check(&b);
    });
}

#[test]
fn loom_a_writer_dies_early() {
    for writes in [2, 14, 18] {
        dies_at(writes);
    }
}

#[test]
fn loom_a_writer_dies_late() {
    for writes in [24, 27, 29, 31] {
        dies_at(writes);
    }
}

/// A segment is sealed under a thread's chunk: what the thread writes after that goes elsewhere.
#[test]
fn loom_a_chunk_is_taken_away() {
    model(|| {
        let cache = tiny(6, 0);
        let a = cache.attach();
        a.put("z", &[7]);
        let holds = race(
            [cache.attach(), a],
            [walk, |a| {
                a.put("k", &[1]);
                a.put("l", &[2]);
            }],
        );
        // Which also sees what was written into a segment after it was freed.
        check(&holds[0]);
    });
}

fn lease(a: &Hold) -> Option<Lease> {
    match a.acquire_lease(b"k", 10_000, false) {
        Acquired::Lease(lease) => Some(lease),
        _ => None,
    }
}

/// One lease for two that ask, and it is good.
#[test]
fn loom_two_acquirers_have_one_lease() {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    model(|| {
        GIVEN.store(0, SeqCst);
        let cache = tiny(8, 0);
        let ask = |a: &Hold| {
            if let Some(lease) = lease(a) {
                GIVEN.fetch_add(1, SeqCst);
                a.control.store32(NOTE, (lease.line << 8) | lease.sequence, Ordering::Release);
            }
        };
        let holds = race([cache.attach(), cache.attach()], [ask, ask]);
        assert_eq!(GIVEN.load(SeqCst), 1, "leases given");
        let noted = holds[0].control.load32(NOTE, Ordering::Acquire);
        let lease = Lease { line: noted >> 8, sequence: noted & 255 };
        assert_eq!(holds[0].fill_once(&[3], lease), Outcome::Stored);
        assert_eq!(seen(&holds[0]), Some(3));
    });
}

/// A word of the control region that nothing else uses.
const NOTE: u32 = 0x3E0;

impl Hold {
    fn fill_once(&self, value: &[u8], lease: Lease) -> Outcome {
        self.fill_tagged_once(value, lease, self.tag_stamp(), &[])
    }

    fn fill_tagged_once(&self, value: &[u8], lease: Lease, stamp: u32, tags: &[u32]) -> Outcome {
        let condition = Condition::Always;
        let write = Write { key: b"k", value, kind: 0, expires_at: None, idle_ms: None, condition };
        self.fill(&write, &Extras { stamp, tags, ..Extras::default() }, lease)
    }
}

/// After a delete has returned, no load that began before it puts its value there.
#[test]
fn loom_lease_fill_and_delete() {
    model(|| {
        let cache = tiny(8, 2);
        let loads = |a: &Hold| {
            if let Some(lease) = lease(a) {
                a.control.store32(NOTE, 1, Ordering::Release);
                a.fill_once(&[1], lease);
                a.end_lease(b"k", lease, LeaseState::Filled, &[]);
            }
        };
        let deletes = |a: &Hold| {
            let began = a.control.load32(NOTE, Ordering::Acquire) == 1;
            a.delete(b"k");
            if began {
                assert_eq!(seen(a), None, "filled after a delete");
            }
        };
        let holds = race([cache.attach(), cache.attach()], [loads, deletes]);
        check(&holds[0]);
        assert_eq!(holds[0].size(), 0);
    });
}

/// Nor over what was set while it ran.
#[test]
fn loom_lease_fill_and_set() {
    model(|| {
        let cache = tiny(8, 2);
        let a = cache.attach();
        assert!(lease(&a).is_some());
        let fills = |a: &Hold| {
            let lease = Lease { line: 0, sequence: 1 };
            a.fill_once(&[1], lease);
            a.end_lease(b"k", lease, LeaseState::Filled, &[]);
        };
        let sets = |a: &Hold| {
            put(a, 2);
            assert_eq!(seen(a), Some(2), "filled over what was set");
        };
        let holds = race([a, cache.attach()], [fills, sets]);
        assert_eq!((seen(&holds[0]), holds[0].size()), (Some(2), 1));
        check(&holds[0]);
    });
}

/// A load that began before its tag was invalidated shows its value to nobody afterwards.
#[test]
fn loom_fill_and_invalidation_of_its_tag() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        let lease = lease(&a).unwrap();
        assert_eq!((lease.line, lease.sequence), (0, 1));
        let fills = |a: &Hold| {
            a.fill_tagged_once(&[1], Lease { line: 0, sequence: 1 }, 0, &[1]);
        };
        let invalidates = |a: &Hold| {
            a.invalidate_tags([1].into_iter());
            assert_eq!(seen(a), None, "shown after its tag was invalidated");
        };
        let holds = race([a, cache.attach()], [fills, invalidates]);
        assert_eq!(seen(&holds[0]), None);
        check(&holds[1]);
    });
}

/// The generation of a tag never goes back.
#[test]
fn loom_two_invalidations_of_one_tag() {
    model(|| {
        let cache = tiny(8, 0);
        let invalidates = |a: &Hold| a.invalidate_tags([1].into_iter());
        let holds = race([cache.attach(), cache.attach()], [invalidates, invalidates]);
        assert_eq!(holds[0].tag_stamp(), 2);
        assert!(holds[0].is_tag_valid(1, 2) && !holds[0].is_tag_valid(1, 1));
    });
}

/// The stamp of tags, if nobody is invalidating and what has tag 1 and stamp 0 is still valid: what a near cache keeps.
fn sealed_tags(a: &Hold) -> Option<u32> {
    let stamp = a.tag_stamp();
    let is_at_rest =
        (0..3).all(|thread| a.control.load32(line_offset(thread) + line::INVALIDATING, Ordering::Acquire) == 0);
    (is_at_rest && a.is_tag_valid(1, 0)).then_some(stamp)
}

/// Who knows that a tag is invalid never believes a stamp again that was kept while it was valid.
#[test]
fn loom_stamp_of_tags_and_invalidation() {
    model(|| {
        let cache = tiny(8, 0);
        let a = cache.attach();
        let holds = race(
            [a, cache.attach()],
            [
                |a| a.invalidate_tags([1].into_iter()),
                |a| {
                    let seal = sealed_tags(a);
                    if !a.is_tag_valid(1, 0) {
                        assert_ne!(seal, Some(a.tag_stamp()), "believed after it was invalid");
                    }
                },
            ],
        );
        assert_eq!(sealed_tags(&holds[0]), None);
    });
}

/// A marker that is moved on stays fillable.
#[test]
fn loom_relocation_and_fill() {
    model(|| {
        let cache = tiny(6, 0);
        let a = cache.attach();
        assert!(lease(&a).is_some());
        let fills = |a: &Hold| {
            assert_eq!(a.fill_once(&[1], Lease { line: 0, sequence: 1 }), Outcome::Stored);
        };
        let holds = race([cache.attach(), a], [walk, fills]);
        check(&holds[0]);
    });
}
