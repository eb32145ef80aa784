//! The policy laboratory: replays traces through models of eviction policies. Never shipped.
