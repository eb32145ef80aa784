//! The slab of Ostraka: a cache in shared memory that any number of threads, in Rust or JavaScript, read and write
//! without locks. `docs/slab.md` is the contract; each file here carries out one part of it.
//!
//! ```text
//! read  write  update  load  scan                operations
//!   index  relocate  chain  times  tags  version  records and their slots
//!   evict  duel  hand  verdict  policy  ghost  sketch   what goes when space is short
//!   tournament  miniature  samples               which mode is in force
//!   allocate  segment                            space
//!   accounting  intent  lease  registry  epoch  clock   threads, their deaths, time
//!   shard  record  expiry  hash  layout  region  words and bytes
//! ```
//! Each line uses the ones below it.

mod accounting;
mod allocate;
mod attachment;
mod chain;
mod clock;
mod counters;
mod create;
#[cfg_attr(not(any(test, loom, feature = "failpoints")), allow(dead_code))]
pub mod death;
mod departures;
mod duel;
mod epoch;
mod evict;
pub mod expiry;
mod ghost;
mod hand;
pub mod hash;
pub mod histogram;
mod host;
mod index;
mod intent;
pub mod layout;
mod lease;
mod load;
mod many;
mod miniature;
mod mutant;
mod pause;
pub mod policy;
mod read;
pub mod record;
pub mod region;
#[cfg(loom)]
mod region_model;
mod registry;
mod relocate;
mod room;
mod samples;
mod scan;
mod segment;
mod shard;
mod sketch;
mod tags;
mod tend;
mod times;
mod tournament;
mod update;
mod validate;
mod verdict;
mod version;
mod write;

#[cfg(test)]
mod tests;

pub use attachment::{AttachError, Attachment};
pub use chain::MAX_VALUE_BYTES;
pub use counters::Counter;
pub use create::{Geometry, Limits, ShardGeometry};
pub use host::{Host, SystemHost};
pub use lease::{Lease, LeaseState};
pub use load::{Acquired, Found, FoundState};
pub use many::ManyRead;
pub use read::{Stamp, Use, Value};
pub use region::Region;
pub use scan::Cursor;
pub use shard::Foreign;
pub use tend::Tended;
pub use update::Incremented;
pub use write::{Condition, Extras, Outcome, Write};
