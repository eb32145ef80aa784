// One partition of the disk: opens its file, begins cold where what is there cannot be trusted, and begins again after a failure. Contract: used by the
// thread that owns it and by no other; no call ever throws or rejects for what happens on the disk, apart from `flush`, which rejects with
// OSTRAKA_ERR_DISK when what it promises cannot be kept: when neither the change nor the loss of everything could be written.
import path from 'node:path'
import { OstrakaError } from '../../errors.js'
import type { Hash64, Xxh64 } from './checksum.js'
import { Deadlines } from './deadlines.js'
import type { ClockSource } from './disk-clock.js'
import type { DiskFile, DiskIo } from './io.js'
import type { LogCounters, PutOutcome } from './log-counters.js'
import { MissedChanges } from './missed-changes.js'
import type { DiskEntry } from './record.js'
import { type DiskHit, EndedError, type RegionLog } from './region-log.js'
import { LEAST_REGIONS, type PartitionShape } from './shape.js'
import { beginEmpty, ColdError, type TakeOverOptions, takeOver } from './take-over.js'

export interface PartitionOptions {
  readonly io: DiskIo
  readonly folder: string
  readonly shape: PartitionShape
  readonly xxh64: Xxh64
  readonly clock: ClockSource
  readonly sync: boolean
  readonly strict: boolean
  readonly flushInterval: number
  readonly bytesPerDay: number
  /** Bytes that may wait for the file before values are refused. */
  readonly mostWaiting?: number
  readonly fenced: () => boolean
}

export interface PartitionStats {
  /** `loading`: up, and still finding out what the last owner has left. `resting`: failed, and to be tried again. */
  readonly state: 'loading' | 'up' | 'resting' | 'off'
  /** Of the last failure, or why it began cold; undefined: neither. */
  readonly reason: string | undefined
  readonly coldStart: string | undefined
  readonly failures: number
  readonly regions: { readonly used: number; readonly free: number }
  readonly entries: number
  readonly indexBytes: number
  readonly waitingBytes: number
  readonly counters: Readonly<LogCounters> | undefined
}

const MOST_WAITING = 8 * 2 ** 20
const FIRST_REST = 1000
const LONGEST_REST = 60_000
const LOOK_INTERVAL = 1000
/** Whoever opens it waits no longer; it comes up when the disk answers. */
const LONGEST_OPEN = 10_000

export const partitionFile = (folder: string, partition: number): string =>
  path.join(folder, `ostraka.partition-${partition}`)

export class Partition {
  readonly #options: PartitionOptions
  readonly #path: string
  #file: DiskFile | undefined
  #log: RegionLog | undefined
  #state: PartitionStats['state'] = 'resting'
  #reason: string | undefined
  #coldStart: string | undefined
  #failures = 0
  #rest = FIRST_REST
  #usable: number
  #epoch = 0
  #closed = false
  /** While the file is being opened. */
  #opening: Promise<void> | undefined
  readonly #missed = new MissedChanges()
  #timer: NodeJS.Timeout | undefined
  #look: NodeJS.Timeout | undefined
  /** Since a failure: whether the file was emptied, so that nothing in it can come back. */
  #emptied: Promise<Error | undefined> | undefined
  readonly #deadlines = new Deadlines()
  /** Resolves when all that the last owner has left is known, or given up. */
  loaded: Promise<void> = Promise.resolve()

  private constructor(options: PartitionOptions) {
    this.#options = options
    this.#path = partitionFile(options.folder, options.shape.partition)
    this.#usable = options.shape.regions
  }

  /** Never rejects: a disk that cannot be used shows in `stats()`. */
  static async open(options: PartitionOptions): Promise<Partition> {
    const partition = new Partition(options)
    await partition.#deadlines.within(partition.#open(), LONGEST_OPEN, () => {
      partition.#reason = 'the disk does not answer'
    })
    return partition
  }

  now(): number {
    return this.#log?.now() ?? Date.now()
  }

  stamp(): number {
    return this.#log?.stamp() ?? 0
  }

  async get(hash: Hash64, key: Uint8Array): Promise<DiskHit | undefined> {
    return this.#log?.get(hash, key)
  }

  /** As {@link RegionLog.put}; 'noRoom' while it rests. */
  put(hash: Hash64, entry: DiskEntry, reused: boolean): PutOutcome {
    if (this.#log) return this.#log.put(hash, entry, reused)
    this.#missed.key(hash)
    return 'noRoom'
  }

  remove(hash: Hash64): void {
    if (this.#log) this.#log.remove(hash)
    else this.#missed.key(hash)
  }

  invalidateTags(tags: readonly number[]): void {
    if (this.#log) this.#log.invalidateTags(tags)
    else this.#missed.tags(tags)
  }

  clear(): void {
    if (this.#log) this.#log.clear()
    else this.#missed.everything()
  }

  async flush(): Promise<void> {
    let cause: unknown
    if (this.#opening) await this.#deadlines.within(this.#opening, LONGEST_REST, () => {})
    if (this.#log !== undefined) {
      try {
        await this.#log.flush()
        return
      } catch (error) {
        cause = error
      }
    }
    // What could not be written must not come back after a restart: it cannot where nothing is left.
    const failure = this.#opening ? new Error('the disk does not answer') : await this.#emptied
    if (failure === undefined) return
    throw new OstrakaError(
      'OSTRAKA_ERR_DISK',
      `${this.#path} can be neither written nor emptied (${failure.message}): what it held may be read again after a restart`,
      { cause: cause ?? failure },
    )
  }

  stats(): PartitionStats {
    const log = this.#log
    return {
      state: this.#state,
      reason: this.#reason,
      coldStart: this.#coldStart,
      failures: this.#failures,
      regions: { used: log?.regions.used ?? 0, free: log?.regions.free ?? 0 },
      entries: log?.index.count ?? 0,
      indexBytes: log?.index.bytes ?? 0,
      waitingBytes: log?.appender.waiting ?? 0,
      counters: log?.counters,
    }
  }

  /** Writes everything and lets go of the file. What cannot be written is as after a crash. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    clearInterval(this.#look)
    await this.#deadlines.within(this.loaded, LONGEST_REST, () => {})
    try {
      if (this.#log) await this.#deadlines.within(this.#log.close(), LONGEST_REST, () => undefined)
    } catch {
      // It has failed, and was emptied if that was possible.
    }
    await this.#emptied
    this.#log?.end()
    this.#state = 'off'
    this.#reason ??= 'closed'
    const file = this.#file
    this.#file = undefined
    this.#log = undefined
    if (file)
      await this.#deadlines.within(
        file.close().catch(() => {}),
        LONGEST_REST,
        () => {},
      )
  }

  #open(): Promise<void> {
    const opening = this.#openFile().finally(() => {
      this.#opening = undefined
    })
    this.#opening = opening
    return opening
  }

  async #openFile(): Promise<void> {
    try {
      this.#file = await this.#options.io.open(this.#path)
      const options = this.#takeOverOptions(this.#file)
      try {
        // After a failure the file may hold what was deleted since.
        if (this.#failures > 0) throw new ColdError('new', this.#epoch)
        const { log, loaded } = await takeOver(options)
        this.#begin(log, 'loading')
        this.loaded = loaded.then(
          () => {
            if (this.#log === log) this.#state = 'up'
          },
          (error) => {
            log.fail(error as Error)
          },
        )
      } catch (error) {
        this.#noteCold(error as Error)
        this.#begin(await beginEmpty(options, this.#epoch + 1), 'up')
      }
      this.#rest = FIRST_REST
    } catch (error) {
      this.#failed(error as Error)
    }
  }

  #noteCold(error: Error): void {
    if (error instanceof ColdError) this.#epoch = Math.max(this.#epoch, error.epoch)
    if (error.message !== 'new') this.#coldStart = error.message
  }

  #begin(log: RegionLog, state: 'loading' | 'up'): void {
    this.#log = log
    // In the same turn: nothing is served in between.
    this.#missed.apply(log)
    this.#epoch = log.epoch
    this.#state = state
    this.#emptied = undefined
    this.#look = setInterval(() => this.#lookAtFile(), LOOK_INTERVAL)
    this.#look.unref()
  }

  #takeOverOptions(file: DiskFile): TakeOverOptions {
    const { mostWaiting = MOST_WAITING } = this.#options
    return { ...this.#options, mostWaiting, file, usable: this.#usable, onFailure: (error) => this.#failed(error) }
  }

  /** A file that was removed takes what is written to it, and nobody will ever find it. */
  #lookAtFile(): void {
    const log = this.#log
    this.#file?.linked().then(
      (linked) => {
        if (!linked) log?.fail(new Error('the file was removed'))
      },
      () => {},
    )
  }

  #failed(error: Error): void {
    const log = this.#log
    if (log) this.#epoch = Math.max(this.#epoch, log.epoch)
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') {
      this.#usable = Math.max(LEAST_REGIONS, Math.floor((log?.regions.used ?? this.#usable) / 2))
    }
    this.#log = undefined
    this.#failures++
    this.#reason = error.message
    clearInterval(this.#look)
    if (error instanceof EndedError) {
      // Another owner has it: it is not ours to empty.
      this.#state = 'off'
      this.#file?.close().catch(() => {})
      this.#file = undefined
      return
    }
    this.#state = 'resting'
    this.#emptied = this.#deadlines.within(this.#empty(), LONGEST_REST, () => new Error('the disk does not answer'))
    if (this.#closed) return
    this.#timer = setTimeout(() => this.#again(), this.#rest)
    this.#timer.unref()
    this.#rest = Math.min(this.#rest * 2, LONGEST_REST)
  }

  /** Takes away what the file holds; what went wrong, if that is impossible. */
  async #empty(): Promise<Error | undefined> {
    const { io, sync } = this.#options
    const file = this.#file
    this.#file = undefined
    try {
      if (file === undefined) throw new Error('it is not open')
      await file.resize(0)
      if (sync) await file.sync()
      return undefined
    } catch {
      try {
        await io.remove(this.#path)
        return undefined
      } catch (error) {
        const left = await io.readSmall(this.#path, 1).catch(() => 'unreadable')
        return left === undefined ? undefined : (error as Error)
      }
    } finally {
      await file?.close().catch(() => {})
    }
  }

  async #again(): Promise<void> {
    await this.#emptied
    if (!this.#closed) await this.#open()
  }
}
