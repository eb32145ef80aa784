//! The binding of the slab to Node: converts arguments and calls core, nothing else.
//!
//! The hot functions are plain Node-API callbacks that carry their attachment as data (`bound.rs`), because looking one
//! up by handle or unwrapping a class costs a quarter of a read. All calls are synchronous; none returns pinned.

mod arguments;
mod bound;
mod call;
mod functions;
mod loads;
mod reads;
mod strings;
mod upkeep;
mod writes;

use napi::bindgen_prelude::*;
use napi_derive::napi;
use ostraka_core::{AttachError, Foreign};

/// The version of this addon, compared by the loader with the package's.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The layout as this addon knows it, to be compared with `layoutConstants()` of the package.
#[napi]
pub fn layout_constants() -> Vec<u32> {
    ostraka_core::layout::layout_constants()
}

/// Hash and tag of key bytes under a seed, for tests that both engines agree.
#[napi]
pub fn hash_key(seed_low: u32, seed_high: u32, key: &[u8]) -> Vec<u32> {
    use ostraka_core::hash::{hash_key, hash_keys};
    let seed = u64::from(seed_low) | (u64::from(seed_high) << 32);
    let hash = hash_key(&hash_keys(seed), seed, key);
    vec![hash.h, hash.tag]
}

/// Joins the calling thread to the cache in these regions (views over shared memories that start at their beginning).
/// Returns an object with one function for each operation. `scratch` and `meta` are private to the thread.
#[napi]
pub fn attach<'env>(
    env: &'env Env,
    control: Unknown<'env>,
    shards: Vec<Unknown<'env>>,
    scratch: Unknown<'env>,
    meta: Unknown<'env>,
    node_thread: u32,
) -> Result<Unknown<'env>> {
    let views = arguments::Views { control, shards, scratch, meta };
    let bound = bound::Bound::attach(env.raw(), &views, node_thread).map_err(|error| match error {
        bound::Refusal::NotAView => {
            Error::new(Status::InvalidArg, "OSTRAKA_VIEW: expected typed arrays over the regions")
        }
        bound::Refusal::Attach(AttachError::TooManyThreads) => {
            Error::new(Status::GenericFailure, "OSTRAKA_THREADS: every line of the thread registry is in use")
        }
        bound::Refusal::Attach(AttachError::Foreign(Foreign::Version(version))) => {
            Error::new(Status::GenericFailure, format!("OSTRAKA_LAYOUT: the memory has layout version {version}"))
        }
        bound::Refusal::Attach(AttachError::Foreign(_)) => {
            Error::new(Status::GenericFailure, "OSTRAKA_LAYOUT: the memory is not a cache of this layout")
        }
    })?;
    functions::object_of(env, bound)
}
