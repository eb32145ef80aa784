//! Tests of the core, one file a behaviour. Models under loom: `RUSTFLAGS="--cfg loom" cargo test --release loom`.

mod support;

#[cfg(not(loom))]
mod bounds;
#[cfg(not(loom))]
mod deaths;
#[cfg(not(loom))]
mod histories;
#[cfg(not(loom))]
mod history;
#[cfg(not(loom))]
mod identity;
#[cfg(not(loom))]
mod interleavings;
#[cfg(not(loom))]
mod leases;
#[cfg(loom)]
mod models;
#[cfg(not(loom))]
mod policy;
#[cfg(not(loom))]
mod single;
#[cfg(not(loom))]
mod threads;
