//! The functions of an attached cache, as `src/engine/native.ts` calls them.

use crate::arguments::{boolean, integer, number, raw_view};
use crate::bound::Bound;
use crate::strings;
use napi::bindgen_prelude::{Env, FromNapiValue, Result, Unknown};
use napi::{check_status, sys};
use ostraka_core::{
    Acquired, Condition, Cursor, Extras, Found, FoundState, Incremented, Lease, LeaseState, ManyRead, Outcome, Stamp,
    Use, Value, Write,
};
use std::ffi::{CStr, c_void};
use std::ptr;

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

const FUNCTIONS: &[(&CStr, Callback)] = &[
    (c"read", read),
    (c"readInto", read_into),
    (c"readMany", read_many),
    (c"setString", set_string),
    (c"writeString", write_string),
    (c"writeBytes", write_bytes),
    (c"increment", increment),
    (c"has", has),
    (c"remove", remove),
    (c"take", take),
    (c"touch", touch),
    (c"expiresIn", expires_in),
    (c"isCurrent", is_current),
    (c"writeEntry", write_entry),
    (c"lookUp", look_up),
    (c"acquireLease", acquire_lease),
    (c"endLease", end_lease),
    (c"leaseState", lease_state),
    (c"nextWoken", next_woken),
    (c"tagCounter", tag_counter),
    (c"invalidateTags", invalidate_tags),
    (c"count", count),
    (c"scan", scan),
    (c"clear", clear),
    (c"size", size),
    (c"counter", counter),
    (c"advance", advance),
    (c"now", now),
    (c"maintain", maintain),
    (c"adviseHugePages", advise_huge_pages),
    (c"detach", detach),
];

pub fn object_of<'env>(env: &'env Env, bound: *mut Bound) -> Result<Unknown<'env>> {
    let mut object = ptr::null_mut();
    // SAFETY: a live environment; `bound` outlives the functions.
    unsafe {
        check_status!(sys::napi_create_object(env.raw(), &mut object))?;
        for (name, callback) in FUNCTIONS {
            let mut function = ptr::null_mut();
            let length = name.count_bytes() as isize;
            check_status!(sys::napi_create_function(
                env.raw(),
                name.as_ptr(),
                length,
                Some(*callback),
                bound.cast(),
                &mut function
            ))?;
            check_status!(sys::napi_set_named_property(env.raw(), object, name.as_ptr(), function))?;
        }
        Unknown::from_napi_value(env.raw(), object)
    }
}

/// One call: its environment, arguments (absent ones undefined) and attachment.
struct Call<'a, const N: usize> {
    env: sys::napi_env,
    arguments: [sys::napi_value; N],
    bound: &'a Bound,
}

impl<'a, const N: usize> Call<'a, N> {
    /// `None` once detached.
    #[inline(always)]
    unsafe fn begin(env: sys::napi_env, info: sys::napi_callback_info) -> Option<Self> {
        let mut arguments = [ptr::null_mut(); N];
        let mut count = N;
        let mut data: *mut c_void = ptr::null_mut();
        // SAFETY: the out pointers are valid for N arguments; `data` is what `object_of` gave.
        unsafe {
            sys::napi_get_cb_info(env, info, &mut count, arguments.as_mut_ptr(), ptr::null_mut(), &mut data);
            let bound = Bound::from_data(data);
            (!bound.detached.get()).then_some(Call { env, arguments, bound })
        }
    }

    /// The key in the first argument. Throws where it is no string or too long.
    #[inline(always)]
    fn key(&self) -> Option<&'a [u8]> {
        // SAFETY: one call at a time uses the buffer; no JavaScript runs while it is read.
        let buffer = unsafe { &mut *self.bound.key.get() };
        match strings::key(self.env, self.arguments[0], buffer) {
            Some(length) if (1..=0xFFFF).contains(&length) => Some(&buffer[..length]),
            _ => {
                let (code, message) = (c"OSTRAKA_KEY", c"a key is a string of 1 to 65535 bytes");
                // SAFETY: both strings end in zero.
                unsafe { sys::napi_throw_type_error(self.env, code.as_ptr(), message.as_ptr()) };
                None
            }
        }
    }

    fn number(&self, value: f64) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        unsafe { sys::napi_create_double(self.env, value, &mut result) };
        result
    }

    #[inline(always)]
    fn integer(&self, value: i32) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        unsafe { sys::napi_create_int32(self.env, value, &mut result) };
        result
    }

    #[inline(always)]
    fn boolean(&self, value: bool) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        unsafe { sys::napi_get_boolean(self.env, value, &mut result) };
        result
    }

    fn deadline(&self, argument: usize) -> Option<u64> {
        let ttl = number(self.env, self.arguments[argument]);
        (ttl >= 0.0).then(|| self.bound.attachment.deadline(ttl as u64))
    }

    fn idle(&self, argument: usize) -> Option<u32> {
        let idle = number(self.env, self.arguments[argument]);
        (idle >= 0.0).then_some(idle as u32)
    }

    #[inline(always)]
    fn note(&self, value: &Value) {
        let stamp = value.stamp;
        self.bound.put_meta([
            value.kind as i32,
            value.length as i32,
            stamp.slot as i32,
            stamp.location as i32,
            stamp.generation as i32,
            stamp.world as i32,
            i32::from(value.ends) | (i32::from(value.tagged) << 1),
        ]);
    }

    /// A value as `Engine.read` hands it out.
    #[inline(always)]
    fn answer(&self, key: &[u8], how: Use) -> sys::napi_value {
        let scratch = self.bound.scratch();
        let Some(value) = self.bound.attachment.read(key, how, scratch) else {
            return ptr::null_mut();
        };
        self.note(&value);
        if value.length > scratch.len() {
            return self.long_answer(key, how, value);
        }
        if strings::is_string(value.kind) {
            return strings::to_js(self.env, value.kind, &scratch[..value.length]);
        }
        self.integer(value.length as i32)
    }

    /// A string longer than scratch. Other long values are fetched by `readInto`, into memory that JavaScript allocates.
    #[cold]
    fn long_answer(&self, key: &[u8], how: Use, first: Value) -> sys::napi_value {
        if !strings::is_string(first.kind) {
            return self.integer(first.length as i32);
        }
        let mut bytes = vec![0; first.length];
        loop {
            let how = if how == Use::Get { Use::Peek } else { how };
            let Some(value) = self.bound.attachment.read(key, how, &mut bytes) else {
                return ptr::null_mut();
            };
            self.note(&value);
            if value.length > bytes.len() {
                bytes.resize(value.length, 0);
                continue;
            }
            if strings::is_string(value.kind) {
                return strings::to_js(self.env, value.kind, &bytes[..value.length]);
            }
            // It became something else meanwhile; short enough for scratch, or asked for by `readInto`.
            let fits = value.length.min(self.bound.scratch().len());
            self.bound.scratch()[..fits].copy_from_slice(&bytes[..fits]);
            return self.integer(value.length as i32);
        }
    }

    /// `mode` or, when a stamp follows, compare-and-set: arguments from `at` on.
    fn condition(&self, at: usize) -> Condition {
        match integer(self.env, self.arguments[at]) {
            1 => Condition::Absent,
            2 => Condition::Unchanged(Stamp {
                slot: integer(self.env, self.arguments[at + 3]),
                location: integer(self.env, self.arguments[at + 4]),
                generation: integer(self.env, self.arguments[at + 5]),
                world: 0,
            }),
            _ => Condition::Always,
        }
    }

    fn status(&self, outcome: Outcome) -> sys::napi_value {
        self.integer(status_of(outcome))
    }
}

fn status_of(outcome: Outcome) -> i32 {
    match outcome {
        Outcome::Stored => 1,
        Outcome::Refused => 0,
        Outcome::TooLarge => -1,
        Outcome::NoRoom => -2,
        Outcome::Paused => -3,
        Outcome::Closed => -4,
    }
}

macro_rules! callback {
    ($name:ident, $arguments:literal, |$call:ident| $body:expr) => {
        unsafe extern "C" fn $name(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
            // SAFETY: called by Node-API with what it made for this function.
            let Some($call) = (unsafe { Call::<$arguments>::begin(env, info) }) else {
                return ptr::null_mut();
            };
            $body
        }
    };
}

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

callback!(has, 1, |call| {
    let Some(key) = call.key() else { return ptr::null_mut() };
    call.boolean(call.bound.attachment.has(key))
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

/// What `found` says, in the order of src/engine/engine.ts.
fn numbers_of(found: &Found) -> [f64; 6] {
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

// count(counter, by)
callback!(count, 2, |call| {
    let by = number(call.env, call.arguments[1]).max(0.0) as u64;
    call.bound.attachment.count_event(integer(call.env, call.arguments[0]), by);
    ptr::null_mut()
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

callback!(advise_huge_pages, 0, |call| call.boolean(call.bound.attachment.advise_huge_pages()));

callback!(detach, 0, |call| {
    call.bound.detach();
    ptr::null_mut()
});
