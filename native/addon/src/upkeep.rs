//! What concerns the cache as a whole: counters, clock, upkeep, leaving.

use crate::arguments::{boolean, integer, number};
use crate::call::{Call, Callback, callback};
use crate::strings;
use napi::sys;
use std::ffi::CStr;
use std::ptr;

pub const FUNCTIONS: &[(&CStr, Callback)] = &[
    (c"line", line),
    (c"count", count),
    (c"setCounting", set_counting),
    (c"watchDepartures", watch_departures),
    (c"takeDepartures", take_departures),
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

callback!(line, 0, |call| call.integer(call.bound.attachment.line_index() as i32));

callback!(set_counting, 1, |call| {
    call.bound.attachment.set_counting(boolean(call.env, call.arguments[0]));
    ptr::null_mut()
});

callback!(watch_departures, 1, |call| {
    call.bound.attachment.watch_departures(boolean(call.env, call.arguments[0]));
    ptr::null_mut()
});

// takeDepartures(into): appends counter, key, counter, key, …; how many were lost.
callback!(take_departures, 1, |call| {
    let mut left: Vec<(u32, Vec<u8>)> = Vec::new();
    let lost = call.bound.attachment.take_departures(|why, key| left.push((why as u32, key.to_vec())));
    let mut index = 0;
    // SAFETY: `into` is checked to be an array by its length; elements are made here.
    unsafe {
        if sys::napi_get_array_length(call.env, call.arguments[0], &mut index) == sys::Status::napi_ok {
            for (why, key) in &left {
                sys::napi_set_element(call.env, call.arguments[0], index, call.integer(*why as i32));
                sys::napi_set_element(call.env, call.arguments[0], index + 1, strings::key_to_js(call.env, key));
                index += 2;
            }
        }
    }
    call.number(lost as f64)
});

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
