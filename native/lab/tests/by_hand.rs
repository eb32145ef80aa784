//! Each policy on a few requests whose outcome was worked out with pencil and paper from its rules.

use ostraka_lab::policies::ours::structure::Structure;
use ostraka_lab::policies::ours::{BALANCED, CLOCK, RECENCY};
use ostraka_lab::policies::{make, Policy};
use ostraka_lab::trace::Trace;

/// `h` for a hit, `.` for a miss. Letters are keys of size 1.
fn outcome(policy: &str, capacity: u64, requests: &str) -> String {
    let keys = requests.bytes().filter(|b| !b.is_ascii_whitespace()).map(u64::from);
    let trace = Trace::from_keys("by hand", keys);
    let mut policy = make(policy, capacity, false, &trace, 1).expect("a known policy");
    trace.keys.iter().map(|&key| if policy.request(key, 1) { 'h' } else { '.' }).collect()
}

#[test]
fn fifo_forgets_hits() {
    // A is hit, yet goes first when D comes.
    assert_eq!(outcome("fifo", 3, "ABC A D A"), "...h..");
}

#[test]
fn lru_keeps_what_was_hit() {
    // D pushes out B, not A.
    assert_eq!(outcome("lru", 3, "ABC A D A B"), "...h.h.");
}

#[test]
fn clock_gives_one_more_round() {
    // D: A goes round, B leaves. B: C leaves. C: A goes round again, D leaves.
    assert_eq!(outcome("clock", 3, "ABC A D A B C A"), "...h.h..h");
}

#[test]
fn sieve_leaves_survivors_where_they_are() {
    // D: A spared, B leaves, hand at C. B: C leaves. E: D leaves. A is still there.
    assert_eq!(outcome("sieve", 3, "ABC A D B E A"), "...h...h");
}

#[test]
fn two_q_takes_returning_keys_to_main() {
    // Incoming 1, ghost 2, main 3. E pushes A into the ghost, A returns to main pushing B out, B returns to main.
    assert_eq!(outcome("2q", 4, "ABCD E A A B A"), "......h.h");
}

#[test]
fn arc_grows_recency_on_a_recency_ghost() {
    // B sits in B1 when it returns, so the target becomes 1 and T2's A is what gives room: C stays.
    assert_eq!(outcome("arc", 2, "AB A C B C A"), "..h..h.");
}

#[test]
fn lirs_swaps_by_recency_between_uses() {
    // Two hot, one cold. C's second use makes it hot and B cold; D and B pass through; D returns hot, A falls to Q.
    assert_eq!(outcome("lirs", 3, "ABC A C D B D A"), "...hh...h");
}

#[test]
fn s3_fifo_promotes_on_two_hits_and_out_of_the_ghost() {
    // K: A (2 hits) to main, B to the ghost. B and C return to main, pushing C and D out. A is still in main.
    assert_eq!(outcome("s3-fifo", 10, "ABCDEFGHIJ AA K B C A D"), "..........hh...h.");
}

#[test]
fn s3_fifo_fills_main_first_where_told_to() {
    // Small holds 1: A in small, B to J in main. K pushes out A, A returns by the ghost pushing out K; the rest is there.
    assert_eq!(outcome("s3-cold", 10, "ABCDEFGHIJ K ABCDEFGHIJ"), "............hhhhhhhhh");
    // By the reference's rule all ten are in small: each that returns pushes out the next just before its turn.
    assert_eq!(outcome("s3-fifo", 10, "ABCDEFGHIJ K ABCDEFGHIJ"), ".....................");
}

#[test]
fn w_tiny_lfu_refuses_what_is_no_more_frequent() {
    // 100 keys fill window and main; the 101st makes the first 99 settle in main and the 100th lose its duel. The hit
    // on 1 moves it to the protected part, cools 20, and 20 pushes 2 out: room for 100 beside 101.
    let keys = (1..=101).chain([1, 100, 101]);
    let trace = Trace::from_keys("by hand", keys);
    let mut policy = make("wtinylfu", 100, false, &trace, 1).expect("a known policy");
    let hits: Vec<bool> = trace.keys.iter().map(|&key| policy.request(key, 1)).collect();
    assert_eq!(hits[..101].iter().filter(|&&hit| hit).count(), 0);
    assert_eq!(hits[101..], [true, false, true]);
}

#[test]
fn gdsf_spares_the_small() {
    let trace = Trace::from_keys("by hand", [0, 1, 2, 0, 2, 1]);
    let sizes = [5, 5, 2, 5, 2, 5];
    let mut policy = make("gdsf", 10, true, &trace, 1).expect("a known policy");
    let hits: Vec<bool> = trace.keys.iter().zip(sizes).map(|(&key, size)| policy.request(key, size)).collect();
    // The small one stays while the two large ones take turns.
    assert_eq!(hits, [false, false, false, false, true, false]);
}

#[test]
fn belady_looks_ahead() {
    // C is never used again: B, used latest, gives room (as in the reference), C itself is not kept.
    assert_eq!(outcome("belady", 2, "ABC A B"), "...h.");
    // A is gone after its last use, so B and C fit.
    assert_eq!(outcome("belady", 2, "ABA C BCB"), "..h.hhh");
}

fn structure(
    capacity: u64,
    mode: ostraka_lab::policies::ours::structure::Mode,
    keys: impl Iterator<Item = u32>,
) -> Vec<bool> {
    let mut structure = Structure::new(capacity, capacity, 64, mode, 1);
    keys.map(|key| structure.request(key, 1)).collect()
}

#[test]
fn ours_holds_on_to_a_loop_larger_than_the_cache() {
    // Cold: keys 0-2 to small, 3-9 to main. Key 10 pushes 0 out of small; from then on nobody wins a duel, so in the
    // second round exactly main's seven are hit.
    let hits = structure(10, BALANCED, (0..22).map(|at| at % 11));
    assert_eq!(hits[..11].iter().filter(|&&hit| hit).count(), 0);
    let second: Vec<usize> = (0..11).filter(|&at| hits[11 + at]).collect();
    assert_eq!(second, [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn ours_as_clock_has_lrus_weakness_and_strength() {
    assert!(!structure(10, CLOCK, (0..33).map(|at| at % 11)).contains(&true));
    // Each key three times in a row: two of three hit.
    let hits = structure(10, CLOCK, (0..60).map(|at| at / 3));
    assert_eq!(hits.iter().filter(|&&hit| hit).count(), 40);
}

#[test]
fn ours_believes_the_ghost_where_the_mode_says_so() {
    // With small of 2 the keys 10 and 11 push out 0 and 1; 0 returns by the ghost into main, where 12 to 14 do not
    // reach it. With small of 3 and no ghost 0 passes through small again: asked for twice, it needs three to win.
    let keys = || (0..12).chain([0, 12, 13, 14, 0]);
    assert_eq!(structure(10, RECENCY, keys()).last(), Some(&true));
    assert_eq!(structure(10, BALANCED, keys()).last(), Some(&false));
}
