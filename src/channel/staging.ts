// Which units of a lane's staging memory are in use. Kept by the client alone, on its heap: it sets memory aside for a request and its answer, and
// takes it back when the answer has come or the owner is proven gone, so a client's death leaves nothing to repair. Touches no shared memory.
import { STAGING_UNIT } from './channel-layout.js'

export class Staging {
  readonly #used: Uint8Array
  #from = 0
  #free: number

  constructor(bytes: number) {
    this.#used = new Uint8Array(Math.floor(bytes / STAGING_UNIT))
    this.#free = this.#used.length
  }

  /** Bytes that are not in use. */
  get free(): number {
    return this.#free * STAGING_UNIT
  }

  /** The largest piece there can be. */
  get bytes(): number {
    return this.#used.length * STAGING_UNIT
  }

  /** Offset of that many bytes in one piece, −1 when there are none now. */
  take(bytes: number): number {
    const units = unitsFor(bytes)
    if (units > this.#free) return -1
    // From where the last search ended, then from the beginning.
    const at = this.#find(this.#from, this.#used.length, units)
    const found = at >= 0 ? at : this.#find(0, Math.min(this.#from + units, this.#used.length), units)
    if (found < 0) return -1
    this.#used.fill(1, found, found + units)
    this.#free -= units
    this.#from = found + units
    return found * STAGING_UNIT
  }

  #find(from: number, to: number, units: number): number {
    for (let start = from; start + units <= to; ) {
      const blocked = this.#used.subarray(start, start + units).lastIndexOf(1)
      if (blocked < 0) return start
      start += blocked + 1
    }
    return -1
  }

  give(offset: number, bytes: number): void {
    const first = offset / STAGING_UNIT
    this.#used.fill(0, first, first + unitsFor(bytes))
    this.#free += unitsFor(bytes)
  }
}

function unitsFor(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / STAGING_UNIT))
}
