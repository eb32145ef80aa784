// The pure-JS engine: the contract of src/engine/engine.ts over the functions of this folder. Turns keys and values into the attachment's
// key and a draft, and relative times into absolute ones. May touch: only through the attachment; used by the thread that attached.

import { type Engine, type EntryFields, Kind, Mode, Status } from '../engine.js'
import { COUNTERS, Control, Counter, RecordFlag, Segment, SLOT_STATE_MASK, SLOTS, SlotState } from '../layout.js'
import { leaseValue, leaseWord, lineOf } from '../lease-token.js'
import { size } from './accounting.js'
import { dropChunks } from './allocate.js'
import { Attachment } from './attachment.js'
import { reportExits, stopReportingExits } from './exits.js'
import { STAGE_BYTES } from './keys.js'
import { leaseState } from './lease.js'
import { acquire, endLease, lookUp } from './load.js'
import { has, read, readInto, take } from './read.js'
import { highWater, reapAll, releaseLine } from './registry.js'
import { remove, timesOf, touchTimes } from './remove.js'
import { maintain } from './room.js'
import { scan } from './scan.js'
import { areTagsValid, invalidateTags, tagStamp } from './tags.js'
import { reclaim, tend } from './tend.js'
import { Draft, UNCHANGED, write } from './write.js'

const SCRATCH_BYTES = 65_536

/**
 * Attaches the calling thread to a cache's regions.
 * @throws OstrakaError OSTRAKA_ERR_LAYOUT_MISMATCH, OSTRAKA_ERR_TOO_MANY_THREADS
 */
export function attachJs(regions: {
  readonly control: WebAssembly.Memory
  readonly shards: readonly WebAssembly.Memory[]
}): Engine {
  return new JsEngine(new Attachment(regions.control, regions.shards))
}

class JsEngine implements Engine {
  readonly name = 'js'
  readonly scratch = new Uint8Array(SCRATCH_BYTES)
  readonly meta = new Int32Array(8)
  readonly found = new Float64Array(5)
  readonly leaseWords: Int32Array
  taken: Uint8Array | undefined
  private readonly cache: Attachment
  private readonly draft = new Draft()
  private readonly number = new Float64Array(1)
  private readonly numberBytes = new Uint8Array(this.number.buffer)
  private readonly scratchNumbers = new Float64Array(this.scratch.buffer)
  private readonly keepTaken = (bytes: Uint8Array): void => {
    this.taken = bytes
  }

  constructor(cache: Attachment) {
    this.cache = cache
    this.leaseWords = cache.control
    if (process.platform !== 'linux') reportExits(cache.control)
  }

  read(key: string, touch: boolean): string | number | undefined {
    const { cache } = this
    if (!cache.key.set(key)) return undefined
    return read(cache, cache.shardOf(cache.key), this, touch)
  }

  readInto(key: string, target: Uint8Array): number {
    const { cache } = this
    return cache.key.set(key) ? readInto(cache, cache.shardOf(cache.key), target) : -1
  }

  readMany(keys: readonly string[], kinds: Uint8Array): (string | Uint8Array | undefined)[] {
    const values = new Array<string | Uint8Array | undefined>(keys.length)
    for (let i = 0; i < keys.length; i++) {
      const value = this.read(keys[i], true)
      kinds[i] = this.meta[0]
      values[i] = typeof value === 'number' ? this.copyOut(keys[i], value, kinds, i) : value
    }
    return values
  }

  /** A copy of the bytes that the last read left in scratch; longer ones are fetched until their length stands still. */
  private copyOut(key: string, length: number, kinds: Uint8Array, at: number): string | Uint8Array | undefined {
    for (let wanted = length; ; ) {
      if (wanted <= this.scratch.length) return this.scratch.slice(0, wanted)
      const bytes = new Uint8Array(wanted)
      const now = this.readInto(key, bytes)
      if (now === wanted) return bytes
      const again = now < 0 ? undefined : this.read(key, false)
      kinds[at] = this.meta[0]
      if (typeof again !== 'number') return again
      wanted = again
    }
  }

  writeString(key: string, value: string, mode: number, ttl: number, idle: number): number {
    if (!this.cache.key.set(key)) return Status.tooLarge
    this.stageString(value)
    return this.store(mode, ttl, idle)
  }

  writeBytes(key: string, bytes: Uint8Array, kind: number, mode: number, ttl: number, idle: number): number {
    if (!this.cache.key.set(key)) return Status.tooLarge
    this.stageBytes(bytes, kind)
    return this.store(mode, ttl, idle)
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
    if (!this.cache.key.set(key)) return Status.tooLarge
    this.stageBytes(bytes, kind)
    return this.storeIf(ttl, idle, slot, location, generation)
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
    if (!this.cache.key.set(key)) return Status.tooLarge
    this.stageString(value)
    return this.storeIf(ttl, idle, slot, location, generation)
  }

  increment(key: string, by: number, ttl: number, idle: number): number | undefined {
    const { cache, draft, meta } = this
    for (;;) {
      const seen = this.read(key, false)
      if (seen !== undefined && (meta[0] !== Kind.number || seen !== 8)) return Number.NaN
      const next = (seen === undefined ? 0 : this.scratchNumbers[0]) + by
      // Reads leave the key in place.
      this.number[0] = next
      this.stageBytes(this.numberBytes, Kind.number)
      let status: number
      if (seen === undefined) {
        status = this.store(Mode.add, ttl, idle)
      } else {
        const [, , slot, location, generation] = meta
        if (!timesOf(cache, cache.shardOf(cache.key), draft)) continue
        draft.mode = UNCHANGED
        draft.extra = undefined
        draft.slot = slot
        draft.location = location
        draft.generation = generation
        status = write(cache, cache.shardOf(cache.key), draft)
      }
      if (status === Status.stored) {
        cache.count(Counter.incremented)
        return next
      }
      // Somebody else's change came between; theirs counts, ours comes after it.
      if (status !== Status.refused) return undefined
    }
  }

  has(key: string): boolean {
    const { cache } = this
    return cache.key.set(key) && has(cache, cache.shardOf(cache.key))
  }

  delete(key: string): boolean {
    const { cache } = this
    const removed = cache.key.set(key) && remove(cache, cache.shardOf(cache.key))
    if (removed) cache.count(Counter.deleted)
    return removed
  }

  take(key: string): string | number | undefined {
    const { cache } = this
    this.taken = undefined
    return cache.key.set(key) ? take(cache, cache.shardOf(cache.key), this, this.keepTaken) : undefined
  }

  touch(key: string, ttl: number, idle: number): boolean {
    const { cache } = this
    return cache.key.set(key) && touchTimes(cache, cache.shardOf(cache.key), this.dueIn(ttl), idle)
  }

  expiresIn(key: string): number {
    const { cache, draft } = this
    if (!cache.key.set(key) || !timesOf(cache, cache.shardOf(cache.key), draft)) return -1
    const due = Math.min(draft.due, draft.softDue)
    return due === Number.POSITIVE_INFINITY ? due : Math.max(0, due - cache.clock.exact())
  }

  isCurrent(slot: number, location: number, generation: number, world: number): boolean {
    const { cache } = this
    const perShard = cache.shards[0].buckets * SLOTS
    const number = Math.floor(slot / perShard)
    if (slot < 0 || number >= cache.shards.length) return false
    const home = cache.shards[number]
    const at = home.slotAt(slot % perShard)
    const segment = home.segmentOf(location)
    if (at < 0 || location < home.firstUnit || segment >= home.segments) return false
    // The slot before the generation: a location may come again only after the generation has moved on.
    const low = Atomics.load(home.words, at >> 2)
    if ((low & SLOT_STATE_MASK) !== SlotState.member || home.kernel.highOf(at, low) !== location) return false
    if (home.field(segment, Segment.generation) !== generation || cache.world() !== world) return false
    const w0 = home.words[location << 1]
    if ((w0 & RecordFlag.tags) === 0) return true
    // The record may have been replaced before its tags were read: then the slot says so now.
    return areTagsValid(cache, home, location, w0) && home.kernel.highOf(at, low) === location
  }

  writeEntry(key: string, value: string | Uint8Array, kind: number, mode: number, fields: EntryFields): number {
    const { cache, draft } = this
    if (!cache.key.set(key)) return Status.tooLarge
    if (typeof value === 'string') this.stageString(value)
    else this.stageBytes(value, kind)
    draft.mode = mode
    draft.due = this.dueIn(fields.ttl)
    draft.idleMs = fields.idle
    draft.softDue = fields.soft < 0 ? Number.POSITIVE_INFINITY : Math.min(this.dueIn(fields.soft), draft.due)
    const { cost, stamp, tags } = fields
    draft.extra = { cost, stamp, tags, lease: mode === Mode.fill ? fields.lease : 0 }
    return write(cache, cache.shardOf(cache.key), draft)
  }

  lookUp(key: string): string | number | undefined {
    const { cache } = this
    if (cache.key.set(key)) return lookUp(cache, cache.shardOf(cache.key), this)
    this.found.fill(0)
    return undefined
  }

  acquireLease(key: string, timeoutMs: number, early = false): number {
    const { cache } = this
    cache.key.set(key)
    return acquire(cache, cache.shardOf(cache.key), timeoutMs, early, this.found)
  }

  endLease(key: string, token: number, state: number, outcome: Uint8Array | undefined): void {
    const { cache } = this
    cache.key.set(key)
    endLease(cache, cache.shardOf(cache.key), token, state, outcome)
  }

  leaseState(token: number): number {
    return leaseState(this.cache, token)
  }

  leaseWord(token: number): number {
    return leaseWord(lineOf(token))
  }

  leaseValue(token: number): number {
    return leaseValue(token)
  }

  tagStamp(): number {
    return tagStamp(this.cache)
  }

  tagCounter(tag: string): number {
    const { cache } = this
    cache.key.set(tag)
    return cache.key.h & cache.tagMask
  }

  invalidateTags(counters: Uint32Array): void {
    invalidateTags(this.cache, counters)
  }

  get line(): number {
    return this.cache.me
  }

  count(counter: number, by: number): void {
    this.cache.countBy(counter, by)
  }

  setCounting(counting: boolean): void {
    this.cache.counting = counting
  }

  watchDepartures(watched: boolean): void {
    this.cache.departures.watch(watched)
  }

  takeDepartures(into: (number | string)[]): number {
    return this.cache.departures.take(into)
  }

  scan(cursor: number, limit: number, prefix: string, into: string[], all = false): number {
    return scan(this.cache, cursor, limit, prefix, into, all)
  }

  clear(): void {
    Atomics.add(this.cache.control, Control.world >> 2, 2)
    this.cache.count(Counter.cleared)
  }

  get size(): number {
    return size(this.cache)
  }

  counters(): Float64Array {
    const { cache } = this
    const sums = new Float64Array(COUNTERS)
    const lines = highWater(cache)
    for (let i = 0; i < lines * COUNTERS; i++) sums[i % COUNTERS] += cache.kernel.loadNumber(Control.counters + 8 * i)
    return sums
  }

  advance(milliseconds: number): void {
    this.cache.clock.advance(milliseconds)
  }

  now(): number {
    return this.cache.clock.exact()
  }

  maintain(): boolean {
    return maintain(this.cache)
  }

  tend(shard: number, ahead: number): number {
    return tend(this.cache, shard, ahead)
  }

  reclaim(shard: number): number {
    return reclaim(this.cache, shard)
  }

  reap(): void {
    reapAll(this.cache)
  }

  detach(): void {
    const { cache } = this
    dropChunks(cache)
    cache.clock.rest()
    if (process.platform !== 'linux') stopReportingExits(cache.control)
    releaseLine(cache)
    // Whoever goes on holding the engine does not hold the memory.
    cache.shards.length = 0
  }

  private store(mode: number, ttl: number, idle: number): number {
    const { cache, draft } = this
    draft.mode = mode
    draft.due = this.dueIn(ttl)
    draft.idleMs = idle
    draft.softDue = Number.POSITIVE_INFINITY
    draft.extra = undefined
    return write(cache, cache.shardOf(cache.key), draft)
  }

  private storeIf(ttl: number, idle: number, slot: number, location: number, generation: number): number {
    const { draft } = this
    draft.slot = slot
    draft.location = location
    draft.generation = generation
    return this.store(UNCHANGED, ttl, idle)
  }

  private dueIn(ttl: number): number {
    return ttl < 0 ? Number.POSITIVE_INFINITY : this.cache.clock.exact() + ttl
  }

  private stageBytes(bytes: Uint8Array, kind: number): void {
    const { draft, cache } = this
    const { key } = cache
    const { length } = bytes
    draft.kind = kind
    draft.length = length
    draft.bytes = bytes
    if (length > STAGED_BYTES) return
    for (let i = 0; i < length; i++) key.bytes[key.length + i] = bytes[i]
    draft.bytes = undefined
  }

  /** Strings are kept as ASCII where they are, else as UTF-8, and as UTF-16 where UTF-8 would lose a lone surrogate. */
  private stageString(value: string): void {
    const { draft, cache } = this
    const { key } = cache
    const { length } = value
    draft.bytes = undefined
    if (length * 3 > STAGE_BYTES) {
      this.encodeLong(value)
      return
    }
    draft.length = key.buffer.utf8Write(value, key.length, STAGE_BYTES)
    draft.kind = draft.length === length ? Kind.ascii : Kind.utf8
    if (draft.kind === Kind.utf8 && !value.isWellFormed()) {
      draft.length = key.buffer.ucs2Write(value, key.length, STAGE_BYTES)
      draft.kind = Kind.utf16
    }
  }

  private encodeLong(value: string): void {
    const { draft } = this
    const bytes = Buffer.from(value, 'utf8')
    const isAscii = bytes.length === value.length
    const isWhole = isAscii || value.isWellFormed()
    draft.bytes = isWhole ? bytes : Buffer.from(value, 'utf16le')
    draft.length = draft.bytes.length
    draft.kind = isAscii ? Kind.ascii : isWhole ? Kind.utf8 : Kind.utf16
  }
}

/** Byte values up to this size are copied behind the key, so that the record is written in whole words. */
const STAGED_BYTES = 256
