//! The functions of an attached cache, as `src/engine/native.ts` calls them, put together as one object.

use crate::bound::Bound;
use crate::{loads, reads, upkeep, writes};
use napi::bindgen_prelude::{Env, FromNapiValue, Result, Unknown};
use napi::{check_status, sys};
use std::ptr;

pub fn object_of<'env>(env: &'env Env, bound: *mut Bound) -> Result<Unknown<'env>> {
    let mut object = ptr::null_mut();
    // SAFETY: a live environment; `bound` outlives the functions.
    unsafe {
        check_status!(sys::napi_create_object(env.raw(), &mut object))?;
        for (name, callback) in [reads::FUNCTIONS, writes::FUNCTIONS, loads::FUNCTIONS, upkeep::FUNCTIONS].concat() {
            let mut function = ptr::null_mut();
            let length = name.count_bytes() as isize;
            check_status!(sys::napi_create_function(
                env.raw(),
                name.as_ptr(),
                length,
                Some(callback),
                bound.cast(),
                &mut function
            ))?;
            check_status!(sys::napi_set_named_property(env.raw(), object, name.as_ptr(), function))?;
        }
        Unknown::from_napi_value(env.raw(), object)
    }
}
