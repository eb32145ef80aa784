// The regions of a partition in memory: which are free, being filled, full; what was written into them and not yet to the file; which one is to be
// emptied next. Touches nothing else.

import { sequenceOf, UNIT } from './record.js'
import { EntryList, REGION_HEADER } from './region-format.js'
import type { PartitionShape } from './shape.js'

/** Bytes of a region on their way to the file. Contiguous chunks; one that is being written is not changed any more. */
export interface Chunk {
  /** Of its first byte, from the start of the region. */
  readonly at: number
  readonly bytes: Uint8Array
  used: number
  frozen: boolean
}

export interface Region {
  readonly number: number
  state: 'free' | 'open' | 'sealed' | 'emptying'
  /** 0: it holds nothing. */
  life: number
  lifetime: number
  /** Where its records end. */
  units: number
  deadBy: number
  guard: number
  /** The owner whose footer ends it; 0 before it has one. */
  sealer: number
  /** The greatest sequence among its records, at least. */
  newest: number
  /** Entries of the index that point into it. */
  live: number
  chunks: Chunk[]
  /** While it is filled. */
  entries: EntryList | undefined
}

export class Regions {
  readonly all: readonly Region[]
  readonly unitsEach: number
  /** The youngest life handed out. */
  lastLife = 0
  readonly #free: Region[] = []
  #usable: number

  constructor(shape: PartitionShape) {
    this.unitsEach = shape.regionBytes / UNIT
    this.#usable = shape.regions
    this.all = Array.from({ length: shape.regions }, (_, number) => ({
      number,
      state: 'sealed' as const,
      life: 0,
      lifetime: 0,
      units: 0,
      deadBy: Infinity,
      guard: 0,
      sealer: 0,
      newest: 0,
      live: 0,
      chunks: [],
      entries: undefined,
    }))
  }

  get free(): number {
    return this.#free.length
  }

  get used(): number {
    return this.all.length - this.#free.length
  }

  /** Where the disk is full, fewer regions are used than there are. */
  limit(usable: number): void {
    this.#usable = usable
    const kept = this.#free.filter(({ number }) => number < usable)
    this.#free.splice(0, this.#free.length, ...kept)
  }

  region(location: number): Region {
    return this.all[Math.floor(location / this.unitsEach)] as Region
  }

  /** From the start of its region, in bytes. */
  offset(location: number): number {
    return (location % this.unitsEach) * UNIT
  }

  location(region: Region, offset: number): number {
    return region.number * this.unitsEach + offset / UNIT
  }

  release(region: Region): void {
    Object.assign(region, {
      state: 'free',
      life: 0,
      units: 0,
      deadBy: Infinity,
      guard: 0,
      sealer: 0,
      newest: 0,
      live: 0,
    })
    region.chunks = []
    region.entries = undefined
    if (region.number < this.#usable) this.#free.push(region)
  }

  /** A free region, begun anew; undefined when all that is left is to be kept. */
  take(epoch: number, lifetime: number, kept: number): Region | undefined {
    if (this.#free.length <= kept) return undefined
    const region = this.#free.shift() as Region
    this.lastLife = Math.max(this.lastLife, sequenceOf(epoch, 0)) + 1
    region.state = 'open'
    region.life = this.lastLife
    region.lifetime = lifetime
    region.units = REGION_HEADER / UNIT
    region.deadBy = 0
    region.entries = new EntryList()
    return region
  }

  /** Of the oldest other region in use; Infinity when there is none. It only grows. */
  oldestLife(except: Region): number {
    let oldest = Infinity
    for (const region of this.all) if (region.life !== 0 && region !== except) oldest = Math.min(oldest, region.life)
    return oldest
  }

  /** The full region to empty next: one without live entries, then one whose values are all expired, then the oldest. */
  victim(now: number): Region | undefined {
    let best: Region | undefined
    let bestRank = Infinity
    for (const region of this.all) {
      if (region.state !== 'sealed' || region.life === 0 || region.chunks.length > 0) continue
      const rank = region.live === 0 ? 0 : region.deadBy <= now ? 1 : 2
      if (rank < bestRank || (rank === bestRank && region.life < (best as Region).life)) {
        best = region
        bestRank = rank
      }
    }
    return best
  }
}
