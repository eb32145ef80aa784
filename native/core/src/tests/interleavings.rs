//! Every place where one operation can be preempted by another, tried one by one: before its n-th access to shared
//! memory a whole operation of another attachment runs (and in the middle of that one, a third). What all of them saw must
//! have an order. It finds in milliseconds what real threads meet once in millions of turns; reordering by the processor
//! is the model checker's part (models.rs).

use super::history::{Did, Event, check};
use super::support::{TestCache, TestHost, geometry, ignore, labelled, serial_of};
use crate::death::{interrupted, survives};
use crate::evict::Goal;
use crate::{Acquired, Attachment, Condition, LeaseState, Limits, Outcome, Use};
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;

type Hold = Attachment<TestHost>;
type Act = fn(&Hold, u64) -> Did;

const KEY: u32 = 7;
/// One segment is 1 KiB here: a value that takes two of its own.
const LONG: usize = 2_300;

fn set_of(a: &Hold, serial: u64, length: usize) -> Did {
    stored(a.put("k", &labelled(KEY, serial as u32, length)), Did::Set(serial))
}

fn stored(outcome: Outcome, did: Did) -> Did {
    if outcome == Outcome::Stored { did } else { Did::Nothing }
}

fn set(a: &Hold, serial: u64) -> Did {
    set_of(a, serial, 40)
}

fn set_long(a: &Hold, serial: u64) -> Did {
    set_of(a, serial, LONG)
}

fn get(a: &Hold, _: u64) -> Did {
    Did::Got(a.value("k").map(|value| u64::from(serial_of(KEY, &value))))
}

fn delete(a: &Hold, _: u64) -> Did {
    Did::Deleted(a.delete(b"k"))
}

fn take(a: &Hold, _: u64) -> Did {
    // Longer than any value here, so that one read takes it.
    let mut into = vec![0; 4_096];
    Did::Took(a.read(b"k", Use::Take, &mut into).map(|value| u64::from(serial_of(KEY, &into[..value.length]))))
}

fn add_of(a: &Hold, serial: u64, length: usize) -> Did {
    match a.put_if("k", &labelled(KEY, serial as u32, length), Condition::Absent) {
        Outcome::Stored => Did::Added(serial),
        Outcome::Refused => Did::AddRefused,
        _ => Did::Nothing,
    }
}

fn add(a: &Hold, serial: u64) -> Did {
    add_of(a, serial, 40)
}

fn add_long(a: &Hold, serial: u64) -> Did {
    add_of(a, serial, LONG)
}

/// Reading and writing are one operation only if the write was bound to what was read.
fn swap(a: &Hold, serial: u64) -> Did {
    let mut into = vec![0; 4_096];
    let Some(seen) = a.read(b"k", Use::Peek, &mut into) else { return Did::Got(None) };
    let from = u64::from(serial_of(KEY, &into[..seen.length]));
    stored(
        a.put_if("k", &labelled(KEY, serial as u32, 50), Condition::Unchanged(seen.stamp)),
        Did::Swapped { from, to: serial },
    )
}

fn touch(a: &Hold, _: u64) -> Did {
    Did::Touched(a.touch(b"k", Some(1 << 30), None))
}

fn clear(a: &Hold, _: u64) -> Did {
    a.clear();
    Did::Cleared
}

/// A load: its lease, its value, its end. What it stores where nothing was is what an `add` would have.
fn load_of(a: &Hold, serial: u64, length: usize) -> Did {
    let lease = match a.acquire_lease(b"k", 1 << 20, false) {
        Acquired::Lease(lease) => lease,
        Acquired::Present => return Did::AddRefused,
        _ => return Did::Nothing,
    };
    let outcome = a.fill_with("k", &labelled(KEY, serial as u32, length), lease);
    let how = if outcome == Outcome::Stored { LeaseState::Filled } else { LeaseState::Failed };
    a.end_lease(b"k", lease, how, b"too late");
    stored(outcome, Did::Added(serial))
}

fn load(a: &Hold, serial: u64) -> Did {
    load_of(a, serial, 40)
}

fn load_long(a: &Hold, serial: u64) -> Did {
    load_of(a, serial, LONG)
}

/// Walks and frees what can be: records are moved on or evicted, segments are used again.
fn evict(a: &Hold, _: u64) -> Did {
    a.evict(0, Goal::Free(14));
    a.evict(0, Goal::Free(14));
    Did::Nothing
}

/// Fills memory with other keys until all of it has been used again, as far as the one that stands still lets it.
fn turn_over(a: &Hold, serial: u64) -> Did {
    let value = [serial as u8; 230];
    for key in 0..100u32 {
        if a.put(["x", "y", "z", "v", "w"][key as usize % 5], &value) != Outcome::Stored {
            break;
        }
    }
    Did::Nothing
}

const ACTS: &[(&str, Act)] = &[
    ("set", set),
    ("long set", set_long),
    ("get", get),
    ("delete", delete),
    ("take", take),
    ("add", add),
    ("long add", add_long),
    ("swap", swap),
    ("touch", touch),
    ("load", load),
    ("long load", load_long),
    ("clear", clear),
    ("evict", evict),
    ("turn over", turn_over),
];

type Prepare = fn(&Hold);

/// What "k" is before: absent, short, long, forgotten by a clear.
const BEFORE: &[(&str, Prepare)] = &[
    ("absent", |_| {}),
    ("short", |a| ignore(set(a, 1))),
    ("long", |a| ignore(set_long(a, 1))),
    ("cleared", |a| {
        set(a, 1);
        a.clear();
    }),
];

fn cache(max_entries: u32) -> Arc<TestCache> {
    TestCache::new(geometry(64, 20, 10), Limits { seed: 13, max_entries, ..Limits::default() })
}

/// What was there before, as an event of its own.
fn first_event(a: &Hold) -> Event {
    match get(a, 0) {
        Did::Got(Some(serial)) => Event { begin: 1, end: 2, did: Did::Set(serial) },
        _ => Event { begin: 1, end: 2, did: Did::Nothing },
    }
}

struct Scene {
    cache: Arc<TestCache>,
    holds: [Rc<Hold>; 3],
    log: [Cell<Option<Event>>; 3],
    clock: Cell<u64>,
}

impl Scene {
    fn new(max_entries: u32) -> Rc<Scene> {
        let cache = cache(max_entries);
        let holds = [(); 3].map(|()| Rc::new(cache.attach()));
        Rc::new(Scene { cache, holds, log: Default::default(), clock: Cell::new(3) })
    }

    fn tick(&self) -> u64 {
        self.clock.set(self.clock.get() + 1);
        self.clock.get()
    }

    fn run(&self, who: usize, act: Act) {
        let begin = self.tick();
        let did = act(&self.holds[who], 10 + who as u64);
        self.log[who].set(Some(Event { begin, end: self.tick(), did }));
    }

    /// All that was seen, with a last look at the key, has an order; and the cache is whole.
    fn judge(&self, first: Event, said: &str) {
        let a = self.cache.attach();
        // The third also looks at the key at the end.
        let mut threads: Vec<Vec<Event>> = self.log.iter().map(|event| event.get().into_iter().collect()).collect();
        let begin = self.tick();
        let did = get(&a, 0);
        threads.push(vec![first, Event { begin, end: self.tick(), did }]);
        if let Err(problem) = check(&threads, true) {
            panic!("{said}: {problem}");
        }
        // A key in two slots shows when one of them is emptied.
        a.validate().unwrap_or_else(|problem| panic!("{said}: {problem}\n{threads:#?}"));
        a.delete(b"k");
        assert_eq!(a.value("k"), None, "{said}: readable after its delete");
        assert_eq!(a.missing_after_clear(), 0, "{said}: segments are lost");
    }
}

/// Runs `work` with `other` before each of its accesses in turn; `stride` leaves some out.
fn at_every_access(stride: usize, mut once: impl FnMut(u32) -> bool) {
    for access in (1..).step_by(stride) {
        if !once(access) {
            break;
        }
    }
}

/// A reader stands still while what it reads is removed and its memory would be used again.
#[test]
fn a_reader_stands_still_while_memory_turns_over() {
    for (state, prepare) in &BEFORE[1..3] {
        at_every_access(1, |access| {
            let scene = Scene::new(0);
            prepare(&scene.holds[2]);
            let before = first_event(&scene.holds[2]);
            let other = scene.clone();
            let between = move || {
                other.run(1, delete);
                evict(&other.holds[2], 0);
                turn_over(&other.holds[2], 3);
            };
            let ((), met) = interrupted(access, between, || scene.run(0, get));
            if met {
                scene.judge(before, &format!("get of a {state} key, memory turned over before access {access}"));
            }
            met
        });
    }
}

/// A writer stands still; an evictor dies at its n-th write; another goes on from where that one stood.
#[test]
fn an_evictor_dies_while_a_writer_stands_still() {
    for (name, act) in &ACTS[..1] {
        at_every_access(9, |access| {
            let mut met = false;
            for writes in 0..14 {
                let scene = Scene::new(0);
                // Every segment has had an epoch's stamp before.
                turn_over(&scene.holds[2], 1);
                scene.holds[2].missing_after_clear();
                let before = first_event(&scene.holds[2]);
                let other = scene.clone();
                let over = Rc::new(Cell::new(false));
                let ended = over.clone();
                let between = move || {
                    let (evictor, next) = (&other.holds[1], &other.holds[2]);
                    ended.set(survives(writes, || evictor.evict(0, Goal::Free(20))).is_some());
                    other.cache.host.kill(evictor.host.id());
                    next.reap_if_dead(evictor.me, Some(next.me));
                    next.evict(0, Goal::Free(20));
                    next.evict(0, Goal::Free(20));
                    for key in 0..8u32 {
                        next.put(["x", "y", "z", "v", "w"][key as usize % 5], &[9; 230]);
                    }
                };
                let ((), reached) = interrupted(access, between, || scene.run(0, *act));
                met = reached;
                if !reached {
                    break;
                }
                scene.judge(before, &format!("{name}, an evictor dead before write {writes}, at access {access}"));
                if over.get() {
                    break;
                }
            }
            met
        });
    }
}

/// While one reaper stands still another may finish, and a new thread may own the line.
#[test]
fn two_reapers_of_one_line() {
    for writes in [12, 24, 28, 30, 32, 34] {
        at_every_access(1, |access| {
            let cache = cache(12);
            let (dying, b, c) = (cache.attach(), cache.attach(), Rc::new(cache.attach()));
            survives(writes, || dying.put("k", &[1]));
            cache.host.kill(dying.host.id());
            let (late, other) = (cache.clone(), c.clone());
            let line = dying.me;
            let newcomer = Rc::new(Cell::new(None));
            let arrived = newcomer.clone();
            let between = move || {
                other.reap_if_dead(line, Some(other.me));
                let hold = late.attach();
                for key in 0..5 {
                    hold.put(&format!("{key}"), &[2]);
                }
                arrived.set(Some(hold));
            };
            let (_, met) = interrupted(access, between, || b.reap_if_dead(line, Some(b.me)));
            b.reap_if_dead(line, Some(b.me));
            let said = format!("dead before write {writes}, a second reaper before access {access} of the first");
            b.validate().unwrap_or_else(|problem| panic!("{said}: {problem}"));
            if let Some(hold) = newcomer.take() {
                let at = crate::attachment::line_offset(hold.me) + crate::layout::line::THREAD_ID;
                let owner = b.control.load32(at, crate::region::Ordering::Acquire);
                assert_eq!(owner, hold.host.id(), "{said}: the newcomer lost its line");
            }
            met
        });
    }
}

fn pairs(max_entries: u32) {
    for (state, prepare) in BEFORE {
        for (first_name, first) in ACTS.iter().take(9) {
            for (second_name, second) in ACTS {
                let stride = if *second_name == "turn over" { 5 } else { 1 };
                at_every_access(stride, |access| {
                    let scene = Scene::new(max_entries);
                    for key in 0..max_entries {
                        scene.holds[2].put(&format!("other {key}"), &[1; 60]);
                    }
                    prepare(&scene.holds[2]);
                    let before = first_event(&scene.holds[2]);
                    let other = scene.clone();
                    let between = move || other.run(1, *second);
                    let ((), met) = interrupted(access, between, || scene.run(0, *first));
                    let said = format!("{first_name} of a {state} key, {second_name} before access {access}");
                    if met {
                        scene.judge(before, &said);
                    }
                    met
                });
            }
        }
    }
}

#[test]
fn two_operations_interleaved_at_every_access() {
    pairs(0);
}

#[test]
fn two_operations_interleaved_at_every_access_at_the_entry_bound() {
    pairs(12);
}

#[test]
fn three_operations_interleaved() {
    const TRIO: &[(&str, Act)] = &[("set", set), ("delete", delete), ("add", add), ("touch", touch), ("clear", clear)];
    for (state, prepare) in &BEFORE[..2] {
        for (first_name, first) in &TRIO[..4] {
            for (second_name, second) in &TRIO[..4] {
                for (third_name, third) in TRIO {
                    at_every_access(3, |outer| {
                        let mut reached = false;
                        at_every_access(4, |inner| {
                            let scene = Scene::new(12);
                            prepare(&scene.holds[2]);
                            let before = first_event(&scene.holds[2]);
                            let (one, two) = (scene.clone(), scene.clone());
                            let met_inner = Rc::new(Cell::new(false));
                            let met = met_inner.clone();
                            let between = move || {
                                let last = move || two.run(2, *third);
                                met.set(interrupted(inner, last, || one.run(1, *second)).1);
                            };
                            reached = interrupted(outer, between, || scene.run(0, *first)).1;
                            if reached && met_inner.get() {
                                let said = format!(
                                    "{first_name} of a {state} key, {second_name} at {outer}, {third_name} at {inner}"
                                );
                                scene.judge(before, &said);
                            }
                            reached && met_inner.get()
                        });
                        reached
                    });
                }
            }
        }
    }
}

/// Whoever attaches while an evictor counts reservations is counted too.
#[test]
fn drift_is_collected_right_while_a_thread_attaches() {
    at_every_access(1, |access| {
        const MAX: u32 = 10;
        let cache = cache(MAX);
        let (a, dead) = (cache.attach(), cache.attach());
        dead.reserve(dead.world());
        cache.host.kill(dead.host.id());
        assert!(a.reap_if_dead(dead.me, Some(a.me)));
        let late = cache.clone();
        let reached = Rc::new(Cell::new(0));
        let count = reached.clone();
        let newcomer = move || {
            let hold = late.attach();
            for key in 0..5 {
                assert_eq!(hold.put(&format!("{key}"), &[]), Outcome::Stored);
            }
            count.set(hold.size());
        };
        let ((), met) = interrupted(access, newcomer, || a.collect_drift());
        for key in 0..3 * MAX {
            a.put(&format!("{key}"), &[]);
        }
        assert_eq!(a.validate(), Ok(MAX), "a thread attached before access {access} and set {} keys", reached.get());
        met
    });
}

/// The newcomer's own reservation stands open while an evictor counts.
#[test]
fn drift_is_collected_right_in_the_middle_of_a_reservation() {
    at_every_access(1, |access| {
        const MAX: u32 = 10;
        let cache = cache(MAX);
        let a = Rc::new(cache.attach());
        let dead = cache.attach();
        dead.reserve(dead.world());
        cache.host.kill(dead.host.id());
        assert!(a.reap_if_dead(dead.me, Some(a.me)));
        let hold = cache.attach();
        let evictor = a.clone();
        let ((), met) = interrupted(access, move || evictor.collect_drift(), || ignore(hold.put("k", &[])));
        for key in 0..3 * MAX {
            a.put(&format!("{key}"), &[]);
        }
        assert_eq!(a.validate(), Ok(MAX), "collected before access {access} of a set");
        met
    });
}
