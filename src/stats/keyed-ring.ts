// A bounded ring of short records with a key each, in shared memory: any thread writes, any thread reads, and whoever reads too late is told how much
// it missed. Touches its rows and the word that counts what was ever written.
import { Buffer } from 'node:buffer'
import { threadId } from 'node:worker_threads'
import { monotonicMs, wallClockOffset } from './clock.js'
import { RECORD_BYTES, type Ring } from './layout.js'

/** Offsets within a record. */
const Field = { sequence: 0, type: 4, keyBytes: 8, thread: 12, at: 16, first: 24, second: 32, key: 40 } as const
const MOST_KEY_BYTES = RECORD_BYTES - Field.key
const CUT = 1 << 16

export interface KeyedRecord {
  readonly type: number
  /** As it stands in memory; its beginning alone where it is longer than 88 bytes. */
  readonly key: string
  readonly whole: boolean
  /** `threadId` of who wrote it. */
  readonly thread: number
  /** In ms since 1970. */
  readonly at: number
  readonly first: number
  readonly second: number
}

export class KeyedRing {
  #length: number
  #counts: Int32Array
  #counter: number
  #bytes: Buffer
  #words: Int32Array
  #numbers: Float64Array

  /** `counter` is the index in `counts` of the word that counts records. */
  constructor(memory: SharedArrayBuffer, ring: Ring, counts: Int32Array, counter: number) {
    this.#length = ring.length
    this.#counts = counts
    this.#counter = counter
    this.#bytes = Buffer.from(memory as unknown as ArrayBuffer, ring.at, ring.length * RECORD_BYTES)
    this.#words = new Int32Array(memory, ring.at, (ring.length * RECORD_BYTES) / 4)
    this.#numbers = new Float64Array(memory, ring.at, (ring.length * RECORD_BYTES) / 8)
  }

  /** How many were ever written; wraps at 2^32. */
  get count(): number {
    return Atomics.load(this.#counts, this.#counter) >>> 0
  }

  /** Most that are kept. */
  get length(): number {
    return this.#length
  }

  /** About half a microsecond. */
  put(type: number, key: string, first: number, second: number): void {
    const sequence = Atomics.add(this.#counts, this.#counter, 1) >>> 0
    const at = (sequence % this.#length) * RECORD_BYTES
    const words = this.#words
    // Whoever reads believes a record only with its own sequence before and after.
    Atomics.store(words, at >> 2, 0)
    const written = this.#bytes.write(key, at + Field.key, MOST_KEY_BYTES, 'utf8')
    const isCut = key.length > written || (written > MOST_KEY_BYTES - 4 && Buffer.byteLength(key) > written)
    words[(at + Field.type) >> 2] = type
    words[(at + Field.keyBytes) >> 2] = written | (isCut ? CUT : 0)
    words[(at + Field.thread) >> 2] = threadId
    this.#numbers[(at + Field.at) >> 3] = monotonicMs()
    this.#numbers[(at + Field.first) >> 3] = first
    this.#numbers[(at + Field.second) >> 3] = second
    Atomics.store(words, at >> 2, stampOf(sequence))
  }

  /** From here on what is put is lost, and nothing is held of the shared memory. */
  release(): void {
    const nothing = new ArrayBuffer(RECORD_BYTES)
    this.#length = 1
    this.#counts = new Int32Array(1)
    this.#counter = 0
    this.#bytes = Buffer.from(nothing)
    this.#words = new Int32Array(nothing)
    this.#numbers = new Float64Array(nothing)
  }

  /** The record with this sequence; undefined when it is no longer, or not yet, there. */
  read(sequence: number): KeyedRecord | undefined {
    const at = (sequence % this.#length) * RECORD_BYTES
    const words = this.#words
    if (Atomics.load(words, at >> 2) !== stampOf(sequence)) return undefined
    const size = words[(at + Field.keyBytes) >> 2] as number
    const end = at + Field.key + Math.min(size & 0xffff, MOST_KEY_BYTES)
    const record = {
      type: words[(at + Field.type) >> 2] as number,
      key: this.#bytes.toString('utf8', at + Field.key, end),
      whole: (size & CUT) === 0,
      thread: words[(at + Field.thread) >> 2] as number,
      at: (this.#numbers[(at + Field.at) >> 3] as number) + wallClockOffset,
      first: this.#numbers[(at + Field.first) >> 3] as number,
      second: this.#numbers[(at + Field.second) >> 3] as number,
    }
    return Atomics.load(words, at >> 2) === stampOf(sequence) ? record : undefined
  }
}

/** Never 0, which says that a record is being written. */
function stampOf(sequence: number): number {
  return sequence | 0 || -1
}
