//! Reading: values, what is known of an entry, and walks over keys.

use crate::arguments::{boolean, integer, number, raw_view};
use crate::call::{Call, Callback, callback};
use crate::loads::numbers_of;
use crate::strings;
use napi::sys;
use ostraka_core::{Cursor, ManyRead, Stamp, Use};
use std::ffi::CStr;
use std::ptr;

pub const FUNCTIONS: &[(&CStr, Callback)] = &[
    (c"read", read),
    (c"readInto", read_into),
    (c"readMany", read_many),
    (c"has", has),
    (c"take", take),
    (c"expiresIn", expires_in),
    (c"isCurrent", is_current),
    (c"lookUp", look_up),
    (c"scan", scan),
];

// read(key, touch): string | number | undefined
callback!(read, 2, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let how = if boolean(call.env, call.arguments[1]) { Use::Get } else { Use::Peek };
    call.answer(key, how)
});

// take(key): like read; a value longer than scratch is not removed and its length is the answer: the caller asks again
// with a target (second argument).
callback!(take, 2, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    match raw_view(call.env, call.arguments[1]) {
        None => call.answer(key, Use::Take),
        Some((base, length)) => {
            // SAFETY: a private typed array of the caller, alive during the call.
            let target = unsafe { std::slice::from_raw_parts_mut(base, length) };
            match call.bound.attachment.read(key, Use::Take, target) {
                None => ptr::null_mut(),
                Some(value) => {
                    call.note(&value);
                    call.integer(value.length as i32)
                }
            }
        }
    }
});

// readInto(key, target): number
callback!(read_into, 2, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let Some((base, length)) = raw_view(call.env, call.arguments[1]) else { return call.integer(-1) };
    // SAFETY: a private typed array of the caller, alive during the call.
    let target = unsafe { std::slice::from_raw_parts_mut(base, length) };
    match call.bound.attachment.read(key, Use::Peek, target) {
        None => call.integer(-1),
        Some(value) => {
            call.note(&value);
            call.integer(value.length as i32)
        }
    }
});

// readMany(packed, count, table): packed = count × {u16 length, bytes}; fills table (Int32Array, 3 words a key: kind or
// −1 absent or −2 too long, length, offset in scratch) and scratch.
callback!(read_many, 3, |call| {
    let packed = raw_view(call.env, call.arguments[0]);
    let table = raw_view(call.env, call.arguments[2]);
    let count = integer(call.env, call.arguments[1]) as usize;
    let (Some((packed, packed_len)), Some((table, table_len))) = (packed, table) else {
        return call.integer(-1);
    };
    if table_len < count * 12 || !(table as usize).is_multiple_of(4) {
        return call.integer(-1);
    }
    // SAFETY: private typed arrays of the caller, alive during the call, in bounds as checked.
    let (mut packed, table) = unsafe {
        (std::slice::from_raw_parts(packed, packed_len), std::slice::from_raw_parts_mut(table.cast::<i32>(), count * 3))
    };
    let keys = (0..count).map_while(|_| {
        let (length, rest) = packed.split_first_chunk::<2>()?;
        let (key, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        packed = rest;
        (!key.is_empty()).then_some(key)
    });
    let mut rows = table.chunks_exact_mut(3);
    call.bound.attachment.read_many(keys, call.bound.scratch(), |answer| {
        if let Some(row) = rows.next() {
            row.copy_from_slice(&match answer {
                ManyRead::Absent => [-1, 0, 0],
                ManyRead::TooLong { value } => [-2, value.length as i32, 0],
                ManyRead::Copied { value, offset } => [value.kind as i32, value.length as i32, offset as i32],
            });
        }
    });
    call.integer(0)
});

// lookUp(key [, target]): like read; a long value that is no string is copied into the target, if there is one of its
// length, and the call does not count again.
callback!(look_up, 2, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    let target = raw_view(call.env, call.arguments[1]);
    let into = match target {
        // SAFETY: a private typed array of the caller, alive during the call.
        Some((base, length)) => unsafe { std::slice::from_raw_parts_mut(base, length) },
        None => call.bound.scratch(),
    };
    let mut long = Vec::new();
    let mut found = call.bound.attachment.look_up(key, target.is_none(), into);
    loop {
        call.bound.put_found(numbers_of(&found));
        let Some(value) = found.value else { return ptr::null_mut() };
        call.note(&value);
        if !strings::is_string(value.kind) {
            return call.integer(value.length as i32);
        }
        let bytes = if long.is_empty() { &*into } else { &long[..] };
        if value.length <= bytes.len() {
            return strings::to_js(call.env, value.kind, &bytes[..value.length]);
        }
        // Only while it grows: each turn follows another thread's write.
        long.resize(value.length, 0);
        found = call.bound.attachment.look_up(key, false, &mut long);
    }
});

callback!(has, 1, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    call.boolean(call.bound.attachment.has(key))
});

callback!(expires_in, 1, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    call.number(match call.bound.attachment.expires_in(key) {
        None => -1.0,
        Some(u64::MAX) => f64::INFINITY,
        Some(left) => left as f64,
    })
});

// isCurrent(slot, location, generation, world): boolean
callback!(is_current, 4, |call| {
    let word = |at: usize| integer(call.env, call.arguments[at]);
    let stamp = Stamp { slot: word(0), location: word(1), generation: word(2), world: word(3) };
    call.boolean(call.bound.attachment.is_current(stamp))
});

// scan(cursor, limit, prefix, into, all): next cursor, 0 at the end. A cursor is shard × 2^32 + bucket.
callback!(scan, 5, |call| {
    let cursor = number(call.env, call.arguments[0]).max(0.0) as u64;
    let from = Cursor { shard: (cursor >> 32) as u32, bucket: cursor as u32 };
    let limit = integer(call.env, call.arguments[1]) as usize;
    let mut prefix = vec![0; strings::SHORT];
    let Some(length) = strings::key(call.env, call.arguments[2], &mut prefix) else { return ptr::null_mut() };
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let all = boolean(call.env, call.arguments[4]);
    let next = call.bound.attachment.scan_keys(from, limit, &prefix[..length], all, |key| keys.push(key.to_vec()));
    let mut index = 0;
    // SAFETY: `into` is checked to be an array by its length; elements are made here.
    unsafe {
        if sys::napi_get_array_length(call.env, call.arguments[3], &mut index) != sys::Status::napi_ok {
            return ptr::null_mut();
        }
        for key in &keys {
            sys::napi_set_element(call.env, call.arguments[3], index, strings::key_to_js(call.env, key));
            index += 1;
        }
    }
    call.number(next.map_or(0.0, |next| ((u64::from(next.shard) << 32) | u64::from(next.bucket)) as f64))
});
