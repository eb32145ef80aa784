// What a thread keeps near, for all views with the same bounds: one row per value in parallel arrays, since a near hit costs as much as the
// cache lines it touches. Holds at most so many entries and bytes; what was not used since the hand last passed goes first (CLOCK).
// Touches nothing but its own arrays.
import type { Engine } from '../engine/engine.js'
import type { NearSettings } from '../options/cache-options.js'
import { NearClock, stepOf } from './near-clock.js'
import type { NearRecords, RecordPlace } from './near-record.js'

/**
 * Fields of a row in `seals`, which are all that most hits look at: where the version of the binding stands (index in the words of a shard,
 * the shard's number above it, the sign for those with tags), both halves of what it was when the entry was last found right, and the step of its end.
 */
export const Seal = { place: 0, low: 1, high: 2, endStep: 3 } as const
export const SEALS_SHIFT = 2
export const PLACE_SHARD_SHIFT = 20
export const PLACE_SHARD_MASK = 0xff
const PLACE_TAGGED = 1 << 31
/** `low` of a row without a seal: so many exchanges are never in progress at once. */
export const UNSEALED = 255

/** Fields of a row in `facts`: where the record stood, for those without a seal; the stamp of tags when it got its seal. */
export const Fact = { slot: 0, high: 1, generationAt: 2, generation: 3, info: 4, bytes: 5, tagStamp: 6 } as const
export const FACTS_SHIFT = 3
/** Bits of `info`. */
export const Info = { used: 1, tagged: 2 } as const

const FIRST_ROWS = 64

/** Whoever put a row there, and is told when it goes. */
export interface RowOwner {
  forget(key: string): void
}

export class NearStore {
  readonly settings: NearSettings
  readonly engine: Engine
  readonly records: NearRecords
  readonly clock: NearClock
  seals = new Int32Array(FIRST_ROWS << SEALS_SHIFT)
  facts = new Int32Array(FIRST_ROWS << FACTS_SHIFT)
  /** When each ends, in ms on the engine's clock; Infinity for most. */
  ends = new Float64Array(FIRST_ROWS)
  /** Of those with `Info.tagged`: what NearRecords.tagsOf said. */
  readonly tags: (Int32Array | undefined)[] = []
  readonly values: unknown[] = []
  /** The values as promises, for those that were asked for so. */
  readonly promises: (Promise<unknown> | undefined)[] = []
  readonly #keys: string[] = []
  readonly #owners: (RowOwner | undefined)[] = []
  readonly #free: number[] = []
  #hand = 0
  #entries = 0
  #bytes = 0
  /** What is kept was read in this world; clear() begins a new one. */
  world: number

  constructor(settings: NearSettings, engine: Engine, records: NearRecords, world: number) {
    this.settings = settings
    this.engine = engine
    this.records = records
    this.clock = new NearClock(engine, records.control)
    this.world = world
  }

  get entries(): number {
    return this.#entries
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Makes room and keeps the value; its row. `bytes` must be within the bounds. */
  add(
    owner: RowOwner,
    key: string,
    place: RecordPlace,
    value: unknown,
    bytes: number,
    end: number,
    tags: Int32Array | undefined,
  ): number {
    const { maxEntries, maxBytes } = this.settings
    while (this.#entries >= maxEntries || this.#bytes + bytes > maxBytes) this.#dropOne()
    const row = this.#free.pop() ?? this.values.length
    if (row === this.ends.length) this.#grow()
    const { seals, facts } = this
    const seal = row << SEALS_SHIFT
    const tagged = tags === undefined ? 0 : PLACE_TAGGED
    seals[seal + Seal.place] = tagged | (place.shard << PLACE_SHARD_SHIFT) | place.version
    seals[seal + Seal.low] = UNSEALED
    seals[seal + Seal.endStep] = stepOf(end)
    const at = row << FACTS_SHIFT
    facts[at + Fact.slot] = place.slot
    facts[at + Fact.high] = place.high
    facts[at + Fact.generationAt] = place.generationAt
    facts[at + Fact.generation] = place.generation
    facts[at + Fact.info] = tags === undefined ? 0 : Info.tagged
    facts[at + Fact.bytes] = bytes
    this.ends[row] = end
    this.tags[row] = tags
    this.values[row] = value
    this.promises[row] = undefined
    this.#keys[row] = key
    this.#owners[row] = owner
    this.#entries++
    this.#bytes += bytes
    return row
  }

  remove(row: number): void {
    this.#entries--
    this.#bytes -= this.facts[(row << FACTS_SHIFT) + Fact.bytes] as number
    this.tags[row] = undefined
    this.values[row] = undefined
    this.promises[row] = undefined
    this.#keys[row] = ''
    this.#owners[row] = undefined
    this.#free.push(row)
  }

  /** Whether time has ended what the row holds, or the invalidation of a tag. */
  isOver(row: number, info: number): boolean {
    const end = this.ends[row] as number
    if (end !== Infinity && this.clock.isDue(end)) return true
    const tags = (info & Info.tagged) !== 0 ? this.tags[row] : undefined
    return tags !== undefined && !this.records.areTagsValid(tags)
  }

  /** Forgets everything: nothing that was read in another world is true in this one. Owners notice by themselves. */
  enter(world: number): void {
    if (world === this.world) return
    this.world = world
    for (const list of [this.tags, this.values, this.promises, this.#keys, this.#owners, this.#free]) list.length = 0
    this.seals = new Int32Array(FIRST_ROWS << SEALS_SHIFT)
    this.facts = new Int32Array(FIRST_ROWS << FACTS_SHIFT)
    this.ends = new Float64Array(FIRST_ROWS)
    this.#hand = 0
    this.#entries = 0
    this.#bytes = 0
  }

  #dropOne(): void {
    const { seals, facts } = this
    for (;;) {
      if (this.#hand >= this.values.length) this.#hand = 0
      const row = this.#hand++
      const owner = this.#owners[row]
      if (owner === undefined) continue
      const info = (row << FACTS_SHIFT) + Fact.info
      if (((facts[info] as number) & Info.used) !== 0) {
        // Its next use is to be noticed, so it goes without a seal until then.
        facts[info] = (facts[info] as number) & ~Info.used
        seals[(row << SEALS_SHIFT) + Seal.low] = UNSEALED
        continue
      }
      owner.forget(this.#keys[row] as string)
      this.remove(row)
      return
    }
  }

  #grow(): void {
    const rows = Math.min(this.ends.length * 2, Math.max(this.settings.maxEntries, FIRST_ROWS * 2))
    const seals = new Int32Array(rows << SEALS_SHIFT)
    seals.set(this.seals)
    this.seals = seals
    const facts = new Int32Array(rows << FACTS_SHIFT)
    facts.set(this.facts)
    this.facts = facts
    const ends = new Float64Array(rows)
    ends.set(this.ends)
    this.ends = ends
  }
}
