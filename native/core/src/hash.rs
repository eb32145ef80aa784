//! Key hashing, bit for bit the same in both engines (docs/slab.md 2). Touches nothing shared.
//!
//! Short keys: three lanes of multilinear hashing over 16-bit units with secret random multipliers. For two different
//! keys the chance to collide in a lane is at most 2^-16 whatever the keys are (Dietzfelbinger, STACS 1996), so keys
//! that an attacker made to collide under one seed do not collide under another; Murmur-like mixing has no such bound.

use std::hash::Hasher;
use twox_hash::XxHash64;

/// Keys up to this many bytes use the multilinear hash.
pub const SHORT_KEY: usize = 64;
pub const LANES: usize = 4;
pub const UNITS: usize = SHORT_KEY / 2 + 1;
pub const HASH_KEYS: usize = LANES * UNITS;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash {
    pub h: u32,
    pub tag: u32,
}

impl KeyHash {
    #[inline(always)]
    pub fn first_bucket(self, buckets: u32) -> u32 {
        fastrange(self.h, buckets)
    }

    #[inline(always)]
    pub fn second_bucket(self, buckets: u32, first: u32) -> u32 {
        let second = fastrange(fmix32(self.h ^ (self.tag + 1).wrapping_mul(0x9E37_79B1)), buckets);
        if second != first {
            second
        } else if first + 1 == buckets {
            0
        } else {
            first + 1
        }
    }

    pub fn fingerprint(self) -> u32 {
        let print = (self.h ^ self.tag.wrapping_mul(0x9E37)) & 0xFFFF;
        if print == 0 { 1 } else { print }
    }
}

#[inline(always)]
pub fn fastrange(h: u32, n: u32) -> u32 {
    ((u64::from(h) * u64::from(n)) >> 32) as u32
}

#[inline(always)]
pub fn fmix32(mut h: u32) -> u32 {
    h ^= h >> 16;
    h = h.wrapping_mul(0x85EB_CA6B);
    h ^= h >> 13;
    h = h.wrapping_mul(0xC2B2_AE35);
    h ^ (h >> 16)
}

/// The multipliers that a seed stands for.
pub fn hash_keys(seed: u64) -> [u32; HASH_KEYS] {
    let mut state = (seed as u32) ^ ((seed >> 32) as u32).wrapping_mul(0x85EB_CA6B);
    let mut keys = [0; HASH_KEYS];
    for key in &mut keys {
        state = state.wrapping_add(0x9E37_79B9);
        let mut z = state ^ (state >> 16);
        z = z.wrapping_mul(0x21F0_AAAD);
        z ^= z >> 15;
        z = z.wrapping_mul(0x735A_2D97);
        *key = z ^ (z >> 15);
    }
    keys
}

/// Hashes the WTF-8 bytes of a key.
#[inline]
pub fn hash_key(keys: &[u32; HASH_KEYS], seed: u64, key: &[u8]) -> KeyHash {
    if key.len() > SHORT_KEY {
        return hash_long_key(seed, key);
    }
    let length = key.len() as u32;
    let mut lanes = [keys[0].wrapping_mul(length), keys[1].wrapping_mul(length), keys[2].wrapping_mul(length)];
    let mut multipliers = keys[LANES..].chunks_exact(LANES);
    let mut mix = |unit: u32| {
        if let Some(multiplier) = multipliers.next() {
            for (lane, multiplier) in lanes.iter_mut().zip(multiplier) {
                *lane = lane.wrapping_add(multiplier.wrapping_mul(unit));
            }
        }
    };
    let mut pairs = key.chunks_exact(2);
    for pair in &mut pairs {
        mix(u32::from(u16::from_le_bytes([pair[0], pair[1]])));
    }
    if let [last] = pairs.remainder() {
        mix(u32::from(*last));
    }
    KeyHash { h: fmix32((lanes[0] & 0xFFFF_0000) | (lanes[1] >> 16)), tag: lanes[2] >> 16 }
}

#[cold]
fn hash_long_key(seed: u64, key: &[u8]) -> KeyHash {
    let mut hasher = XxHash64::with_seed(seed);
    hasher.write(key);
    let wide = hasher.finish();
    KeyHash { h: fmix32(wide as u32), tag: (wide >> 48) as u32 }
}
