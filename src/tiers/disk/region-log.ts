// The log of one partition: an append-only log in regions of a file, and in memory where each key's newest record lies (docs/disk-format.md).
//
// Contract. One instance a partition, used by the thread that owns it and by no other. `put`, `remove`, `invalidateTags` and `clear` are synchronous and
// hold for every later `get` at once; they reach the file within the flush interval, or before `flush` resolves. A crash may bring back what they
// changed since the last flush, and nothing else: never what was changed before it, whatever region was emptied meanwhile. What cannot be read back
// whole, of this key and in time is a miss, counted by reason. The first write that fails ends the log: `onFailure` is told, and from then on it
// holds nothing; partition.ts begins again.
import { Admission } from './admission.js'
import { Appender } from './appender.js'
import type { Hash64, Xxh64 } from './checksum.js'
import { Deadlines } from './deadlines.js'
import type { DiskClock } from './disk-clock.js'
import type { DiskFile } from './io.js'
import { noCounts, type PutOutcome } from './log-counters.js'
import { headerBytes, type PartitionHeader, type RegionRow } from './partition-header.js'
import { PlaceIndex } from './place-index.js'
import {
  type DiskEntry,
  type DiskRecord,
  epochOf,
  MAX_TAGS,
  RecordType,
  recordBytes,
  sequenceOf,
  tagsRecord,
  tombstoneRecord,
  UNIT,
  valueRecord,
} from './record.js'
import { RecordReader } from './record-reader.js'
import type { FooterEntry } from './region-format.js'
import type { Region, Regions } from './regions.js'
import { mostRecordBytes, type PartitionShape, regionsAt } from './shape.js'
import { checkpointBytes, type TagTable } from './tag-table.js'
import { Batches } from './turns.js'

export interface DiskHit extends DiskEntry {
  /** How often it was read from here, this time not counted, up to 3. */
  readonly uses: number
}

export interface LogOptions {
  readonly file: DiskFile
  readonly shape: PartitionShape
  readonly clock: DiskClock
  readonly xxh64: Xxh64
  /** Everything that is promised survives a loss of power. */
  readonly sync: boolean
  /** In ms. */
  readonly flushInterval: number
  readonly bytesPerDay: number
  /** So many bytes may wait for the file before values are refused; twice as many before everything is given up in place of one more tombstone. */
  readonly mostWaiting: number
  /** The header as the taking over has stored it. */
  readonly header: PartitionHeader
  /** Stores a header, durably if `sync`. */
  readonly storeHeader: (header: PartitionHeader) => Promise<void>
  readonly storeTags: (tags: TagTable, epoch: number) => Promise<void>
  readonly tags: TagTable
  readonly regions: Regions
  /** True once another owner has taken the partition over: nothing is written any more. */
  readonly fenced: () => boolean
  readonly onFailure: (error: Error) => void
}

/** So many wait before they are written ahead of time. */
const WRITE_AHEAD = 2 ** 18
/** A write that takes longer ends the log. In ms. */
const LONGEST_WRITE = 30_000
/** A new epoch begins before a count within one is used up. */
const EPOCH_AGES = 2 ** 31
const LIFETIMES = [86_400_000, 600_000]

export class RegionLog {
  readonly counters = noCounts()
  readonly index: PlaceIndex
  readonly regions: Regions
  readonly appender: Appender
  /** What the file held before is not all known yet: only what was put since is served. */
  loading = true
  /** Nothing more is done. */
  ended = false
  epoch: number
  readonly #options: LogOptions
  readonly #admission: Admission
  readonly #batches = new Batches(() => this.#writeBatch())
  readonly #deadlines = new Deadlines()
  readonly #reader: RecordReader
  readonly #tags: TagTable
  #header: PartitionHeader
  #headerChanged = false
  #storedFloor: number
  #count = 0
  #timer: NodeJS.Timeout | undefined
  #emptying: Promise<void> | undefined
  #closing = false
  /** Set by reclaim.ts: empties one region; false when there is none to empty. */
  emptyOne: (() => Promise<boolean>) | undefined

  constructor(options: LogOptions) {
    const { shape, clock, xxh64, header } = options
    this.#options = options
    this.#header = header
    this.#storedFloor = header.floor
    this.#tags = options.tags
    this.epoch = header.epoch
    this.index = new PlaceIndex(spreadFor(shape), true)
    this.regions = options.regions
    this.appender = new Appender(shape, this.regions, xxh64, () => clock.now(), header.epoch)
    this.#reader = new RecordReader({ ...options, appender: this.appender, counters: this.counters })
    const capacity = shape.regions * shape.regionBytes
    this.#admission = new Admission(options.bytesPerDay, capacity, () => clock.now())
  }

  /** The disk's clock, in ms since 1970. */
  now(): number {
    return this.#options.clock.now()
  }

  /** For values whose data are read from now on: what is invalidated after it makes them absent. */
  stamp(): number {
    return sequenceOf(this.epoch, this.#count)
  }

  /** Keeps a value, if it is worth it: `reused` says that its key has been used again lately. */
  put(hash: Hash64, entry: DiskEntry, reused: boolean): PutOutcome {
    if (this.ended) return this.#refuse('noRoom')
    const known = this.index.find(hash) || this.loading
    const outcome = this.#tryPut(hash, entry, reused, known)
    if (outcome === 'stored') return outcome
    if (known) this.remove(hash)
    return this.#refuse(outcome)
  }

  #tryPut(hash: Hash64, entry: DiskEntry, reused: boolean, known: boolean): PutOutcome {
    const { shape } = this.#options
    if (!this.#tags.isValid(entry.tags, entry.stamp)) return 'outdated'
    const record = valueRecord(hash, this.#next(), known, entry)
    const bytes = recordBytes(record)
    if (bytes > mostRecordBytes(shape)) return 'tooLarge'
    if (this.appender.waiting + bytes > this.#options.mostWaiting) return 'busy'
    if (!this.#admission.admits(hash, bytes, reused, this.regions.free > shape.regions / 8)) return 'notAdmitted'
    const location = this.appender.append(record, this.#lifetime(entry.expiry), false)
    this.#tend()
    if (location === undefined) return 'noRoom'
    this.bind(hash, location, bytes, false, record.sequence)
    this.counters.stored++
    this.counters.bytesStored += bytes
    return 'stored'
  }

  #refuse(outcome: Exclude<PutOutcome, 'stored'>): PutOutcome {
    this.counters.refused[outcome]++
    return outcome
  }

  /** The key is gone. Writes nothing when the disk holds nothing of it. */
  remove(hash: Hash64): void {
    if (this.ended) return
    if (this.index.find(hash) ? !this.index.buried : this.loading) this.#bury(hash)
  }

  #bury(hash: Hash64): void {
    const record = tombstoneRecord(hash, this.#next(), this.regions.lastLife)
    const location = this.#urgent(record)
    if (location === undefined) return
    this.counters.tombstones++
    this.bind(hash, location, recordBytes(record), true, record.sequence)
  }

  /** Appends what must not be lost. Where that is impossible everything is given up, which needs no room: undefined. */
  #urgent(record: DiskRecord): number | undefined {
    const fits = this.appender.waiting <= 2 * this.#options.mostWaiting
    const location = fits ? this.appender.append(record, 0, true) : undefined
    this.#tend()
    if (location === undefined) {
      this.counters.floors++
      this.clear()
    }
    return location
  }

  /** Every value with one of these tags, and with a stamp from before this call, is gone. */
  invalidateTags(tags: readonly number[]): void {
    if (this.ended || tags.length === 0) return
    const sequence = this.#next()
    this.#tags.raise(tags, sequence)
    for (let first = 0; first < tags.length; first += MAX_TAGS) {
      const some = tags.slice(first, first + MAX_TAGS)
      const record = tagsRecord(sequence, some)
      if (this.#urgent(record) === undefined) return
    }
  }

  /** Everything is gone. */
  clear(): void {
    if (this.ended) return
    this.index.clear()
    for (const region of this.regions.all) region.live = 0
    this.#header = { ...this.#header, floor: this.#next() }
    this.#headerChanged = true
    this.#tend()
  }

  async get(hash: Hash64, key: Uint8Array): Promise<DiskHit | undefined> {
    const hit = await this.#find(hash, key)
    if (hit === undefined) this.counters.misses++
    else this.counters.hits++
    return hit
  }

  async #find(hash: Hash64, key: Uint8Array): Promise<DiskHit | undefined> {
    // A record may be copied elsewhere while it is read; then it is looked for again.
    for (let look = 0; look < 4; look++) {
      if (this.ended || !this.index.find(hash) || this.index.dead) return undefined
      if (this.loading && epochOf(this.index.sequence) !== this.epoch) return undefined
      const { location, most } = this.index
      const region = this.regions.region(location)
      const { life } = region
      const record = await this.#reader.at(location, most)
      if (this.ended || !this.index.find(hash)) return undefined
      if (this.index.location !== location || region.life !== life || this.index.dead) continue
      if (record === 'failed') return undefined
      if (record === undefined) {
        this.counters.corrupt++
        this.killCurrent()
        return undefined
      }
      if (!sameBytes(record.key, key)) {
        this.counters.collisions++
        return undefined
      }
      const why = this.whyDead(record)
      if (why !== undefined) {
        this.counters[why]++
        return undefined
      }
      const uses = this.index.frequency
      this.index.use()
      const { value, kind, codec, rawLength, expiry, soft, tags, stamp } = record
      return { key, value, kind, codec, rawLength, expiry, soft, tags, stamp, uses }
    }
    return undefined
  }

  /** Why a value that is whole is not served; undefined when it is. */
  whyDead(record: DiskRecord): 'expired' | 'outdated' | undefined {
    if (record.type !== RecordType.value || record.sequence < this.#header.floor) return 'outdated'
    if (record.expiry <= this.now()) return 'expired'
    if (record.expiry !== Infinity && epochOf(record.sequence) < this.#header.expiringFloor) return 'expired'
    return this.#tags.isValid(record.tags, record.stamp) ? undefined : 'outdated'
  }

  /** Resolves when everything that was done before is in the file, and, with `sync`, on the disk. Rejects when it cannot be. */
  async flush(): Promise<void> {
    if (this.ended) throw new EndedError('the log has ended')
    await this.#batches.run()
  }

  async #writeBatch(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.assertOwned()
    try {
      await this.#bounded(this.#write())
    } catch (error) {
      throw this.fail(error as Error)
    }
    if (this.appender.waiting > 0 || this.#headerChanged) this.#tend()
    else this.tendRegions()
  }

  #bounded<T>(work: Promise<T>): Promise<T> {
    return this.#deadlines.within(work, LONGEST_WRITE, () => {
      throw new Error(`the disk has not answered for ${LONGEST_WRITE / 1000} s`)
    })
  }

  async #write(): Promise<void> {
    const { file, shape, sync } = this.#options
    const writes = this.appender.freeze()
    // Before the footers that make a restart skip the records which say the same.
    if (this.#tags.changed && writes.some(({ region }) => region.state === 'sealed')) {
      await this.#storeTags()
      this.#assertGoing()
    }
    // Before anything that was appended after it and takes it for granted.
    if (this.#headerChanged) await this.storeHeader({})
    this.#assertGoing()
    const base = regionsAt(shape)
    let bytes = 0
    for (const { region, at, chunks } of writes) {
      const parts = chunks.map((chunk) => chunk.bytes.subarray(0, chunk.used))
      await file.write(parts, base + region.number * shape.regionBytes + at)
      this.#assertGoing()
      for (const { length } of parts) bytes += length
    }
    if (sync && bytes > 0) await file.sync()
    this.appender.written(writes)
    this.counters.bytesWritten += bytes
    this.counters.flushes++
  }

  async #storeTags(): Promise<void> {
    this.#tags.changed = false
    await this.#options.storeTags(this.#tags, this.epoch)
    this.counters.bytesWritten += 2 * checkpointBytes(this.#options.shape.tagCounters)
  }

  /** A disk may answer when nobody waits for it any more. */
  #assertGoing(): void {
    if (this.ended) throw new EndedError('the log has ended')
  }

  /** Throws unless this owner may still write. */
  assertOwned(): void {
    this.#assertGoing()
    if (this.#options.fenced()) throw this.fail(new EndedError('another owner has taken over'))
  }

  /** Stores the header with these changes, and what is known of all regions. */
  async storeHeader(changes: Partial<PartitionHeader>): Promise<void> {
    const { clock, storeHeader } = this.#options
    this.#headerChanged = false
    const header = {
      ...this.#header,
      ...changes,
      number: this.#header.number + 1,
      regions: this.#rows(),
      wall: clock.now(),
      uptime: clock.uptime(),
    }
    this.#header = header
    await storeHeader(header)
    this.counters.bytesWritten += 2 * headerBytes(header.regions.length)
    this.#storedFloor = Math.max(this.#storedFloor, header.floor)
  }

  #rows(): RegionRow[] {
    const all = this.#options.shape.regionBytes / UNIT
    return this.regions.all.map(({ life, state, units, sealer }) => ({
      life,
      units: state === 'open' ? all : units,
      sealer,
    }))
  }

  /** Whether everything in the region was given up, and the file says so. */
  isForgotten(region: Region): boolean {
    return region.newest < this.#storedFloor && !this.loading
  }

  /** Ends the log for good. */
  fail(error: Error): Error {
    if (this.ended) return error
    this.end()
    this.#options.onFailure(error)
    return error
  }

  end(): void {
    this.ended = true
    clearTimeout(this.#timer)
    this.index.clear()
  }

  /** Writes everything, says in the header that nothing is missing, and ends. */
  async close(): Promise<void> {
    const { file } = this.#options
    this.#closing = true
    await this.#emptying
    if (this.ended) return
    this.appender.sealAll()
    if (this.#tags.changed) await this.#storeTags()
    await this.flush()
    // Whether they can be trusted after a loss of power is asked of the header; so first what it vouches for.
    await file.sync()
    await this.storeHeader({ clean: true })
    await file.sync()
    this.end()
  }

  /** Binds the key to a record; the count of live entries follows. */
  bind(hash: Hash64, location: number, bytes: number, dead: boolean, sequence: number): void {
    if (this.index.find(hash) && !this.index.dead) this.regions.region(this.index.location).live--
    this.index.put(hash, location, bytes, dead, sequence)
    if (!dead) this.regions.region(location).live++
  }

  killCurrent(): void {
    if (!this.index.dead) this.regions.region(this.index.location).live--
    this.index.kill()
  }

  /** Takes in what a footer or a scan says was there before. */
  admitFound(entry: FooterEntry, region: Region): void {
    region.newest = Math.max(region.newest, entry.sequence)
    if (entry.type === RecordType.tags || entry.sequence < this.#header.floor) return
    if (this.index.find(entry.hash) && this.index.sequence >= entry.sequence) return
    const location = this.regions.location(region, entry.unit * UNIT)
    this.bind(entry.hash, location, entry.bytes, entry.type === RecordType.tombstone, entry.sequence)
  }

  /** All that was there is known. */
  loaded(): void {
    this.index.forgetSequences()
    this.loading = false
    this.#tend()
  }

  #next(): number {
    this.#count++
    if (this.#count > EPOCH_AGES) this.#renew()
    return sequenceOf(this.epoch, this.#count)
  }

  /** Begins a new epoch as the same owner, so that counts never run out. Its header reaches the file before anything of the epoch. */
  #renew(): void {
    this.epoch++
    this.appender.epoch = this.epoch
    this.#count = 1
    this.#header = { ...this.#header, epoch: this.epoch }
    this.#headerChanged = true
  }

  #lifetime(expiry: number): number {
    const left = expiry - this.now()
    let lifetime = 0
    while (lifetime + 1 < this.#options.shape.lifetimes && left < (LIFETIMES[lifetime] ?? 0)) lifetime++
    return lifetime
  }

  /** What goes on in the background: writing within the interval, and emptying regions before there is none left. */
  #tend(): void {
    if (this.ended) return
    if (this.appender.waiting >= WRITE_AHEAD) this.#batches.run().catch(() => {})
    else if (this.#timer === undefined) {
      this.#timer = setTimeout(() => this.#batches.run().catch(() => {}), this.#options.flushInterval)
      this.#timer.unref()
    }
    this.tendRegions()
  }

  /** Keeps some regions free. */
  tendRegions(): void {
    const { shape } = this.#options
    const wanted = Math.max(3 + shape.lifetimes, Math.floor(shape.regions / 32))
    if (this.#emptying || this.loading || this.ended || this.#closing || this.regions.free >= wanted || !this.emptyOne)
      return
    const emptyOne = this.emptyOne
    this.#emptying = (async () => {
      try {
        while (!this.#closing && this.regions.free < wanted && (await this.#bounded(emptyOne())));
      } catch (error) {
        if (!(error instanceof EndedError)) this.fail(error as Error)
      } finally {
        this.#emptying = undefined
      }
    })()
  }
}

/** What was asked cannot be done because the log has ended. */
export class EndedError extends Error {}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0
}

/** Tables of some thousand keys each, at a mean record of 512 bytes. */
function spreadFor(shape: PartitionShape): number {
  const keys = (shape.regions * shape.regionBytes) / 512
  return Math.max(0, Math.min(12, Math.round(Math.log2(keys / 4096))))
}
