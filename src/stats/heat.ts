// What is hot now: keys, namespaces and tags, each in a table of fixed size that all threads share, from the sampled stream of operations. Unbiased
// space-saving within sets of eight places, with counts that halve every minute. Touches those tables and their slices.
import { Buffer } from 'node:buffer'
import { monotonicMs } from './clock.js'
import { HEAT_BYTES, type Ring, SLICES } from './layout.js'

/** Bytes of a place: {busy, hash, heat f64, when f64, saved ms f64, key bytes, –, key}. */
const Field = { busy: 0, hash: 4, heat: 8, at: 16, saved: 24, keyBytes: 32, key: 40 } as const
const MOST_KEY_BYTES = HEAT_BYTES - Field.key
const CUT = 1 << 16
const PLACES = 8
const HALF_LIFE_MS = 60_000
/** A thread that has been writing to a place for so long is dead. */
const PATIENCE_MS = 2000

/** One that is hot. */
export interface Hot {
  /** As it stands in memory; cut where it is longer than 56 bytes. */
  readonly name: string
  readonly whole: boolean
  /** Operations a second, over about the last minute. */
  readonly perSecond: number
  /** Milliseconds of loading that hits saved in a second. */
  readonly savedMsPerSecond: number
}

export class HeatTable {
  #memory: ArrayBufferLike
  #words: Int32Array
  #numbers: Float64Array
  #bytes: Buffer
  readonly #sets: number
  /** Of each set: fewer where there is not even room for one. */
  readonly #places: number

  constructor(memory: SharedArrayBuffer, { at, length }: Ring) {
    this.#memory = memory
    this.#places = Math.min(PLACES, length)
    this.#sets = Math.max(1, Math.floor(length / PLACES))
    const bytes = this.#sets * this.#places * HEAT_BYTES
    this.#words = new Int32Array(memory, at, bytes / 4)
    this.#numbers = new Float64Array(memory, at, bytes / 8)
    this.#bytes = Buffer.from(memory as unknown as ArrayBuffer, at, bytes)
  }

  /** Counts `weight` uses of it, which saved so many milliseconds of loading. Under half a microsecond. */
  note(name: string, weight: number, savedMs: number): void {
    const hash = hashOf(name)
    const first = ((hash >>> 0) % this.#sets) * this.#places * HEAT_BYTES
    const now = monotonicMs()
    const end = first + this.#places * HEAT_BYTES
    for (let at = first; at < end; at += HEAT_BYTES) {
      if (this.#words[(at + Field.hash) >> 2] !== hash) continue
      this.#add(at, now, weight, savedMs, undefined, hash)
      return
    }
    let coldest = first
    let least = Infinity
    for (let at = first; at < end; at += HEAT_BYTES) {
      const heat = this.#heatAt(at, now)
      if (heat >= least) continue
      least = heat
      coldest = at
    }
    // The place goes on counting for whoever of the two is likelier the hotter one: unbiased, as each is expected to be told as much as it was.
    const isTaken = Math.random() * (least + weight) < weight
    this.#add(coldest, now, weight, isTaken ? savedMs : 0, isTaken ? name : undefined, hash)
  }

  /** The hottest first. `age`: milliseconds since anything could be noted; what is young has not faded as much. */
  top(count: number, age = Infinity): Hot[] {
    const now = monotonicMs()
    const all: Hot[] = []
    for (let at = 0; at < this.#bytes.length; at += HEAT_BYTES) {
      const hot = this.#read(at, now, 1 - decay(Math.max(1000, age)))
      if (hot !== undefined) all.push(hot)
    }
    return all.sort((a, b) => b.perSecond - a.perSecond).slice(0, count)
  }

  release(): void {
    this.#memory = new ArrayBuffer(this.#bytes.length)
    this.#words = new Int32Array(this.#memory)
    this.#numbers = new Float64Array(this.#memory)
    this.#bytes = Buffer.from(this.#memory as ArrayBuffer)
  }

  #heatAt(at: number, now: number): number {
    const heat = this.#numbers[(at + Field.heat) >> 3] as number
    return heat === 0 ? 0 : heat * decay(now - (this.#numbers[(at + Field.at) >> 3] as number))
  }

  /** One thread at a time; who comes meanwhile leaves its sample out. */
  #add(at: number, now: number, weight: number, savedMs: number, name: string | undefined, hash: number): void {
    const words = this.#words
    const busy = Math.floor(now) | 1
    const seen = Atomics.load(words, (at + Field.busy) >> 2)
    if (seen !== 0 && ((busy - seen) | 0) < PATIENCE_MS) return
    if (Atomics.compareExchange(words, (at + Field.busy) >> 2, seen, busy) !== seen) return
    const numbers = this.#numbers
    const faded = decay(now - (numbers[(at + Field.at) >> 3] as number))
    if (name !== undefined) {
      words[(at + Field.hash) >> 2] = hash
      const written = this.#bytes.write(name, at + Field.key, MOST_KEY_BYTES, 'utf8')
      const isCut = Buffer.byteLength(name) > written
      words[(at + Field.keyBytes) >> 2] = written | (isCut ? CUT : 0)
      numbers[(at + Field.saved) >> 3] = 0
    }
    numbers[(at + Field.heat) >> 3] = (numbers[(at + Field.heat) >> 3] as number) * faded + weight
    numbers[(at + Field.saved) >> 3] = (numbers[(at + Field.saved) >> 3] as number) * faded + savedMs
    numbers[(at + Field.at) >> 3] = now
    Atomics.store(words, (at + Field.busy) >> 2, 0)
  }

  #read(at: number, now: number, whole: number): Hot | undefined {
    const words = this.#words
    const heat = this.#heatAt(at, now)
    if (heat < 1e-3 || Atomics.load(words, at >> 2) !== 0) return undefined
    const size = words[(at + Field.keyBytes) >> 2] as number
    const hash = words[(at + Field.hash) >> 2]
    const end = at + Field.key + Math.min(size & 0xffff, MOST_KEY_BYTES)
    const name = this.#bytes.toString('utf8', at + Field.key, end)
    const saved =
      (this.#numbers[(at + Field.saved) >> 3] as number) * decay(now - (this.#numbers[(at + Field.at) >> 3] as number))
    if (Atomics.load(words, at >> 2) !== 0 || words[(at + Field.hash) >> 2] !== hash) return undefined
    const second = (1000 * (Math.LN2 / HALF_LIFE_MS)) / whole
    return { name, whole: (size & CUT) === 0, perSecond: heat * second, savedMsPerSecond: saved * second }
  }
}

/** How the uses of a key are spread over the key space: counts of 64 equal slices of it by hash. They only grow. */
export class HeatSlices {
  #counts: Uint32Array

  constructor(memory: SharedArrayBuffer, at: number) {
    this.#counts = new Uint32Array(memory, at, SLICES)
  }

  note(name: string, weight: number): void {
    const slice = (Math.imul(hashOf(name), 0x9e3779b1) >>> 0) % SLICES
    if (slice < this.#counts.length) Atomics.add(this.#counts, slice, weight)
  }

  read(): number[] {
    return [...this.#counts]
  }

  release(): void {
    this.#counts = new Uint32Array(SLICES)
  }
}

function decay(milliseconds: number): number {
  return milliseconds <= 0 ? 1 : 0.5 ** (milliseconds / HALF_LIFE_MS)
}

/** FNV-1a over UTF-16 units; never 0. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return (hash ^ (hash >>> 15)) | 0 || 1
}
