//! Writing: values under conditions, numbers, ends, removal.

use crate::arguments::{integer, number, raw_view};
use crate::call::{Call, Callback, callback};
use crate::strings;
use napi::sys;
use ostraka_core::{Condition, Extras, Incremented, Lease, Write};
use std::ffi::CStr;
use std::ptr;

pub const FUNCTIONS: &[(&CStr, Callback)] = &[
    (c"setString", set_string),
    (c"writeString", write_string),
    (c"writeBytes", write_bytes),
    (c"increment", increment),
    (c"remove", remove),
    (c"touch", touch),
    (c"writeEntry", write_entry),
];

// setString(key, value): status. writeString without an end or a condition: reading four more arguments costs a tenth.
callback!(set_string, 2, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    // SAFETY: one call at a time uses the buffer; no JavaScript runs while it is read.
    let buffer = unsafe { &mut *call.bound.value.get() };
    let Some((length, kind)) = strings::value(call.env, call.arguments[1], buffer) else { return ptr::null_mut() };
    let value = &buffer[..length];
    let (expires_at, idle_ms, condition) = (None, None, Condition::Always);
    let outcome = call.bound.attachment.write(&Write { key, value, kind, expires_at, idle_ms, condition });
    strings::shrink(buffer);
    call.status(outcome)
});

// writeString(key, value, mode, ttl, idle [, slot, location, generation]): status
callback!(write_string, 8, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    // SAFETY: one call at a time uses the buffer; no JavaScript runs while it is read.
    let buffer = unsafe { &mut *call.bound.value.get() };
    let Some((length, kind)) = strings::value(call.env, call.arguments[1], buffer) else { return ptr::null_mut() };
    let outcome = call.bound.attachment.write(&Write {
        key,
        value: &buffer[..length],
        kind,
        expires_at: call.deadline(3),
        idle_ms: call.idle(4),
        condition: call.condition(2),
    });
    strings::shrink(buffer);
    call.status(outcome)
});

// writeBytes(key, bytes, mode, ttl, idle, slot, location, generation, kind): status
callback!(write_bytes, 9, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let Some((base, length)) = raw_view(call.env, call.arguments[1]) else { return ptr::null_mut() };
    // SAFETY: a private typed array of the caller, alive and unchanged during the call.
    let value = unsafe { std::slice::from_raw_parts(base, length) };
    let outcome = call.bound.attachment.write(&Write {
        key,
        value,
        kind: integer(call.env, call.arguments[8]) & 31,
        expires_at: call.deadline(3),
        idle_ms: call.idle(4),
        condition: call.condition(2),
    });
    call.status(outcome)
});

// increment(key, by, ttl, idle): number; NaN when the entry is none; undefined when it cannot be kept
callback!(increment, 4, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let by = number(call.env, call.arguments[1]);
    match call.bound.attachment.increment(key, by, call.deadline(2), call.idle(3)) {
        Incremented::To(number) => call.number(number),
        Incremented::NotANumber => call.number(f64::NAN),
        Incremented::Rejected(_) => ptr::null_mut(),
    }
});

// writeEntry(key, value, mode, kind, fields, tags): status. Kind −1: the value is a string. Fields: ttl, idle, soft, cost,
// stamp, lease.
callback!(write_entry, 6, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let (Some(fields), Some(tags)) = (raw_view(call.env, call.arguments[4]), raw_view(call.env, call.arguments[5]))
    else {
        return ptr::null_mut();
    };
    if fields.1 < 48 || !(fields.0 as usize).is_multiple_of(8) {
        return ptr::null_mut();
    }
    // SAFETY: a private Float64Array of the caller, alive during the call, long enough and aligned as checked.
    let fields = unsafe { std::slice::from_raw_parts(fields.0.cast::<f64>(), 6) };
    let tags: &[u32] = if tags.1 >= 4 && (tags.0 as usize).is_multiple_of(4) {
        // SAFETY: a private Uint32Array of the caller, alive and unchanged during the call.
        unsafe { std::slice::from_raw_parts(tags.0.cast(), tags.1 / 4) }
    } else {
        &[]
    };
    let given = |index: usize| (fields[index] >= 0.0).then_some(fields[index]);
    let deadline = |index: usize| given(index).map(|ttl| call.bound.attachment.deadline(ttl as u64));
    let condition = match integer(call.env, call.arguments[2]) {
        1 => Condition::Absent,
        2 => Condition::Present,
        3 => Condition::Leased(Lease::from_token(fields[5] as u64)),
        _ => Condition::Always,
    };
    let extras = Extras {
        // Never fresh for longer than it is there.
        soft_at: deadline(2).map(|soft| deadline(0).map_or(soft, |last| soft.min(last))),
        cost: given(3).map(|cost| cost as u32),
        stamp: fields[4] as u32,
        tags,
        ..Extras::default()
    };
    let write = |value: &[u8], kind: u32| {
        let (expires_at, idle_ms) = (deadline(0), given(1).map(|idle| idle as u32));
        let write = Write { key, value, kind, expires_at, idle_ms, condition };
        call.status(call.bound.attachment.write_entry(&write, &extras))
    };
    let kind = number(call.env, call.arguments[3]);
    if kind >= 0.0 {
        let Some((base, length)) = raw_view(call.env, call.arguments[1]) else { return ptr::null_mut() };
        // SAFETY: a private typed array of the caller, alive and unchanged during the call.
        return write(unsafe { std::slice::from_raw_parts(base, length) }, kind as u32 & 31);
    }
    // SAFETY: one call at a time uses the buffer; no JavaScript runs while it is read.
    let buffer = unsafe { &mut *call.bound.value.get() };
    let Some((length, kind)) = strings::value(call.env, call.arguments[1], buffer) else { return ptr::null_mut() };
    let status = write(&buffer[..length], kind);
    strings::shrink(buffer);
    status
});

callback!(remove, 1, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    call.boolean(call.bound.attachment.delete(key))
});

// touch(key, ttl, idle): boolean
callback!(touch, 3, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    call.boolean(call.bound.attachment.touch(key, call.deadline(1), call.idle(2)))
});
