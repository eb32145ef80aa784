//! Arguments of Node-API callbacks as plain Rust values. Nothing here touches the cache.

use napi::bindgen_prelude::Unknown;
use napi::{JsValue, sys};
use std::ptr;

pub struct Views<'env> {
    pub control: Unknown<'env>,
    pub shards: Vec<Unknown<'env>>,
    pub scratch: Unknown<'env>,
    pub meta: Unknown<'env>,
}

/// Address and byte length of a typed array or Buffer, over shared memory or not.
pub fn view(env: sys::napi_env, value: &Unknown<'_>) -> Option<(*mut u8, usize)> {
    raw_view(env, value.raw())
}

pub fn raw_view(env: sys::napi_env, value: sys::napi_value) -> Option<(*mut u8, usize)> {
    let (mut kind, mut length, mut data) = (0, 0, ptr::null_mut());
    // SAFETY: the out pointers are valid; a value that is no typed array makes the call fail, which is looked at.
    let status = unsafe {
        sys::napi_get_typedarray_info(env, value, &mut kind, &mut length, &mut data, ptr::null_mut(), ptr::null_mut())
    };
    let width = match kind {
        sys::TypedarrayType::int8_array
        | sys::TypedarrayType::uint8_array
        | sys::TypedarrayType::uint8_clamped_array => 1,
        sys::TypedarrayType::int16_array | sys::TypedarrayType::uint16_array => 2,
        sys::TypedarrayType::int32_array | sys::TypedarrayType::uint32_array | sys::TypedarrayType::float32_array => 4,
        _ => 8,
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    // An empty view has no address; slices need one.
    let data = if data.is_null() { ptr::NonNull::<u8>::dangling().as_ptr() } else { data.cast() };
    Some((data, length * width))
}

/// A number argument; NaN when it is none.
#[inline(always)]
pub fn number(env: sys::napi_env, value: sys::napi_value) -> f64 {
    let mut number = f64::NAN;
    // SAFETY: the out pointer is valid; on failure it keeps NaN.
    unsafe { sys::napi_get_value_double(env, value, &mut number) };
    number
}

#[inline(always)]
pub fn integer(env: sys::napi_env, value: sys::napi_value) -> u32 {
    let mut number = 0;
    // SAFETY: the out pointer is valid; on failure it keeps 0.
    unsafe { sys::napi_get_value_uint32(env, value, &mut number) };
    number
}

#[inline(always)]
pub fn boolean(env: sys::napi_env, value: sys::napi_value) -> bool {
    let mut boolean = false;
    // SAFETY: the out pointer is valid; on failure it keeps false.
    unsafe { sys::napi_get_value_bool(env, value, &mut boolean) };
    boolean
}
