//! One thread's attachment as the data of its JavaScript functions, and its end.

use crate::arguments::{Views, view};
use napi::{JsValue, sys};
use ostraka_core::{AttachError, Attachment, Region, SystemHost};
use std::cell::{Cell, UnsafeCell};
use std::ffi::c_void;
use std::ptr;

pub struct Bound {
    pub attachment: Attachment<SystemHost>,
    pub detached: Cell<bool>,
    scratch: (*mut u8, usize),
    meta: *mut i32,
    /// Where strings are converted; grown by the first long one and kept.
    pub key: UnsafeCell<Vec<u8>>,
    pub value: UnsafeCell<Vec<u8>>,
    /// Keep the regions alive while this thread may touch them: a worker's objects may be collected before its
    /// environment is torn down, and the last reference to a shared memory unmaps it.
    references: Vec<sys::napi_ref>,
    env: sys::napi_env,
}

pub enum Refusal {
    NotAView,
    Attach(AttachError),
}

/// Words of `meta`, as in src/engine/engine.ts.
const META_WORDS: usize = 7;
/// Where the numbers of `found` follow `meta`, and how many there are, a count of woken leases included.
const FOUND_AT: usize = 32;
const FOUND_NUMBERS: usize = 6;

impl Bound {
    /// The result lives until the environment is torn down; the hook that frees it also leaves the registry, which is
    /// how a terminated worker's native part ends (no native call is ever cut short).
    pub fn attach(env: sys::napi_env, views: &Views<'_>, node_thread: u32) -> Result<*mut Bound, Refusal> {
        let region = |value| {
            let (base, length) = view(env, value).ok_or(Refusal::NotAView)?;
            if !(base as usize).is_multiple_of(64) || length == 0 {
                return Err(Refusal::NotAView);
            }
            // SAFETY: the view covers mapped shared memory, aligned as checked, kept alive by the reference made below.
            Ok(unsafe { Region::new(base, length) })
        };
        let control = region(&views.control)?;
        let shards = views.shards.iter().map(region).collect::<Result<Vec<_>, _>>()?;
        let scratch = view(env, &views.scratch).ok_or(Refusal::NotAView)?;
        let (meta, meta_bytes) = view(env, &views.meta).ok_or(Refusal::NotAView)?;
        if meta_bytes < FOUND_AT + FOUND_NUMBERS * 8 || !(meta as usize).is_multiple_of(8) {
            return Err(Refusal::NotAView);
        }
        let attachment = Attachment::new(control, shards, SystemHost, node_thread).map_err(Refusal::Attach)?;
        let kept = [&views.control, &views.scratch, &views.meta].into_iter().chain(&views.shards);
        let references = kept
            .map(|value| {
                let mut reference = ptr::null_mut();
                // SAFETY: a live value of this environment.
                unsafe { sys::napi_create_reference(env, value.raw(), 1, &mut reference) };
                reference
            })
            .collect();
        let bound = Box::into_raw(Box::new(Bound {
            attachment,
            detached: Cell::new(false),
            scratch,
            meta: meta.cast(),
            key: UnsafeCell::new(vec![0; crate::strings::SHORT]),
            value: UnsafeCell::new(vec![0; crate::strings::SHORT]),
            references,
            env,
        }));
        // SAFETY: `bound` stays valid until the hook frees it.
        unsafe { sys::napi_add_env_cleanup_hook(env, Some(on_teardown), bound.cast()) };
        Ok(bound)
    }

    /// Leaves the registry and lets go of the regions. Every later call through the functions is answered as absent.
    pub fn detach(&self) {
        if self.detached.replace(true) {
            return;
        }
        self.attachment.detach();
        for reference in &self.references {
            // SAFETY: made in `attach`, deleted once.
            unsafe { sys::napi_delete_reference(self.env, *reference) };
        }
    }

    /// The scratch bytes. The caller holds this slice across no call into JavaScript.
    #[allow(clippy::mut_from_ref)] // one thread, one call at a time; nothing else in Rust refers to these bytes
    pub fn scratch(&self) -> &mut [u8] {
        // SAFETY: a private typed array, kept alive by its reference; only this thread's JavaScript writes it, and not
        // while a native call runs.
        unsafe { std::slice::from_raw_parts_mut(self.scratch.0, self.scratch.1) }
    }

    #[inline(always)]
    pub fn put_meta(&self, values: [i32; META_WORDS]) {
        // SAFETY: `attach` checked length and alignment; kept alive by its reference.
        unsafe { ptr::copy_nonoverlapping(values.as_ptr(), self.meta, META_WORDS) };
    }

    pub fn put_found(&self, values: [f64; FOUND_NUMBERS]) {
        // SAFETY: `attach` checked length and alignment; kept alive by its reference.
        unsafe {
            ptr::copy_nonoverlapping(values.as_ptr(), self.meta.cast::<u8>().add(FOUND_AT).cast(), FOUND_NUMBERS)
        };
    }

    /// # Safety
    /// The data pointer of a callback that `functions.rs` made.
    pub unsafe fn from_data<'a>(data: *mut c_void) -> &'a Bound {
        // SAFETY: alive until the environment's teardown, after which no callback runs.
        unsafe { &*data.cast::<Bound>() }
    }
}

/// Runs on the thread of the environment, when no JavaScript of it runs any more.
unsafe extern "C" fn on_teardown(data: *mut c_void) {
    // SAFETY: made by `attach`, freed only here.
    let bound = unsafe { Box::from_raw(data.cast::<Bound>()) };
    bound.detach();
}
