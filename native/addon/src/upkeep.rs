//! What concerns the cache as a whole: counters, clock, upkeep, leaving.

use crate::arguments::{integer, number};
use crate::call::{Call, Callback, callback};
use napi::sys;
use std::ffi::CStr;
use std::ptr;

pub const FUNCTIONS: &[(&CStr, Callback)] = &[
    (c"count", count),
    (c"clear", clear),
    (c"size", size),
    (c"counter", counter),
    (c"advance", advance),
    (c"now", now),
    (c"maintain", maintain),
    (c"tend", tend),
    (c"reclaim", reclaim),
    (c"reap", reap),
    (c"adviseHugePages", advise_huge_pages),
    (c"detach", detach),
];

// count(counter, by)
callback!(count, 2, |call| {
    let by = number(call.env, call.arguments[1]).max(0.0) as u64;
    call.bound.attachment.count_event(integer(call.env, call.arguments[0]), by);
    ptr::null_mut()
});

callback!(clear, 0, |call| {
    call.bound.attachment.clear();
    ptr::null_mut()
});

callback!(size, 0, |call| call.number(f64::from(call.bound.attachment.size())));

callback!(counter, 1, |call| {
    call.number(call.bound.attachment.counter(integer(call.env, call.arguments[0])) as f64)
});

callback!(advance, 1, |call| {
    let milliseconds = number(call.env, call.arguments[0]).max(0.0) as u64;
    call.boolean(call.bound.attachment.advance(milliseconds))
});

callback!(now, 0, |call| call.number(call.bound.attachment.deadline(0) as f64));

callback!(maintain, 0, |call| call.boolean(call.bound.attachment.maintain()));

// tend(shard, ahead)
callback!(tend, 2, |call| {
    let number = integer(call.env, call.arguments[0]) as usize;
    let tended = call.bound.attachment.tend(number, integer(call.env, call.arguments[1]));
    call.number(f64::from(tended as u32))
});

// reclaim(shard)
callback!(reclaim, 1, |call| {
    let tended = call.bound.attachment.reclaim(integer(call.env, call.arguments[0]) as usize);
    call.number(f64::from(tended as u32))
});

callback!(reap, 0, |call| {
    call.bound.attachment.reap_all();
    ptr::null_mut()
});

callback!(advise_huge_pages, 0, |call| call.boolean(call.bound.attachment.advise_huge_pages()));

callback!(detach, 0, |call| {
    call.bound.detach();
    ptr::null_mut()
});
