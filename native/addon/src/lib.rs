//! The binding of the slab to Node: converts arguments and calls core, nothing else.

use napi_derive::napi;

/// The version of this addon, compared by the loader with the package's.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
