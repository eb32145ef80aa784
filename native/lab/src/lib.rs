//! The laboratory: eviction policies replayed over access traces, with no concurrency and no values.
//!
//! It answers one question, how many requests a policy would have served, so that the engine's policy can be
//! designed and judged before and beside its lock-free form. Nothing here is part of the shipped package.

pub mod cells;
pub mod policies;
pub mod report;
pub mod trace;

/// Finaliser of splitmix64: turns any counter or id into well mixed bits.
pub fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
