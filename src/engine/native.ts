// The native engine: the `Engine` contract over the functions of the Rust addon. Converts and packs, decides nothing.
// May touch: the regions through the addon, and scratch memory private to the thread.

import { threadId } from 'node:worker_threads'
import { OstrakaError } from '../errors.js'
import type { Regions } from './create.js'
import { type Engine, type EntryFields, Kind, Lease, Meta, Mode } from './engine.js'
import { COUNTERS, Control, LEASES, layoutConstants } from './layout.js'
import { leaseValue, leaseWord } from './lease-token.js'
import type { StringBuffer } from './string-buffer.js'

/** What an attached cache's object of the addon offers (native/addon/src/functions.rs). */
interface Bound {
  read(key: string, touch: boolean): string | number | undefined
  readInto(key: string, target: Uint8Array): number
  readMany(packed: Uint8Array, count: number, table: Int32Array): number
  setString(key: string, value: string): number
  writeString(key: string, value: string, mode: number, ttl: number, idle: number, ...stamp: number[]): number
  writeBytes(
    key: string,
    bytes: Uint8Array,
    mode: number,
    ttl: number,
    idle: number,
    slot: number,
    location: number,
    generation: number,
    kind: number,
  ): number
  increment(key: string, by: number, ttl: number, idle: number): number | undefined
  has(key: string): boolean
  remove(key: string): boolean
  take(key: string, target?: Uint8Array): string | number | undefined
  touch(key: string, ttl: number, idle: number): boolean
  expiresIn(key: string): number
  isCurrent(slot: number, location: number, generation: number, world: number): boolean
  /** `kind` −1: the value is a string. */
  writeEntry(
    key: string,
    value: string | Uint8Array,
    mode: number,
    kind: number,
    fields: Float64Array,
    tags: Uint32Array,
  ): number
  lookUp(key: string, target?: Uint8Array): string | number | undefined
  acquireLease(key: string, timeoutMs: number, early: boolean): number
  endLease(key: string, token: number, state: number, outcome: Uint8Array | undefined): void
  leaseState(token: number): number
  /** A line of the lease table whose lease this thread ended for another one, −1 for none. */
  nextWoken(): number
  tagCounter(tag: string): number
  invalidateTags(counters: Uint32Array): void
  line(): number
  count(counter: number, by: number): void
  setCounting(counting: boolean): void
  watchDepartures(watched: boolean): void
  takeDepartures(into: (number | string)[]): number
  scan(cursor: number, limit: number, prefix: string, into: string[], all?: boolean): number
  clear(): void
  size(): number
  counter(index: number): number
  advance(milliseconds: number): boolean
  now(): number
  maintain(): boolean
  tend(shard: number, ahead: number): number
  reclaim(shard: number): number
  reap(): void
  adviseHugePages(): boolean
  detach(): void
}

/** What the addon exports (native/addon/src/lib.rs). */
export interface Addon {
  version(): string
  layoutConstants(): number[]
  hashKey(seedLow: number, seedHigh: number, key: Uint8Array): number[]
  attach(control: Uint8Array, shards: Uint8Array[], scratch: Uint8Array, meta: Int32Array, nodeThread: number): Bound
}

const SCRATCH_BYTES = 64 * 1024
/** What calls leave beside their result: eight words of `meta`, and behind them the numbers of `found` and a count of woken leases. */
const META_BYTES = 32
const FOUND_BYTES = 48
const WOKEN = 5
/** Keys of one crossing of `readMany`. */
const KEYS_PER_CROSSING = 512
/** Above this, one string over a whole batch would be held in memory by any small part of it that a caller keeps. */
const SHARED_STRING_BYTES = 16 * 1024

/** Whether a loaded addon is of this package's version and layout; else one sentence that says what differs. */
export function addonMismatch(addon: unknown, version: string): string | undefined {
  if (!isAddon(addon)) return 'the addon lacks functions that this version calls'
  if (addon.version() !== version) return `the addon is of version ${addon.version()}, the package of ${version}`
  const theirs = addon.layoutConstants()
  const ours = layoutConstants()
  const same = theirs.length === ours.length && theirs.every((value, index) => value === ours[index])
  return same ? undefined : 'the addon was built for another memory layout'
}

export function isAddon(addon: unknown): addon is Addon {
  if (typeof addon !== 'object' || addon === null) return false
  return ['version', 'layoutConstants', 'attach'].every((name) => typeof Reflect.get(addon, name) === 'function')
}

/**
 * Joins the calling thread to the cache in these regions; about 20 µs.
 * @throws OstrakaError OSTRAKA_ERR_TOO_MANY_THREADS, OSTRAKA_ERR_LAYOUT_MISMATCH
 */
export function attachNative(regions: Regions, addon: Addon): Engine {
  const view = (memory: WebAssembly.Memory) => new Uint8Array(memory.buffer)
  const scratch = new Uint8Array(SCRATCH_BYTES)
  const answers = new ArrayBuffer(META_BYTES + FOUND_BYTES)
  try {
    const all = new Int32Array(answers)
    const bound = addon.attach(view(regions.control), regions.shards.map(view), scratch, all, threadId + 1)
    return new NativeEngine(bound, scratch, answers, new Int32Array(regions.control.buffer))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    const code = message.startsWith('OSTRAKA_THREADS') ? 'OSTRAKA_ERR_TOO_MANY_THREADS' : 'OSTRAKA_ERR_LAYOUT_MISMATCH'
    throw new OstrakaError(code, message.replace(/^OSTRAKA_\w+: /, ''), { cause })
  }
}

class NativeEngine implements Engine {
  readonly name = 'native'
  readonly scratch: Uint8Array
  readonly meta: Int32Array
  taken: Uint8Array | undefined
  readonly #bound: Bound
  readonly #text: StringBuffer
  readonly #packed = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  readonly #table = new Int32Array(KEYS_PER_CROSSING * 3)
  readonly #fields = new Float64Array(6)
  readonly found: Float64Array
  readonly leaseWords: Int32Array

  readonly read: (key: string, touch: boolean) => string | number | undefined
  readonly readInto: (key: string, target: Uint8Array) => number
  readonly increment: (key: string, by: number, ttl: number, idle: number) => number | undefined
  readonly has: (key: string) => boolean
  readonly delete: (key: string) => boolean
  readonly touch: (key: string, ttl: number, idle: number) => boolean
  readonly expiresIn: (key: string) => number
  readonly isCurrent: (slot: number, location: number, generation: number, world: number) => boolean
  readonly tagCounter: (tag: string) => number
  readonly invalidateTags: (counters: Uint32Array) => void
  readonly line: number
  readonly count: (counter: number, by: number) => void
  readonly setCounting: (counting: boolean) => void
  readonly watchDepartures: (watched: boolean) => void
  readonly takeDepartures: (into: (number | string)[]) => number
  readonly scan: Bound['scan']
  readonly clear: () => void
  readonly now: () => number
  readonly maintain: () => boolean
  readonly tend: (shard: number, ahead: number) => number
  readonly reclaim: (shard: number) => number
  readonly reap: () => void
  readonly adviseHugePages: () => boolean
  readonly detach: () => void

  constructor(bound: Bound, scratch: Uint8Array, answers: ArrayBuffer, control: Int32Array) {
    this.#bound = bound
    this.scratch = scratch
    this.meta = new Int32Array(answers, 0, META_BYTES / 4)
    this.found = new Float64Array(answers, META_BYTES)
    this.leaseWords = control
    this.#text = Buffer.from(scratch.buffer) as Uint8Array as StringBuffer
    // Called as they are: a wrapper around each would be a second call on every hit.
    this.read = bound.read
    this.readInto = bound.readInto
    this.increment = bound.increment
    this.has = bound.has
    this.delete = bound.remove
    this.touch = bound.touch
    this.expiresIn = bound.expiresIn
    this.isCurrent = bound.isCurrent
    this.tagCounter = bound.tagCounter
    this.invalidateTags = bound.invalidateTags
    this.line = bound.line()
    this.count = bound.count
    this.setCounting = bound.setCounting
    this.watchDepartures = bound.watchDepartures
    this.takeDepartures = bound.takeDepartures
    this.scan = bound.scan
    this.clear = bound.clear
    this.now = bound.now
    this.maintain = bound.maintain
    this.tend = bound.tend
    this.reclaim = bound.reclaim
    this.reap = bound.reap
    this.adviseHugePages = bound.adviseHugePages
    this.detach = bound.detach
  }

  get size(): number {
    return this.#bound.size()
  }

  writeString(key: string, value: string, mode: number, ttl: number, idle: number): number {
    if (mode === Mode.set && ttl < 0 && idle < 0) return this.#bound.setString(key, value)
    return this.#bound.writeString(key, value, mode, ttl, idle)
  }

  writeBytes(key: string, bytes: Uint8Array, kind: number, mode: number, ttl: number, idle: number): number {
    return this.#bound.writeBytes(key, bytes, mode, ttl, idle, 0, 0, 0, kind)
  }

  writeIf(
    key: string,
    bytes: Uint8Array,
    kind: number,
    ttl: number,
    idle: number,
    slot: number,
    location: number,
    generation: number,
  ): number {
    return this.#bound.writeBytes(key, bytes, Mode.replace, ttl, idle, slot, location, generation, kind)
  }

  writeStringIf(
    key: string,
    value: string,
    ttl: number,
    idle: number,
    slot: number,
    location: number,
    generation: number,
  ): number {
    return this.#bound.writeString(key, value, Mode.replace, ttl, idle, slot, location, generation)
  }

  writeEntry(key: string, value: string | Uint8Array, kind: number, mode: number, fields: EntryFields): number {
    const numbers = this.#fields
    numbers[0] = fields.ttl
    numbers[1] = fields.idle
    numbers[2] = fields.soft
    numbers[3] = fields.cost
    numbers[4] = fields.stamp
    numbers[5] = fields.lease
    return this.#bound.writeEntry(key, value, mode, typeof value === 'string' ? -1 : kind, numbers, fields.tags)
  }

  lookUp(key: string): string | number | undefined {
    this.taken = undefined
    let answer = this.#bound.lookUp(key)
    while (typeof answer === 'number' && answer > this.scratch.length) {
      const target = new Uint8Array(answer)
      answer = this.#bound.lookUp(key, target)
      if (typeof answer === 'number' && answer <= target.length) this.taken = target.subarray(0, answer)
      if (this.taken !== undefined) return answer
    }
    return answer
  }

  acquireLease(key: string, timeoutMs: number, early = false): number {
    const answer = this.#bound.acquireLease(key, timeoutMs, early)
    // Only JavaScript can wake who waits in JavaScript.
    if (this.found[WOKEN] !== 0) {
      for (let line = this.#bound.nextWoken(); line >= 0; line = this.#bound.nextWoken()) this.#wake(line)
    }
    return answer
  }

  endLease(key: string, token: number, state: number, outcome: Uint8Array | undefined): void {
    this.#bound.endLease(key, token, state, outcome)
    this.#wake(token % LEASES)
  }

  leaseState(token: number): number {
    const state = this.#bound.leaseState(token)
    // It may have been this call that found its time over or its thread dead.
    if (state === Lease.abandoned) this.#wake(token % LEASES)
    return state
  }

  leaseWord(token: number): number {
    return leaseWord(token % LEASES)
  }

  leaseValue(token: number): number {
    return leaseValue(token)
  }

  tagStamp(): number {
    return Atomics.load(this.leaseWords, Control.tagStamp >> 2) >>> 0
  }

  #wake(line: number): void {
    Atomics.notify(this.leaseWords, leaseWord(line))
  }

  take(key: string): string | number | undefined {
    this.taken = undefined
    let answer = this.#bound.take(key)
    while (typeof answer === 'number' && answer > this.scratch.length) {
      const target = new Uint8Array(answer)
      answer = this.#bound.take(key, target)
      if (typeof answer === 'number' && answer <= target.length) {
        this.taken = target.subarray(0, answer)
        return answer
      }
    }
    return answer
  }

  readMany(keys: readonly string[], kinds: Uint8Array): (string | Uint8Array | undefined)[] {
    const values = new Array<string | Uint8Array | undefined>(keys.length)
    let next = 0
    while (next < keys.length) next = this.#readBatch(keys, next, kinds, values)
    return values
  }

  /** One crossing; returns the index of the first key that it did not take. */
  #readBatch(
    keys: readonly string[],
    first: number,
    kinds: Uint8Array,
    values: (string | Uint8Array | undefined)[],
  ): number {
    const packed = this.#packed
    const table = this.#table
    let used = 0
    let index = first
    const last = Math.min(keys.length, first + KEYS_PER_CROSSING)
    for (; index < last; index++) {
      const end = packKey(packed, used, keys[index] as string)
      if (end < 0) break
      used = end
    }
    const count = index - first
    if (count === 0) {
      // A key that is not plain ASCII, or does not fit: by itself.
      values[first] = this.#readAlone(keys[first] as string, kinds, first)
      return first + 1
    }
    this.#bound.readMany(packed, count, table)
    this.#unpack(keys, first, count, kinds, values)
    return index
  }

  #unpack(
    keys: readonly string[],
    first: number,
    count: number,
    kinds: Uint8Array,
    values: (string | Uint8Array | undefined)[],
  ): void {
    const table = this.#table
    let end = 0
    let ascii = true
    for (let row = 0; row < count; row++) {
      const kind = table[row * 3] as number
      if (kind >= 0) end = (table[row * 3 + 2] as number) + (table[row * 3 + 1] as number)
      ascii &&= kind < 0 || kind === Kind.ascii
    }
    const all = ascii && end <= SHARED_STRING_BYTES ? this.#text.latin1Slice(0, end) : undefined
    for (let row = 0; row < count; row++) {
      const kind = table[row * 3] as number
      const length = table[row * 3 + 1] as number
      const offset = table[row * 3 + 2] as number
      const at = first + row
      if (kind === -1) continue
      if (kind === -2) {
        values[at] = this.#readAlone(keys[at] as string, kinds, at)
      } else {
        kinds[at] = kind
        values[at] = all === undefined ? this.#valueAt(kind, offset, length) : all.slice(offset, offset + length)
      }
    }
  }

  #valueAt(kind: number, offset: number, length: number): string | Uint8Array {
    if (kind === Kind.ascii) return this.#text.latin1Slice(offset, offset + length)
    if (kind === Kind.utf8) return this.#text.utf8Slice(offset, offset + length)
    if (kind === Kind.utf16) return this.#text.ucs2Slice(offset, offset + length)
    return this.scratch.slice(offset, offset + length)
  }

  #readAlone(key: string, kinds: Uint8Array, at: number): string | Uint8Array | undefined {
    let answer = this.read(key, true)
    let target = this.scratch
    while (typeof answer === 'number' && answer > target.length) {
      target = new Uint8Array(answer)
      answer = this.readInto(key, target)
    }
    if (answer === undefined || answer === -1) return undefined
    kinds[at] = this.meta[Meta.kind] as number
    return typeof answer === 'string' ? answer : target.slice(0, answer)
  }

  counters(): Float64Array {
    return Float64Array.from({ length: COUNTERS }, (_, index) => this.#bound.counter(index))
  }

  advance(milliseconds: number): void {
    this.#bound.advance(milliseconds)
  }
}

/** Writes `{u16 length, bytes}` of an ASCII key; the position behind it, −1 when it is not ASCII or does not fit. */
function packKey(packed: Buffer, at: number, key: string): number {
  const length = key.length
  if (at + 2 + length > packed.length || length === 0) return -1
  packed[at] = length & 0xff
  packed[at + 1] = length >> 8
  for (let index = 0; index < length; index++) {
    const code = key.charCodeAt(index)
    if (code >= 0x80) return -1
    packed[at + 2 + index] = code
  }
  return at + 2 + length
}
