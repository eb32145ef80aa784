// What is worth writing: a disk wears out by writing, and most of what a cache is given is never asked for again. Touches nothing.
import type { Hash64 } from './checksum.js'

const DAY = 86_400_000
/** A key seen twice within so many others has shown that it comes back. */
const REMEMBERED = 2 ** 16

export class Admission {
  readonly #bytesPerDay: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #refilledAt: number
  /** Keys lately refused, by 32 bits of their hash; a place is overwritten by the next key that falls on it. */
  readonly #seen = new Uint32Array(REMEMBERED)

  /** `burst`: so much may be written at once, when little was before. */
  constructor(bytesPerDay: number, burst: number, now: () => number) {
    this.#bytesPerDay = bytesPerDay
    this.#burst = burst
    this.#now = now
    this.#tokens = burst
    this.#refilledAt = now()
  }

  /**
   * Whether to write these bytes. `reused`: the key was used again while it was in memory. `roomy`: the disk has room that was never used, so nothing has
   * to go for it.
   */
  admits(hash: Hash64, bytes: number, reused: boolean, roomy: boolean): boolean {
    if (!(reused || roomy || this.#cameBack(hash))) return false
    if (this.#bytesPerDay === Infinity) return true
    const now = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#refilledAt) / DAY) * this.#bytesPerDay)
    this.#refilledAt = now
    if (this.#tokens < bytes) return false
    this.#tokens -= bytes
    return true
  }

  #cameBack({ high, low }: Hash64): boolean {
    const place = high & (REMEMBERED - 1)
    const came = this.#seen[place] === low
    this.#seen[place] = came ? 0 : low
    return came
  }
}
