// All partitions of a path, as one: takes the path, or waits for it, finds each key's partition, compresses. Contract: used by one thread; nothing here ever
// throws for what happens on the disk, apart from `flush` (OSTRAKA_ERR_DISK, see partition.ts). While another process holds the path every
// read is a miss and every write is refused; it is taken over within a second of its release, and what was changed meanwhile is gone from it, too.
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { OstrakaError } from '../../errors.js'
import { Codec, compress, decompress } from '../compression/compression.js'
import { type Hash64, halves, loadXxh64, type Xxh64 } from './checksum.js'
import { type ClockSource, systemClock } from './disk-clock.js'
import { type DiskIo, nodeIo } from './io.js'
import type { PutOutcome } from './log-counters.js'
import { MissedChanges } from './missed-changes.js'
import { Partition, type PartitionStats } from './partition.js'
import { PathLock, TOUCH_INTERVAL } from './path-lock.js'
import { type ProcessIdentity, thisProcess } from './process-identity.js'
import type { DiskEntry } from './record.js'
import type { DiskHit } from './region-log.js'
import { type StoreShape, shapeFor } from './shape.js'
import { newStore, readStoreFile, type StoreFacts, storeFile, writeStoreFile } from './store-file.js'

export interface DiskStoreOptions {
  readonly path: string
  readonly maxBytes: number
  /** In ms. */
  readonly flushInterval: number
  readonly strict: boolean
  readonly sync: boolean
  /** Most bytes written a day, beyond what fills it once; default: ten times `maxBytes`. */
  readonly bytesPerDay?: number
  readonly io?: DiskIo
  readonly clock?: ClockSource
}

export type DiskValue = Omit<DiskEntry, 'key' | 'codec' | 'rawLength'>

export interface DiskStoreStats {
  /** `up`: it holds the path. `waiting`: another process does. `off`: see `reason`. */
  readonly state: 'up' | 'waiting' | 'off'
  readonly reason: string | undefined
  /** Who holds the path, while waiting. */
  readonly holder: { readonly pid: number; readonly host: string } | undefined
  readonly shape: StoreShape | undefined
  readonly partitions: readonly PartitionStats[]
  readonly compression: { readonly values: number; readonly bytesBefore: number; readonly bytesAfter: number }
}

const POLL_INTERVAL = 250
const BUDGET = 10
/** From this length on Zstandard is worth its cost, where there is more than one core to pay it. */
const THOROUGH_FROM = 16 * 1024

export class DiskStore {
  readonly #options: DiskStoreOptions
  readonly #io: DiskIo
  readonly #clock: ClockSource
  readonly #xxh64: Xxh64
  readonly #lock: PathLock
  readonly #compression = { values: 0, bytesBefore: 0, bytesAfter: 0 }
  readonly #thorough = availableParallelism() > 2
  #state: DiskStoreStats['state'] = 'off'
  #reason: string | undefined
  #holder: ProcessIdentity | undefined
  #facts: StoreFacts | undefined
  readonly #missed = new MissedChanges()
  #partitions: readonly Partition[] = []
  #fenced = false
  /** Why a path that may hold something of ours cannot be used. */
  #unreachable: Error | undefined
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #busy: Promise<void> = Promise.resolve()

  private constructor(options: DiskStoreOptions, xxh64: Xxh64) {
    this.#options = options
    this.#io = options.io ?? nodeIo
    this.#clock = options.clock ?? systemClock()
    this.#xxh64 = xxh64
    const { uptime } = this.#clock
    this.#lock = new PathLock({
      io: this.#io,
      folder: options.path,
      me: thisProcess(),
      now: () => uptime.call(this.#clock),
    })
  }

  /** Never rejects for what the disk does; `stats()` tells. */
  static async open(options: DiskStoreOptions): Promise<DiskStore> {
    const store = new DiskStore(options, await loadXxh64())
    await store.#tryToHold()
    return store
  }

  /** Resolves when all that was there is known. */
  async loaded(): Promise<void> {
    await Promise.all(this.#partitions.map(({ loaded }) => loaded))
  }

  async get(key: Uint8Array): Promise<(DiskValue & { readonly uses: number }) | undefined> {
    const hash = this.#hash(key)
    const hit = hash && (await this.#partition(hash)?.get(hash, key))
    return hit && this.#unpack(hit)
  }

  /** Keeps a value if it is worth it; whatever comes of it, no older one is left. */
  put(key: Uint8Array, value: DiskValue, reused: boolean): PutOutcome {
    const hash = this.#hash(key)
    const partition = hash && this.#partition(hash)
    if (!hash || !partition) {
      this.#miss(hash)
      return 'noRoom'
    }
    const packed = compress(value.value, this.#thorough && value.value.length >= THOROUGH_FROM)
    if (packed.codec !== Codec.none) {
      this.#compression.values++
      this.#compression.bytesBefore += value.value.length
      this.#compression.bytesAfter += packed.bytes.length
    }
    const { codec, rawLength, bytes } = packed
    const { kind, expiry, soft, tags, stamp } = value
    return partition.put(hash, { key, value: bytes, kind, codec, rawLength, expiry, soft, tags, stamp }, reused)
  }

  remove(key: Uint8Array): void {
    const hash = this.#hash(key)
    const partition = hash && this.#partition(hash)
    if (hash && partition) partition.remove(hash)
    else this.#miss(hash)
  }

  #miss(hash: Hash64 | undefined): void {
    if (hash) this.#missed.key(hash)
    // Without the store's seed nobody knows which key it would be there.
    else this.#missed.everything()
  }

  /** For values of this key whose data are read from now on. */
  stamp(key: Uint8Array): number {
    const hash = this.#hash(key)
    return (hash && this.#partition(hash)?.stamp()) ?? 0
  }

  /** On the clock that expiries of this key's values are kept on, in ms since 1970. */
  now(key: Uint8Array): number {
    const hash = this.#hash(key)
    return (hash && this.#partition(hash)?.now()) ?? this.#clock.wall()
  }

  /** The counter that stands for a tag, here and after every restart. */
  tagCounter(tag: string): number {
    const facts = this.#facts
    return facts ? Number(this.#xxh64(Buffer.from(tag), facts.seed) % BigInt(facts.shape.tagCounters)) : 0
  }

  invalidateTags(counters: readonly number[]): void {
    for (const partition of this.#partitions) partition.invalidateTags(counters)
    if (this.#partitions.length > 0) return
    if (this.#facts) this.#missed.tags(counters)
    else this.#missed.everything()
  }

  clear(): void {
    for (const partition of this.#partitions) partition.clear()
    if (this.#partitions.length === 0) this.#missed.everything()
  }

  /** Resolves when all that was done before is in the files (with `sync`: on the disk), or can never be read. Rejects with OSTRAKA_ERR_DISK. */
  async flush(): Promise<void> {
    if (this.#unreachable !== undefined && this.#missed.any) {
      throw new OstrakaError(
        'OSTRAKA_ERR_DISK',
        `${this.#options.path} cannot be reached (${this.#unreachable.message}): what it held may be read again after a restart`,
        { cause: this.#unreachable },
      )
    }
    const flushed = await Promise.allSettled(this.#partitions.map((partition) => partition.flush()))
    for (const result of flushed) if (result.status === 'rejected') throw result.reason as OstrakaError
  }

  stats(): DiskStoreStats {
    const holder =
      this.#state === 'waiting' && this.#holder ? { pid: this.#holder.pid, host: this.#holder.host } : undefined
    return {
      state: this.#state,
      reason: this.#reason,
      holder,
      shape: this.#facts?.shape,
      partitions: this.#partitions.map((partition) => partition.stats()),
      compression: { ...this.#compression },
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#busy
    await this.#letGo('closed')
    await this.#lock.release().catch(() => {})
  }

  async #letGo(reason: string): Promise<void> {
    const partitions = this.#partitions
    await Promise.all(partitions.map((partition) => partition.close()))
    this.#partitions = []
    this.#state = 'off'
    this.#reason = reason
  }

  #again(milliseconds: number, work: () => Promise<void>): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      this.#busy = work()
    }, milliseconds)
    this.#timer.unref()
  }

  async #tryToHold(): Promise<void> {
    try {
      await this.#io.makeFolder(this.#options.path)
      this.#holder = await this.#lock.take()
      if (this.#holder !== undefined) {
        this.#state = 'waiting'
        this.#reason = `process ${this.#holder.pid} on ${this.#holder.host} uses ${this.#options.path}`
        await this.#readFacts()
        this.#again(POLL_INTERVAL, () => this.#tryToHold())
        return
      }
      await this.#begin()
      this.#unreachable = undefined
      this.#again(TOUCH_INTERVAL, () => this.#touch())
    } catch (error) {
      this.#state = 'off'
      this.#reason = (error as Error).message
      this.#unreachable = (await this.#holdsNothing(error)) ? undefined : (error as Error)
      await this.#lock.release().catch(() => {})
      // A folder may become usable; one that is somebody else's will not.
      if (!(error instanceof ForeignError)) this.#again(60_000, () => this.#tryToHold())
    }
  }

  /** Whether the path cannot hold anything that a later process would read. */
  async #holdsNothing(error: unknown): Promise<boolean> {
    if (error instanceof ForeignError) return true
    try {
      return (await readStoreFile(this.#io, this.#options.path, this.#xxh64)) === 'absent'
    } catch (failure) {
      return (failure as NodeJS.ErrnoException).code === 'ENOTDIR'
    }
  }

  /** By which keys are known that change while another process holds the path. */
  async #readFacts(): Promise<void> {
    const found = await readStoreFile(this.#io, this.#options.path, this.#xxh64)
    if (typeof found !== 'object') return
    if (this.#facts !== undefined && this.#facts.id !== found.id) this.#missed.everything()
    this.#facts = found
  }

  async #begin(): Promise<void> {
    const { path: folder, maxBytes, bytesPerDay = BUDGET * maxBytes } = this.#options
    const found = await readStoreFile(this.#io, folder, this.#xxh64)
    if (found === 'foreign') throw new ForeignError(`${storeFile(folder)} is not a file of Ostraka`)
    const wanted = shapeFor(maxBytes)
    const usable = typeof found === 'object' && sameShape(found.shape, wanted)
    const facts = usable ? found : newStore(wanted, this.#clock.wall())
    if (!usable) {
      await this.#removePartitions()
      await writeStoreFile(this.#io, folder, facts, this.#xxh64)
    }
    if (usable && this.#facts !== undefined && this.#facts.id !== facts.id) this.#missed.everything()
    this.#facts = facts
    this.#fenced = false
    const partitions = await Promise.all(
      Array.from({ length: facts.shape.partitions }, (_, partition) =>
        Partition.open({
          ...this.#options,
          io: this.#io,
          folder,
          shape: { ...facts.shape, store: facts.id, partition },
          xxh64: this.#xxh64,
          clock: this.#clock,
          bytesPerDay: bytesPerDay / facts.shape.partitions,
          fenced: () => this.#fenced,
        }),
      ),
    )
    this.#partitions = partitions
    // In the same turn as the partitions appear: nothing is served in between.
    const known = (hash: Hash64) => this.#partition(hash)?.remove(hash)
    const missed = this.#missed.apply({
      remove: known,
      invalidateTags: (counters) => this.invalidateTags(counters),
      clear: () => this.clear(),
    })
    this.#state = 'up'
    this.#unreachable = undefined
    if (missed) await this.flush()
    this.#reason = typeof found === 'string' && found !== 'absent' ? `began anew: ${reasons[found]}` : undefined
  }

  async #removePartitions(): Promise<void> {
    const { path: folder } = this.#options
    for (const name of await this.#io.list(folder)) {
      if (/^ostraka\.partition-\d+$/.test(name)) await this.#io.remove(path.join(folder, name))
    }
  }

  async #touch(): Promise<void> {
    const held = await this.#lock.touch().catch(() => true)
    if (held) {
      this.#again(TOUCH_INTERVAL, () => this.#touch())
      return
    }
    // It was taken for dead, and somebody else goes on.
    this.#fenced = true
    await this.#letGo('another process has taken the path over')
    this.#again(POLL_INTERVAL, () => this.#tryToHold())
  }

  #hash(key: Uint8Array): Hash64 | undefined {
    return this.#facts && halves(this.#xxh64(key, this.#facts.seed))
  }

  #partition({ high }: Hash64): Partition | undefined {
    // Bits that the index of a partition does not look at.
    return this.#partitions[(high & 0xffff) % this.#partitions.length]
  }

  #unpack(hit: DiskHit): (DiskValue & { readonly uses: number }) | undefined {
    const value = decompress({ codec: hit.codec, rawLength: hit.rawLength, bytes: hit.value })
    const { kind, expiry, soft, tags, stamp, uses } = hit
    return value && { value, kind, expiry, soft, tags, stamp, uses }
  }
}

class ForeignError extends Error {}

const reasons = { damaged: 'what was there is damaged', version: 'what was there is of another version' } as const

function sameShape(one: StoreShape, other: StoreShape): boolean {
  return (Object.keys(other) as (keyof StoreShape)[]).every((name) => one[name] === other[name])
}
