// Values in and out: between what users pass and what the engine keeps, with expiry, the near cache and compare-and-set. Keys come as
// they stand in memory. Touches the engine of its handle, which is this thread's own, and the near cache of this thread.
import { Buffer } from 'node:buffer'
import { Found, FoundState, Kind, Meta, Mode, Status } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import { tagCounters } from '../loading/tags.js'
import type { EntryDefaults } from '../options/cache-options.js'
import { show } from '../options/validate.js'
import { Own } from '../stats/layout.js'
import { type CodecModule, codecModule } from '../values/codec-module.js'
import { decodeValue, isFreezable } from '../values/decode.js'
import { encodeValue } from '../values/encode.js'
import type { RawBuffer } from '../values/format.js'
import { msgpack } from '../values/msgpack.js'
import { type EntryOptions, readCost, readIdle, readTags, readTtl, refuseTags } from './arguments.js'
import { bufferOver, type Handle } from './handle.js'
import { Tallied, type Tally } from './namespace-table.js'
import { type NearCache, notNear } from './near.js'

/** `update` met `undefined`: nothing was to be changed. */
const UNCHANGED = -100

/** Longer values of a batch, in bytes, are not read a second time to be kept near. */
const MOST_READ_AGAIN = 4096

export class Entries {
  readonly near: NearCache | undefined
  /** Values that came with `ttl: 0`, in this view. */
  notWanted = 0
  readonly #defaults: EntryDefaults
  readonly #freeze: boolean
  readonly #reference: boolean
  readonly #handle: Handle
  readonly #module: CodecModule | undefined
  readonly #tally: Tally | undefined

  constructor(handle: Handle, near: NearCache | undefined, defaults: EntryDefaults, tally?: Tally) {
    this.#handle = handle
    this.#defaults = defaults
    this.near = near
    this.#tally = tally
    this.#module = codecModule(defaults.codec)
    // Whoever lacks the package hears it now, not at the first set.
    if (defaults.codec === 'msgpack') msgpack()
    if (tally !== undefined) near?.countInto(tally)
    this.#freeze = near?.settings.values === 'frozen'
    this.#reference = near?.settings.values === 'reference'
  }

  /** From shared memory; `own` is the key as the near cache knows it, under which the value is kept there. */
  get(key: string, own: string): unknown {
    const began = this.near?.samples === true ? performance.now() : 0
    const found = this.#handle.engine.read(key, true)
    this.#tally?.count(found === undefined ? Tallied.misses : Tallied.hits)
    return typeof found === 'number' ? this.#read(key, found, this.#freeze, own, began) : found
  }

  /**
   * Like `get`, for those who load what is absent (kept near unless `own` is undefined): when it gives `undefined`, `engine.found` tells what is there instead (something
   * stale, a load that runs, how one ended).
   */
  find(key: string, own: string | undefined): unknown {
    const { engine } = this.#handle
    const found = engine.lookUp(key)
    const isFresh = engine.found[Found.state] === FoundState.fresh
    this.#tally?.count(isFresh ? Tallied.hits : Tallied.misses)
    if (!isFresh) return undefined
    return typeof found === 'number' ? this.#lookedUp(key, found, own) : found
  }

  /** The value from shared memory, fresh or stale; `engine.found` tells which, and how long. Kept near as `own`, if that is given and it is fresh. */
  lookUp(key: string, own?: string): unknown {
    const { engine } = this.#handle
    const found = engine.lookUp(key)
    const state = engine.found[Found.state] as number
    if (state !== FoundState.fresh && state !== FoundState.stale) return undefined
    if (typeof found !== 'number') return found
    return this.#lookedUp(key, found, state === FoundState.fresh ? own : undefined)
  }

  #lookedUp(key: string, length: number, own: string | undefined): unknown {
    const { meta, taken } = this.#handle.engine
    if (taken === undefined) return this.#read(key, length, this.#freeze, own)
    return decodeValue(meta[Meta.kind] as number, bufferOver(taken), length, this.#freeze, this.#module)
  }

  /** A value that has just been encoded, as `get` would hand it out. `bytes` stay as they are only until something else is encoded. */
  handOut(kind: number, bytes: Uint8Array): unknown {
    const buffer = bufferOver(bytes)
    return decodeValue(kind, buffer, buffer.length, this.#freeze, this.#module)
  }

  /** Whether what `handOut` gave may be given to other callers as well. */
  mayShare(kind: number, bytes: Uint8Array, value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return true
    return this.#reference || (this.#freeze && isFreezable(kind, bufferOver(bytes), value))
  }

  peek(key: string): unknown {
    const found = this.#handle.engine.read(key, false)
    return typeof found === 'number' ? this.#read(key, found, this.#freeze, undefined) : found
  }

  /** Aligned; `own` are the keys as the near cache knows them. */
  getMany(keys: readonly string[], own: readonly string[]): unknown[] {
    const near = this.near
    if (near === undefined || !this.#handle.open || near.rests(keys.length)) return this.#readMany(keys)
    const values = own.map((key) => near.get(key))
    const absent: number[] = []
    for (let i = 0; i < values.length; i++) if (values[i] === notNear) absent.push(i)
    if (absent.length === 0) return values
    const found = this.#readMany(
      absent.map((i) => keys[i] as string),
      (key, at) => {
        // Only a read by itself tells where the record lies. It costs once what every later hit saves, and counts as nothing.
        const length = this.#handle.engine.read(key, false)
        if (typeof length !== 'number') return length
        return this.#read(key, length, this.#freeze, own[absent[at] as number])
      },
    )
    for (let i = 0; i < absent.length; i++) values[absent[i] as number] = found[i]
    return values
  }

  #readMany(keys: readonly string[], readAgain?: (key: string, at: number) => unknown): unknown[] {
    const kinds = new Uint8Array(keys.length)
    const found: unknown[] = this.#handle.engine.readMany(keys, kinds)
    for (let i = 0; i < found.length; i++) {
      const bytes = found[i]
      this.#tally?.count(bytes === undefined ? Tallied.misses : Tallied.hits)
      if (typeof bytes !== 'object') continue
      const kind = kinds[i] as number
      const buffer = bufferOver(bytes as Uint8Array)
      if (readAgain !== undefined && buffer.length <= MOST_READ_AGAIN && this.#isKeepable(kind, buffer, undefined)) {
        found[i] = readAgain(keys[i] as string, i)
      } else {
        found[i] = decodeValue(kind, buffer, buffer.length, this.#freeze, this.#module)
      }
    }
    return found
  }

  take(key: string): unknown {
    const found = this.#handle.engine.take(key)
    if (found !== undefined) {
      this.#tally?.count(Tallied.taken)
      this.#handle.observer.changes.tell('delete', key)
    }
    if (typeof found !== 'number') return found
    const kind = this.#handle.engine.meta[Meta.kind] as number
    const taken = this.#handle.engine.taken
    return decodeValue(kind, taken === undefined ? this.#handle.scratch : bufferOver(taken), found, false, this.#module)
  }

  delete(key: string): boolean {
    const removed = this.#handle.engine.delete(key)
    if (removed) {
      this.#tally?.count(Tallied.deleted)
      this.#handle.observer.changes.tell('delete', key)
    }
    return removed
  }

  /** A `Status`. */
  write(key: string, value: unknown, mode: number, options: EntryOptions | undefined): number {
    const status = this.#write(key, value, mode, options)
    this.#tally?.count(tallyOf(status))
    if (status !== Status.refused) this.#told(status, key)
    return status
  }

  #write(key: string, value: unknown, mode: number, options: EntryOptions | undefined): number {
    const ttl = options === undefined ? this.#defaults.ttl : readTtl(options, this.#defaults.ttl)
    const idle = options === undefined ? this.#defaults.idle : readIdle(options, this.#defaults.idle)
    if (options !== undefined && (options.tags !== undefined || options.cost !== undefined)) {
      return this.#writeFull(key, value, mode, options, ttl, idle)
    }
    if (typeof value === 'string') {
      if (ttl === 0) return this.#notKept(key, mode)
      return this.#handle.engine.writeString(key, value, mode, this.#jittered(ttl), idle)
    }
    // Before anything is touched: it may throw, and a getter in the value may use this cache, or close it.
    const { kind, bytes } = encodeValue(value, this.#defaults.codec)
    if (ttl === 0) return this.#notKept(key, mode)
    if (kind < 0) return this.#tooLarge(key, mode)
    return this.#handle.engine.writeBytes(key, bytes, kind, mode, this.#jittered(ttl), idle)
  }

  #writeFull(key: string, value: unknown, mode: number, options: EntryOptions, ttl: number, idle: number): number {
    const { engine } = this.#handle
    // Before the value is looked at: what is invalidated from now on is invalid in it.
    const stamp = engine.tagStamp()
    const named = readTags(options)
    const tags = tagCounters(engine, named)
    if (named.length > 0) this.#handle.observer.tagged(named)
    const cost = readCost(options)
    let kind = 0
    let bytes: Uint8Array | string
    if (typeof value === 'string') bytes = value
    else ({ kind, bytes } = encodeValue(value, this.#defaults.codec))
    if (ttl === 0) return this.#notKept(key, mode)
    if (kind < 0) return this.#tooLarge(key, mode)
    const fields = { ttl: this.#jittered(ttl), idle, soft: -1, cost, stamp, tags, lease: 0 }
    return this.#handle.engine.writeEntry(key, bytes, kind, mode, fields)
  }

  update(key: string, change: (old: unknown) => unknown, options: EntryOptions | undefined): boolean {
    refuseTags(options, 'update')
    for (let attempt = 0; ; attempt++) {
      const status = this.#updateOnce(key, change, options)
      if (status !== UNCHANGED) this.#tally?.count(tallyOf(status))
      if (status !== Status.refused) {
        if (status !== UNCHANGED) this.#told(status, key)
        return status === Status.stored
      }
      // Whoever was refused lost to one that succeeded, so somebody always gets on; waiting a little keeps that from repeating.
      if (attempt > 4) waitBriefly(Math.min(attempt, 64))
    }
  }

  #updateOnce(key: string, change: (old: unknown) => unknown, options: EntryOptions | undefined): number {
    const found = this.#handle.engine.read(key, true)
    // A copy of the caller's own, whatever `get` hands out: changing the old value in place is the natural way to make the new one.
    const old = typeof found === 'number' ? this.#read(key, found, false, undefined) : found
    if (old === undefined) {
      const first = change(undefined)
      return first === undefined ? UNCHANGED : this.#write(key, first, Mode.add, options)
    }
    const meta = this.#handle.engine.meta
    const slot = meta[Meta.slot] as number
    const location = meta[Meta.location] as number
    const generation = meta[Meta.generation] as number
    const value = change(old)
    if (value === undefined) return UNCHANGED
    const ttl = options === undefined ? this.#defaults.ttl : readTtl(options, this.#defaults.ttl)
    const idle = options === undefined ? this.#defaults.idle : readIdle(options, this.#defaults.idle)
    if (ttl === 0) return this.#notKept(key, Mode.set)
    const lifetime = this.#jittered(ttl)
    let status: number
    if (typeof value === 'string') {
      status = this.#handle.engine.writeStringIf(key, value, lifetime, idle, slot, location, generation)
    } else {
      const { kind, bytes } = encodeValue(value, this.#defaults.codec)
      if (kind < 0) return this.#tooLarge(key, Mode.set)
      status = this.#handle.engine.writeIf(key, bytes, kind, lifetime, idle, slot, location, generation)
    }
    // What cannot be kept leaves nothing older behind. Another thread's newer value may go with it, as if it had been evicted.
    if (status < 0) this.#handle.engine.delete(key)
    return status
  }

  increment(key: string, own: string, by: number, options: EntryOptions | undefined): number | undefined {
    refuseTags(options, 'increment')
    const ttl = options === undefined ? this.#defaults.ttl : readTtl(options, this.#defaults.ttl)
    const idle = options === undefined ? this.#defaults.idle : readIdle(options, this.#defaults.idle)
    if (ttl === 0) {
      this.#notKept(key, Mode.set)
      return undefined
    }
    const sum = this.#handle.engine.increment(key, by, this.#jittered(ttl), idle)
    this.#tally?.count(tallyOf(sum === undefined ? Status.noRoom : Number.isNaN(sum) ? Status.refused : Status.stored))
    if (sum !== undefined && !Number.isNaN(sum)) this.#told(Status.stored, key)
    if (sum === undefined || !Number.isNaN(sum)) return sum
    const message = `The entry ${show(own)} is not a number; use update, or delete it first`
    throw new OstrakaError('OSTRAKA_ERR_NOT_A_NUMBER', message)
  }

  touch(key: string, options: EntryOptions | undefined): boolean {
    refuseTags(options, 'touch')
    const ttl = options === undefined ? this.#defaults.ttl : readTtl(options, this.#defaults.ttl)
    const idle = options === undefined ? this.#defaults.idle : readIdle(options, this.#defaults.idle)
    return ttl === 0 ? this.delete(key) : this.#handle.engine.touch(key, this.#jittered(ttl), idle)
  }

  /**
   * The value whose record the engine has just found, `length` bytes long. Kept near under `own` unless that is undefined; `began` is
   * when the read did, if it is to be timed.
   */
  #read(key: string, length: number, freeze: boolean, own: string | undefined, began = 0): unknown {
    let buffer = this.#handle.scratch
    let size = length
    while (size > buffer.length) {
      // Longer than scratch: its bytes are fetched by a second look, which may find another value, a longer one even.
      const larger = Buffer.allocUnsafeSlow(size) as RawBuffer
      size = this.#handle.engine.readInto(key, larger)
      if (size < 0) return undefined
      buffer = larger
    }
    const meta = this.#handle.engine.meta
    const kind = meta[Meta.kind] as number
    const value = decodeValue(kind, buffer, size, freeze, this.#module)
    const near = this.near
    if (near !== undefined && own !== undefined && this.#isKeepable(kind, buffer, value)) {
      const decoded = began > 0 ? performance.now() : 0
      near.put(own, key, value, size)
      if (began > 0) near.timed(decoded - began, performance.now() - decoded)
    }
    return value
  }

  /** Kept are values that cost decoding, if all who get them may share them. */
  #isKeepable(kind: number, buffer: RawBuffer, value: unknown): boolean {
    if (kind < Kind.bigint && kind !== Kind.bytes) return false
    return this.#reference || (this.#freeze && isFreezable(kind, buffer, value))
  }

  // Nothing may be left of an older value: whoever set this one does not want it to be seen.
  #notKept(key: string, mode: number): number {
    this.notWanted++
    this.#handle.observer.add(Own.notWanted, 1)
    if (mode === Mode.set) this.#handle.engine.delete(key)
    return Status.noRoom
  }

  // Lets the engine refuse and count it, which leaves nothing under the key either.
  #tooLarge(key: string, mode: number): number {
    if (mode === Mode.set) this.#handle.engine.delete(key)
    return Status.tooLarge
  }

  /** What could not be kept has left nothing under the key, whatever was there before. */
  #told(status: number, key: string): void {
    this.#handle.observer.changes.tell(status === Status.stored ? 'set' : 'delete', key)
  }

  /** Only ever shorter: nothing lives longer than was asked for. */
  #jittered(ttl: number): number {
    const share = this.#defaults.ttlJitter
    return share === 0 || ttl <= 1 ? ttl : Math.max(1, Math.ceil(ttl * (1 - Math.random() * share)))
  }
}

function tallyOf(status: number): number {
  if (status === Status.stored) return Tallied.stored
  return status === Status.refused ? Tallied.refused : Tallied.notKept
}

/** Up to some microseconds, so short that no timer could do it. */
function waitBriefly(most: number): void {
  const until = performance.now() + Math.random() * most * 0.001
  while (performance.now() < until);
}
