// Key hashing, bit for bit as native/core/src/hash.rs (docs/slab.md 2). May touch: nothing shared.

/** Murmur3's finaliser; a signed 32-bit number. */
export function fmix32(value: number): number {
  let h = value ^ (value >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return h ^ (h >>> 16)
}

const EXACT_FACTOR = 2 ** 21

/** ⌊h·n / 2^32⌋ exactly, for any unsigned h and n: beyond 53 bits the product is taken in two halves. */
export function fastrange(h: number, n: number): number {
  if (n < EXACT_FACTOR) return Math.floor(((h >>> 0) * n) / 4_294_967_296)
  const low = Math.floor(((h & 0xffff) * n) / 65_536)
  return Math.floor(((h >>> 16) * n + low) / 65_536)
}

/** The second candidate; never the first. */
export function secondBucket(h: number, tag: number, buckets: number, first: number): number {
  const second = fastrange(fmix32(h ^ Math.imul(tag + 1, 0x9e3779b1)), buckets)
  if (second !== first) return second
  return first + 1 === buckets ? 0 : first + 1
}

/** What the ghost remembers of a key: 16 bits, not 0. */
export function fingerprint(h: number, tag: number): number {
  return (h ^ Math.imul(tag, 0x9e37)) & 0xffff || 1
}
