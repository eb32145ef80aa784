// Expiry times in 32 bits: milliseconds after the segment's base time as a pseudo-float (docs/slab.md 5). Touches nothing.
// Exact to the millisecond up to 12 days, then to 64 ms, 4 s, 4 min; rounded down, so never late.

import { NEVER_DEAD } from '../layout.js'

const MANTISSA = 2 ** 30 - 1
const SCALES = [1, 64, 64 ** 2, 64 ** 3]

/** An unsigned word; `NEVER_DEAD` when the time is further away than can be said: such an entry does not expire. */
export function encodeExpiry(milliseconds: number): number {
  let exponent = 0
  let mantissa = Math.floor(milliseconds)
  while (mantissa > MANTISSA) {
    exponent++
    if (exponent > 3) return NEVER_DEAD
    mantissa = Math.floor(mantissa / 64)
  }
  return ((exponent << 30) | mantissa) >>> 0
}

/** Milliseconds after the base; Infinity for a word that says never. */
export function decodeExpiry(word: number): number {
  const unsigned = word >>> 0
  if (unsigned === NEVER_DEAD) return Number.POSITIVE_INFINITY
  return (unsigned & MANTISSA) * SCALES[unsigned >>> 30]
}
