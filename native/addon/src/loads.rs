//! Loading: leases, outcomes, generations of tags.

use crate::arguments::{boolean, integer, number, raw_view};
use crate::call::{Call, Callback, callback};
use napi::sys;
use ostraka_core::{Acquired, Found, FoundState, Lease, LeaseState};
use std::ffi::CStr;
use std::ptr;

pub const FUNCTIONS: &[(&CStr, Callback)] = &[
    (c"acquireLease", acquire_lease),
    (c"endLease", end_lease),
    (c"leaseState", lease_state),
    (c"nextWoken", next_woken),
    (c"tagCounter", tag_counter),
    (c"invalidateTags", invalidate_tags),
];

/// What `found` says, in the order of src/engine/engine.ts.
pub fn numbers_of(found: &Found) -> [f64; 6] {
    let state = match found.state {
        FoundState::Absent => 0.0,
        FoundState::Fresh => 1.0,
        FoundState::Stale => 2.0,
        FoundState::Failed => 3.0,
        FoundState::Nothing => 4.0,
    };
    let has_entry = matches!(found.state, FoundState::Fresh | FoundState::Stale);
    let left = |time: Option<u64>| if has_entry { time.map_or(f64::INFINITY, |left| left as f64) } else { 0.0 };
    let lease = found.lease.map_or(0.0, |lease| lease.token() as f64);
    [state, left(found.fresh_for), left(found.ends_in), found.cost.map_or(-1.0, f64::from), lease, 0.0]
}

// acquireLease(key, timeoutMs, early): token or, not positive, why there is none; the lease concerned in `found`, and
// whether lines are to be woken (nextWoken).
callback!(acquire_lease, 3, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let timeout = number(call.env, call.arguments[1]).max(0.0) as u64;
    let attachment = &call.bound.attachment;
    let (answer, lease) = match attachment.acquire_lease(key, timeout, boolean(call.env, call.arguments[2])) {
        Acquired::Lease(lease) => (lease.token() as f64, lease.token() as f64),
        Acquired::Running(lease) => (0.0, lease.token() as f64),
        Acquired::Present => (-1.0, 0.0),
        Acquired::Full => (-2.0, 0.0),
    };
    call.bound.put_found([0.0, 0.0, 0.0, -1.0, lease, attachment.woken() as f64]);
    call.number(answer)
});

fn state_of(word: u32) -> LeaseState {
    match word {
        2 => LeaseState::Filled,
        3 => LeaseState::Failed,
        5 => LeaseState::Nothing,
        _ => LeaseState::Abandoned,
    }
}

// endLease(key, token, state, outcome)
callback!(end_lease, 4, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let lease = Lease::from_token(number(call.env, call.arguments[1]).max(0.0) as u64);
    let how = state_of(integer(call.env, call.arguments[2]));
    let outcome = raw_view(call.env, call.arguments[3]);
    // SAFETY: a private typed array of the caller, alive and unchanged during the call.
    let error = outcome.map_or(&[][..], |(base, length)| unsafe { std::slice::from_raw_parts(base, length) });
    call.bound.attachment.end_lease(key, lease, how, error);
    ptr::null_mut()
});

callback!(lease_state, 1, |call| {
    let lease = Lease::from_token(number(call.env, call.arguments[0]).max(0.0) as u64);
    call.integer(match call.bound.attachment.lease_state(lease) {
        LeaseState::Running => 0,
        LeaseState::Filled => 2,
        LeaseState::Failed => 3,
        LeaseState::Abandoned => 4,
        LeaseState::Nothing => 5,
    })
});

callback!(next_woken, 0, |call| call.integer(call.bound.attachment.next_woken().map_or(-1, |line| line as i32)));

callback!(tag_counter, 1, |call| {
    let Some(tag) = call.key() else { return ptr::null_mut() };
    call.number(f64::from(call.bound.attachment.tag_counter(tag)))
});

// invalidateTags(counters)
callback!(invalidate_tags, 1, |call| {
    let Some((base, length)) = raw_view(call.env, call.arguments[0]) else { return ptr::null_mut() };
    if length >= 4 && (base as usize).is_multiple_of(4) {
        // SAFETY: a private Uint32Array of the caller, alive and unchanged during the call.
        let counters = unsafe { std::slice::from_raw_parts(base.cast::<u32>(), length / 4) };
        call.bound.attachment.invalidate_tags(counters.iter().copied());
    }
    ptr::null_mut()
});
