// Values in and out: between what users pass and what the engine keeps, with expiry, the near cache and compare-and-set. Keys are
// checked by the caller. Touches its engine, which is this thread's own, and the near cache of this thread.
import { Buffer } from 'node:buffer'
import { type Engine, Kind, Meta, Mode, Status } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import type { SharedSettings } from '../options/cache-options.js'
import { show } from '../options/validate.js'
import { decodeValue, isFreezable } from '../values/decode.js'
import { encodeValue } from '../values/encode.js'
import type { RawBuffer } from '../values/format.js'
import { type EntryOptions, readIdle, readTtl } from './arguments.js'
import { closedEngine } from './closed-engine.js'
import { type NearCache, notNear } from './near.js'

/** `update` met `undefined`: nothing was to be changed. */
const UNCHANGED = -100

export class Entries {
  near: NearCache | undefined
  /** Values that came with `ttl: 0`, in this handle. */
  notWanted = 0
  readonly #shared: SharedSettings
  readonly #freeze: boolean
  readonly #reference: boolean
  #engine: Engine
  /** The engine's scratch, as the kind of array that reads strings fast. */
  #scratch: RawBuffer

  constructor(engine: Engine, near: NearCache | undefined, shared: SharedSettings) {
    this.#engine = engine
    this.#shared = shared
    this.near = near
    this.#freeze = near?.settings.values === 'frozen'
    this.#reference = near?.settings.values === 'reference'
    this.#scratch = bufferOver(engine.scratch)
  }

  get(key: string): unknown {
    const near = this.near
    if (near !== undefined) {
      const value = near.get(key)
      if (value !== notNear) return value
    }
    const found = this.#engine.read(key, true)
    return typeof found === 'number' ? this.#read(key, found, this.#freeze, near) : found
  }

  peek(key: string): unknown {
    const found = this.#engine.read(key, false)
    return typeof found === 'number' ? this.#read(key, found, this.#freeze, undefined) : found
  }

  getMany(keys: readonly string[]): unknown[] {
    const kinds = new Uint8Array(keys.length)
    const found: unknown[] = this.#engine.readMany(keys, kinds)
    for (let i = 0; i < found.length; i++) {
      const bytes = found[i]
      if (typeof bytes !== 'object') continue
      const buffer = bufferOver(bytes as Uint8Array)
      found[i] = decodeValue(kinds[i] as number, buffer, buffer.length, this.#freeze)
    }
    return found
  }

  take(key: string): unknown {
    const found = this.#engine.take(key)
    if (typeof found !== 'number') return found
    const kind = this.#engine.meta[Meta.kind] as number
    const taken = this.#engine.taken
    return decodeValue(kind, taken === undefined ? this.#scratch : bufferOver(taken), found, false)
  }

  /** A `Status`. */
  write(key: string, value: unknown, mode: number, options: EntryOptions | undefined): number {
    const ttl = options === undefined ? this.#shared.ttl : readTtl(options, this.#shared.ttl)
    const idle = options === undefined ? this.#shared.idle : readIdle(options, this.#shared.idle)
    if (typeof value === 'string') {
      if (ttl === 0) return this.#notKept(key, mode)
      return this.#engine.writeString(key, value, mode, this.#jittered(ttl), idle)
    }
    // Before anything is touched: it may throw, and a getter in the value may use this cache, or close it.
    const { kind, bytes } = encodeValue(value, this.#shared.codec)
    if (ttl === 0) return this.#notKept(key, mode)
    if (kind < 0) return this.#tooLarge(key, mode)
    return this.#engine.writeBytes(key, bytes, kind, mode, this.#jittered(ttl), idle)
  }

  update(key: string, change: (old: unknown) => unknown, options: EntryOptions | undefined): boolean {
    for (let attempt = 0; ; attempt++) {
      const status = this.#updateOnce(key, change, options)
      if (status !== Status.refused) return status === Status.stored
      // Whoever was refused lost to one that succeeded, so somebody always gets on; waiting a little keeps that from repeating.
      if (attempt > 4) waitBriefly(Math.min(attempt, 64))
    }
  }

  #updateOnce(key: string, change: (old: unknown) => unknown, options: EntryOptions | undefined): number {
    const found = this.#engine.read(key, true)
    // A copy of the caller's own, whatever `get` hands out: changing the old value in place is the natural way to make the new one.
    const old = typeof found === 'number' ? this.#read(key, found, false, undefined) : found
    if (old === undefined) {
      const first = change(undefined)
      return first === undefined ? UNCHANGED : this.write(key, first, Mode.add, options)
    }
    const meta = this.#engine.meta
    const slot = meta[Meta.slot] as number
    const location = meta[Meta.location] as number
    const generation = meta[Meta.generation] as number
    const value = change(old)
    if (value === undefined) return UNCHANGED
    const ttl = options === undefined ? this.#shared.ttl : readTtl(options, this.#shared.ttl)
    const idle = options === undefined ? this.#shared.idle : readIdle(options, this.#shared.idle)
    if (ttl === 0) return this.#notKept(key, Mode.set)
    const lifetime = this.#jittered(ttl)
    let status: number
    if (typeof value === 'string') {
      status = this.#engine.writeStringIf(key, value, lifetime, idle, slot, location, generation)
    } else {
      const { kind, bytes } = encodeValue(value, this.#shared.codec)
      if (kind < 0) return this.#tooLarge(key, Mode.set)
      status = this.#engine.writeIf(key, bytes, kind, lifetime, idle, slot, location, generation)
    }
    // What cannot be kept leaves nothing older behind. Another thread's newer value may go with it, as if it had been evicted.
    if (status < 0) this.#engine.delete(key)
    return status
  }

  increment(key: string, by: number, options: EntryOptions | undefined): number | undefined {
    const ttl = options === undefined ? this.#shared.ttl : readTtl(options, this.#shared.ttl)
    const idle = options === undefined ? this.#shared.idle : readIdle(options, this.#shared.idle)
    if (ttl === 0) {
      this.#notKept(key, Mode.set)
      return undefined
    }
    const sum = this.#engine.increment(key, by, this.#jittered(ttl), idle)
    if (sum === undefined || !Number.isNaN(sum)) return sum
    const message = `The entry ${show(key)} is not a number; use update, or delete it first`
    throw new OstrakaError('OSTRAKA_ERR_NOT_A_NUMBER', message)
  }

  touch(key: string, options: EntryOptions | undefined): boolean {
    const ttl = options === undefined ? this.#shared.ttl : readTtl(options, this.#shared.ttl)
    const idle = options === undefined ? this.#shared.idle : readIdle(options, this.#shared.idle)
    return ttl === 0 ? this.#engine.delete(key) : this.#engine.touch(key, this.#jittered(ttl), idle)
  }

  /** From now on everything throws OSTRAKA_ERR_CLOSED. */
  close(): void {
    this.#engine = closedEngine
    this.near = undefined
    this.#scratch = Buffer.alloc(0) as RawBuffer
  }

  /** The value whose record the engine has just found, `length` bytes long. */
  #read(key: string, length: number, freeze: boolean, near: NearCache | undefined): unknown {
    let buffer = this.#scratch
    let size = length
    while (size > buffer.length) {
      // Longer than scratch: its bytes are fetched by a second look, which may find another value, a longer one even.
      const larger = Buffer.allocUnsafeSlow(size) as RawBuffer
      size = this.#engine.readInto(key, larger)
      if (size < 0) return undefined
      buffer = larger
    }
    const meta = this.#engine.meta
    const kind = meta[Meta.kind] as number
    const value = decodeValue(kind, buffer, size, freeze)
    // Kept are values that cost decoding, if all who get them may share them.
    if (near !== undefined && (kind >= Kind.bigint || kind === Kind.bytes)) {
      if (this.#reference || (freeze && isFreezable(kind, buffer, value))) near.put(key, value, size)
    }
    return value
  }

  // Nothing may be left of an older value: whoever set this one does not want it to be seen.
  #notKept(key: string, mode: number): number {
    this.notWanted++
    if (mode === Mode.set) this.#engine.delete(key)
    return Status.noRoom
  }

  // Lets the engine refuse and count it, which leaves nothing under the key either.
  #tooLarge(key: string, mode: number): number {
    if (mode === Mode.set) this.#engine.delete(key)
    return Status.tooLarge
  }

  /** Only ever shorter: nothing lives longer than was asked for. */
  #jittered(ttl: number): number {
    const share = this.#shared.ttlJitter
    return share === 0 || ttl <= 1 ? ttl : Math.max(1, Math.ceil(ttl * (1 - Math.random() * share)))
  }
}

function bufferOver(bytes: Uint8Array): RawBuffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length) as RawBuffer
}

/** Up to some microseconds, so short that no timer could do it. */
function waitBriefly(most: number): void {
  const until = performance.now() + Math.random() * most * 0.001
  while (performance.now() < until);
}
