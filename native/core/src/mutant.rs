//! Seeded faults. Each names a step of the protocol that can be left out; `scripts/mutants.mjs` runs the tests with one
//! chosen by `OSTRAKA_MUTANT` and expects them to fail. Compiled away outside tests.

#[cfg(any(test, loom, feature = "failpoints"))]
pub fn is(name: &str) -> bool {
    use std::sync::OnceLock;
    static CHOSEN: OnceLock<String> = OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("OSTRAKA_MUTANT").unwrap_or_default()) == name
}

#[cfg(not(any(test, loom, feature = "failpoints")))]
#[inline(always)]
pub fn is(_name: &str) -> bool {
    false
}
