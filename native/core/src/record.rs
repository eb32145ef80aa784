//! The header of a record: what its two words say and where its parts lie (docs/slab.md 1.5).
//! Touches no memory itself: it is given the words.

use crate::layout::{UNIT, record};

pub use record::{CHAIN, COST, DEAD, EXPIRY, IDLE, LEASE, NAMESPACE, OBSERVED, SOFT, TAGS};

/// Flags that put fields between header and key.
const OPTIONS: u32 = EXPIRY | IDLE | NAMESPACE | SOFT | COST | TAGS;

/// How the value bytes are to be read.
pub mod kind {
    pub const BYTES: u32 = 0;
    pub const ASCII: u32 = 1;
    pub const UTF8: u32 = 2;
    pub const UTF16: u32 = 3;
    pub const NUMBER: u32 = 4;
    /// No value: a load is under way, or its outcome is kept for those who wait.
    pub const MARKER: u32 = 31;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub w0: u32,
    pub w1: u32,
    /// Bytes of the optional fields between header and key.
    pub options: u32,
}

impl Header {
    /// `tags` is the number of tags, read from the record when TAGS is set.
    #[inline(always)]
    pub fn new(w0: u32, w1: u32, tags: u32) -> Self {
        Header { w0, w1, options: options_bytes(w0, w1, tags) }
    }

    #[inline(always)]
    pub fn key_length(self) -> u32 {
        self.w1 & record::KEY_LENGTH_MASK
    }

    #[inline(always)]
    pub fn value_length(self) -> u32 {
        self.w0 & record::VALUE_LENGTH_MASK
    }

    #[inline(always)]
    pub fn kind(self) -> u32 {
        (self.w0 >> record::KIND_SHIFT) & record::KIND_MASK
    }

    #[inline(always)]
    pub fn has(self, flag: u32) -> bool {
        self.w0 & flag != 0
    }

    #[inline(always)]
    pub fn is_dead(self) -> bool {
        self.w1 & record::DEAD != 0
    }

    /// Its options end with a lease.
    #[inline(always)]
    pub fn is_leased(self) -> bool {
        self.w1 & LEASE != 0
    }

    #[inline(always)]
    pub fn is_marker(self) -> bool {
        self.kind() == kind::MARKER
    }

    #[inline(always)]
    pub fn key_offset(self) -> u32 {
        record::HEADER_BYTES + self.options
    }

    #[inline(always)]
    pub fn value_offset(self) -> u32 {
        self.key_offset() + self.key_length()
    }

    /// Number of tags, 0 without TAGS.
    pub fn tag_count(self) -> u32 {
        if self.w0 & TAGS == 0 { 0 } else { (self.options - options_bytes(self.w0, self.w1, 0)) / 4 }
    }

    /// Whole units, header included.
    #[inline(always)]
    pub fn units(self) -> u32 {
        units(self.options, self.key_length(), self.value_length())
    }
}

/// Offset of the idle fields, when IDLE is set.
pub fn idle_offset(w0: u32) -> u32 {
    record::HEADER_BYTES + if w0 & EXPIRY != 0 { 4 } else { 0 }
}

/// Offset of the soft expiry, when SOFT is set.
pub fn soft_offset(w0: u32) -> u32 {
    idle_offset(w0) + if w0 & IDLE != 0 { 8 } else { 0 }
}

/// Offset behind the times: expiry, idle time, soft expiry. They come first, and change with the segment.
pub fn times_end(w0: u32) -> u32 {
    soft_offset(w0) + if w0 & SOFT != 0 { 4 } else { 0 }
}

/// Offset of the load cost, when COST is set.
pub fn cost_offset(w0: u32) -> u32 {
    times_end(w0)
}

/// Offset of the number of tags, when TAGS is set; their stamp and their counters follow.
pub fn tags_offset(w0: u32) -> u32 {
    cost_offset(w0) + if w0 & COST != 0 { 4 } else { 0 } + if w0 & NAMESPACE != 0 { 4 } else { 0 }
}

/// Whether a lease may be in the record: it comes only with another option.
pub fn has_options(w0: u32) -> bool {
    w0 & OPTIONS != 0
}

#[inline(always)]
pub fn options_bytes(w0: u32, w1: u32, tags: u32) -> u32 {
    if w0 & OPTIONS == 0 { 0 } else { some_options_bytes(w0, w1, tags) }
}

fn some_options_bytes(w0: u32, w1: u32, tags: u32) -> u32 {
    let fixed = tags_offset(w0) - record::HEADER_BYTES;
    fixed + if w0 & TAGS != 0 { 8 + 4 * tags } else { 0 } + if w1 & LEASE != 0 { 8 } else { 0 }
}

#[inline(always)]
pub fn units(options: u32, key_length: u32, value_length: u32) -> u32 {
    (record::HEADER_BYTES + options + key_length + value_length).div_ceil(UNIT)
}

pub fn w0(value_length: u32, kind: u32, flags: u32) -> u32 {
    debug_assert!(value_length <= record::VALUE_LENGTH_MASK);
    value_length | (kind << record::KIND_SHIFT) | flags
}
