//! One call of a function of an attached cache: its arguments, and how answers are made.

use crate::arguments::{integer, number};
use crate::bound::Bound;
use crate::strings;
use napi::sys;
use ostraka_core::{Condition, Outcome, Stamp, Use, Value};
use std::ffi::c_void;
use std::ptr;

pub type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// One call: its environment, arguments (absent ones undefined) and attachment.
pub struct Call<'a, const N: usize> {
    pub env: sys::napi_env,
    pub arguments: [sys::napi_value; N],
    pub bound: &'a Bound,
}

impl<'a, const N: usize> Call<'a, N> {
    /// `None` once detached.
    #[inline(always)]
    pub unsafe fn begin(env: sys::napi_env, info: sys::napi_callback_info) -> Option<Self> {
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
    pub fn key(&self) -> Option<&'a [u8]> {
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

    pub fn number(&self, value: f64) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        unsafe { sys::napi_create_double(self.env, value, &mut result) };
        result
    }

    #[inline(always)]
    pub fn integer(&self, value: i32) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        unsafe { sys::napi_create_int32(self.env, value, &mut result) };
        result
    }

    #[inline(always)]
    pub fn boolean(&self, value: bool) -> sys::napi_value {
        let mut result = ptr::null_mut();
        // SAFETY: the out pointer is valid.
        unsafe { sys::napi_get_boolean(self.env, value, &mut result) };
        result
    }

    pub fn deadline(&self, argument: usize) -> Option<u64> {
        let ttl = number(self.env, self.arguments[argument]);
        (ttl >= 0.0).then(|| self.bound.attachment.deadline(ttl as u64))
    }

    pub fn idle(&self, argument: usize) -> Option<u32> {
        let idle = number(self.env, self.arguments[argument]);
        (idle >= 0.0).then_some(idle as u32)
    }

    #[inline(always)]
    pub fn note(&self, value: &Value) {
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
    pub fn answer(&self, key: &[u8], how: Use) -> sys::napi_value {
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
    pub fn condition(&self, at: usize) -> Condition {
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

    pub fn status(&self, outcome: Outcome) -> sys::napi_value {
        self.integer(status_of(outcome))
    }
}

pub fn status_of(outcome: Outcome) -> i32 {
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
pub(crate) use callback;
