//! Is a recorded history of one key linearizable? A search in the manner of Wing and Gong with Lowe's memory of
//! configurations already seen. Values are unique, each thread's operations follow one another, so a configuration is
//! how far each thread has come and the value that is there.

use std::collections::HashSet;

/// What an operation did, as its caller saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Did {
    Got(Option<u64>),
    Set(u64),
    /// True: it removed something.
    Deleted(bool),
    Added(u64),
    AddRefused,
    Took(Option<u64>),
    Swapped {
        from: u64,
        to: u64,
    },
    Touched(bool),
    Cleared,
    /// A refused compare-and-set, or a write without room: it says nothing about what was there.
    Nothing,
}

#[derive(Clone, Copy, Debug)]
pub struct Event {
    pub begin: u64,
    pub end: u64,
    pub did: Did,
}

/// The value after `did`, if it can happen where `held` is. `forgets`: the cache may drop a value at any time, so
/// whatever needs an absent key can happen anywhere. Dropping later than needed never hides an order.
fn after(held: Option<u64>, did: Did, forgets: bool) -> Option<Option<u64>> {
    let absent = held.is_none() || forgets;
    match did {
        Did::Got(None) => absent.then_some(None),
        Did::Got(seen) => (held == seen).then_some(held),
        Did::Set(value) => Some(Some(value)),
        Did::Deleted(true) => held.is_some().then_some(None),
        Did::Deleted(false) | Did::Took(None) => absent.then_some(None),
        Did::Added(value) => absent.then_some(Some(value)),
        Did::AddRefused => held.is_some().then_some(held),
        Did::Took(seen) => (held == seen).then_some(None),
        Did::Swapped { from, to } => (held == Some(from)).then_some(Some(to)),
        Did::Touched(true) => held.is_some().then_some(held),
        Did::Touched(false) => absent.then_some(None),
        Did::Cleared => Some(None),
        Did::Nothing => Some(held),
    }
}

/// Each thread's operations on one key, in its own order. The first stretch that has no order, if there is one.
pub fn check(threads: &[Vec<Event>], forgets: bool) -> Result<(), String> {
    let total: usize = threads.iter().map(Vec::len).sum();
    let mut reached: HashSet<(Vec<u32>, Option<u64>)> = HashSet::from([(vec![0; threads.len()], None)]);
    for step in 0..total {
        let mut next = HashSet::new();
        for (come, held) in &reached {
            let ahead = |thread: usize| threads[thread].get(come[thread] as usize);
            for (thread, event) in (0..threads.len()).filter_map(|thread| Some((thread, ahead(thread)?))) {
                // Whatever ended before this began comes first.
                let waits = (0..threads.len()).any(|other| ahead(other).is_some_and(|other| other.end < event.begin));
                if waits {
                    continue;
                }
                if let Some(held) = after(*held, event.did, forgets) {
                    let mut come = come.clone();
                    come[thread] += 1;
                    next.insert((come, held));
                }
            }
        }
        if next.is_empty() {
            let (come, held) = reached.iter().next().unwrap();
            let window: Vec<_> = threads
                .iter()
                .zip(come)
                .map(|(events, &at)| &events[(at as usize).saturating_sub(3)..(at as usize + 3).min(events.len())])
                .collect();
            return Err(format!("no order after {step} operations, where {held:?} is held: {window:#?}"));
        }
        reached = next;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(begin: u64, end: u64, did: Did) -> Event {
        Event { begin, end, did }
    }

    #[test]
    fn overlapping_operations_may_come_in_either_order() {
        let history = [
            vec![event(1, 4, Did::Set(1)), event(5, 8, Did::Got(Some(2)))],
            vec![event(2, 3, Did::Set(2)), event(6, 7, Did::Deleted(true))],
        ];
        assert_eq!(check(&history, false), Ok(()));
    }

    #[test]
    fn a_stale_value_is_caught() {
        let stale = [vec![event(1, 2, Did::Set(1)), event(3, 4, Did::Set(2)), event(5, 6, Did::Got(Some(1)))]];
        assert!(check(&stale, true).is_err());
        let on_another_thread =
            [vec![event(1, 2, Did::Set(1)), event(3, 4, Did::Set(2))], vec![event(5, 6, Did::Got(Some(1)))]];
        assert!(check(&on_another_thread, true).is_err());
        let overlapping =
            [vec![event(1, 2, Did::Set(1)), event(3, 6, Did::Set(2))], vec![event(5, 7, Did::Got(Some(1)))]];
        assert_eq!(check(&overlapping, true), Ok(()));
    }

    #[test]
    fn a_duplicate_take_is_caught() {
        let twice =
            [vec![event(1, 2, Did::Set(1)), event(3, 6, Did::Took(Some(1)))], vec![event(4, 5, Did::Took(Some(1)))]];
        assert!(check(&twice, true).is_err());
    }

    #[test]
    fn a_resurrected_value_is_caught() {
        let risen = [vec![event(1, 2, Did::Set(1)), event(3, 4, Did::Deleted(true)), event(5, 6, Did::Got(Some(1)))]];
        assert!(check(&risen, true).is_err());
        let forgotten_and_risen =
            [vec![event(1, 2, Did::Set(1)), event(3, 4, Did::Got(None)), event(5, 6, Did::Got(Some(1)))]];
        assert!(check(&forgotten_and_risen, true).is_err());
    }

    #[test]
    fn a_value_may_be_forgotten_only_where_that_is_allowed() {
        let forgotten = [vec![event(1, 2, Did::Set(1)), event(3, 4, Did::Got(None))]];
        assert!(check(&forgotten, false).is_err());
        assert_eq!(check(&forgotten, true), Ok(()));
    }

    #[test]
    fn two_winners_of_an_add_or_a_swap_are_caught() {
        let added = [vec![event(1, 4, Did::Added(1))], vec![event(2, 3, Did::Added(2))]];
        assert!(check(&added, false).is_err());
        let swapped = [
            vec![event(1, 2, Did::Set(1)), event(3, 6, Did::Swapped { from: 1, to: 2 })],
            vec![event(4, 5, Did::Swapped { from: 1, to: 3 })],
        ];
        assert!(check(&swapped, true).is_err());
    }
}
