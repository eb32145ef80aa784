// What all threads share about the namespaces of a cache: the defaults they were made with and their counters, in rows of the control
// region (docs/slab.md 1.6). There are 64 rows, never given back; a namespace beyond them, or one whose name is too long for a row, works
// alike, except that its defaults are not compared between threads and each view counts for itself. Touches those rows.
import { Buffer } from 'node:buffer'
import type { Regions } from '../engine/create.js'
import type { EntryDefaults } from '../options/cache-options.js'
import { ownCodecs } from '../options/codec.js'

/** Offset in the control region; engines know nothing of these rows. */
const TABLE = 0x1d000
const ROWS = 64
const ROW_BYTES = 192
/** Offsets within a row. */
const Row = { state: 0, nameBytes: 4, ttl: 8, idle: 16, ttlJitter: 24, codec: 32, counters: 40, name: 104 } as const
const RowState = { free: 0, writing: 1, ready: 2 } as const
const MOST_NAME_BYTES = ROW_BYTES - Row.name
/** The cache's own, a module: of no place among those of ours. */
const MODULE_CODEC = ownCodecs.length

/** Counters of a row, in order. */
export const Tallied = {
  hits: 0,
  misses: 1,
  stored: 2,
  refused: 3,
  notKept: 4,
  deleted: 5,
  taken: 6,
  clears: 7,
} as const
export const TALLIES = 8

/** How long another thread may take to fill a row that it claimed, in ms; one that died meanwhile leaves it behind. */
const PATIENCE_MS = 50

export interface NamespaceRow {
  readonly defaults: EntryDefaults
  /** 64-bit counters, to be added to atomically. */
  readonly counters: BigUint64Array
}

export class NamespaceTable {
  readonly #buffer: SharedArrayBuffer

  constructor(regions: Regions) {
    this.#buffer = regions.control.buffer as unknown as SharedArrayBuffer
  }

  /** The row of this namespace, made with these defaults if no thread has made it yet; undefined when there is no room for one. */
  open(prefix: string, defaults: EntryDefaults): NamespaceRow | undefined {
    const name = Buffer.from(prefix, 'utf8')
    if (name.length > MOST_NAME_BYTES) return undefined
    for (let row = 0; row < ROWS; row++) {
      const at = TABLE + row * ROW_BYTES
      const words = new Int32Array(this.#buffer, at, ROW_BYTES / 4)
      if (Atomics.compareExchange(words, 0, RowState.free, RowState.writing) === RowState.free) {
        this.#write(at, name, defaults)
        Atomics.store(words, 0, RowState.ready)
        Atomics.notify(words, 0)
        return this.#read(at, defaults)
      }
      Atomics.wait(words, 0, RowState.writing, PATIENCE_MS)
      if (Atomics.load(words, 0) === RowState.ready && this.#isNamed(at, name)) return this.#read(at, defaults)
    }
    return undefined
  }

  #write(at: number, name: Uint8Array, defaults: EntryDefaults): void {
    const view = new DataView(this.#buffer, at, ROW_BYTES)
    view.setUint32(Row.nameBytes, name.length, true)
    view.setFloat64(Row.ttl, defaults.ttl, true)
    view.setFloat64(Row.idle, defaults.idle, true)
    view.setFloat64(Row.ttlJitter, defaults.ttlJitter, true)
    const codec = (ownCodecs as readonly string[]).indexOf(defaults.codec)
    view.setUint32(Row.codec, codec < 0 ? MODULE_CODEC : codec, true)
    new Uint8Array(this.#buffer, at + Row.name, MOST_NAME_BYTES).set(name)
  }

  #isNamed(at: number, name: Uint8Array): boolean {
    const { length } = name
    if (new DataView(this.#buffer, at, ROW_BYTES).getUint32(Row.nameBytes, true) !== length) return false
    return Buffer.compare(name, new Uint8Array(this.#buffer, at + Row.name, length)) === 0
  }

  #read(at: number, mine: EntryDefaults): NamespaceRow {
    const view = new DataView(this.#buffer, at, ROW_BYTES)
    return {
      defaults: {
        ttl: view.getFloat64(Row.ttl, true),
        idle: view.getFloat64(Row.idle, true),
        ttlJitter: view.getFloat64(Row.ttlJitter, true),
        codec: ownCodecs[view.getUint32(Row.codec, true)] ?? mine.codec,
      },
      counters: new BigUint64Array(this.#buffer, at + Row.counters, TALLIES),
    }
  }
}

/** Counts what one view does, and adds it to the namespace's row in small lots: an atomic addition costs as much as a hit. */
export class Tally {
  readonly #row: BigUint64Array | undefined
  readonly #pending = new Float64Array(TALLIES)
  readonly #own = new Float64Array(TALLIES)
  #events = 0
  /** Called before the sums are read, for who counts for this one. */
  before: (() => void) | undefined

  constructor(row: BigUint64Array | undefined) {
    this.#row = row
  }

  /** False: no row was left, and this view counts for itself. */
  get isShared(): boolean {
    return this.#row !== undefined
  }

  count(index: number, by = 1): void {
    this.#pending[index] = (this.#pending[index] as number) + by
    if (++this.#events >= LOT) this.flush()
  }

  flush(): void {
    this.#events = 0
    for (let i = 0; i < TALLIES; i++) {
      const by = this.#pending[i] as number
      if (by === 0) continue
      this.#pending[i] = 0
      if (this.#row === undefined) this.#own[i] = (this.#own[i] as number) + by
      else Atomics.add(this.#row, i, BigInt(by))
    }
  }

  /** Sums so far; other threads may hold back up to 63 events each. */
  read(): Float64Array {
    this.before?.()
    this.flush()
    const row = this.#row
    return row === undefined ? this.#own.slice() : Float64Array.from(row, (_, i) => Number(Atomics.load(row, i)))
  }
}

/** Events that a thread counts before it adds them. */
const LOT = 64
