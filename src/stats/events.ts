// What happened lately: a bounded ring of events in shared memory, over all threads, and the slow log, which is a part of it. Touches the ring, its
// settings in the header, and the diagnostics channel 'ostraka:slow'.
import { channel } from 'node:diagnostics_channel'
import { OstrakaError } from '../errors.js'
import { durationHint, parseDuration } from '../options/units.js'
import { show } from '../options/validate.js'
import { KeyedRing } from './keyed-ring.js'
import { Header } from './layout.js'
import type { Observed } from './observed.js'

/**
 * `slow`: an operation or load took longer than the threshold. `failed`: a loader failed. `load`: one came to its end, of the share that is told.
 * `clear`, `invalidate`: all entries, or those of a tag (which stands in `key`), were dropped. `level`: the level was changed.
 */
export type EventType = 'slow' | 'failed' | 'load' | 'clear' | 'invalidate' | 'level'
export const eventTypes = [
  'slow',
  'failed',
  'load',
  'clear',
  'invalidate',
  'level',
] as const satisfies readonly EventType[]

export const operations = ['get', 'set', 'delete', 'load', 'wait', 'getMany'] as const
export type Operation = (typeof operations)[number]

/** One event. */
export interface CacheEvent {
  readonly type: EventType
  /** In ms since 1970. */
  readonly at: number
  /** `threadId` of the thread where it happened. */
  readonly thread: number
  /** As its user writes it; for 'invalidate' the tag, for 'level' the level. Cut where it is longer than 88 bytes, its namespace included. */
  readonly key: string
  readonly namespace: string | undefined
  /** What took so long. */
  readonly operation: Operation | undefined
  /** 0 where nothing was timed. */
  readonly milliseconds: number
  /** Resident memory of the process at the time, at most a tenth of a second old. */
  readonly rssBytes: number
}

/** Which events, of the newest. */
export interface EventFilter {
  /** At most so many, the newest first. Default 50. */
  limit?: number | undefined
  types?: readonly EventType[] | undefined
  /** Keys that begin with it. */
  prefix?: string | undefined
  namespace?: string | undefined
}

/** On 'ostraka:slow', in the thread where it was slow. */
export interface SlowOperation {
  readonly cache: string
  readonly key: string
  readonly namespace: string | undefined
  readonly operation: Operation
  readonly milliseconds: number
}

const slowChannel = channel('ostraka:slow')
const DEFAULT_SLOW_MS = 100
const RSS_AGE_MS = 100
/** Shares are kept in so many parts. */
const WHOLE = 2 ** 20

/** How keys are told: the cache's name, and what a key in memory is to its user. */
export interface CacheNames {
  readonly cache: string
  readonly split: (stored: string) => { readonly key: string; readonly namespace: string | undefined }
}

export class EventLog {
  readonly #ring: KeyedRing
  readonly #observed: Observed
  readonly #about: CacheNames
  #rss = 0
  #rssAt = -Infinity

  /** Not for users: `cache.events` is one. */
  constructor(observed: Observed, about: CacheNames) {
    this.#ring = new KeyedRing(observed.buffer, observed.layout.events, observed.header, Header.events)
    this.#observed = observed
    this.#about = about
  }

  /** Milliseconds; what is timed and takes longer is in the slow log. Default 100. Of operations on memory only the sample is timed, unless the level is 'full'. */
  get slowerThan(): number {
    const microseconds = Atomics.load(this.#observed.header, Header.slowMicroseconds)
    return microseconds === 0 ? DEFAULT_SLOW_MS : microseconds / 1000
  }

  /** For all threads: from 1 µs to half an hour. Throws OSTRAKA_ERR_INVALID_ARGUMENT. */
  set slowerThan(duration: number | string) {
    const milliseconds = parseDuration(duration)
    if (milliseconds === undefined || milliseconds < 0.001 || milliseconds > 30 * 60_000) {
      const message = `slowerThan is from 0.001 ms to 30 minutes, got ${show(duration)}; use ${durationHint}`
      throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', message)
    }
    Atomics.store(this.#observed.header, Header.slowMicroseconds, Math.round(milliseconds * 1000))
  }

  /** The share of loads, neither slow nor failed, that is told as 'load': 0 (default) to 1. */
  get loadShare(): number {
    return Atomics.load(this.#observed.header, Header.loadShare) / WHOLE
  }

  set loadShare(share: number) {
    if (typeof share !== 'number' || !(share >= 0 && share <= 1)) {
      throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', `loadShare is a number from 0 to 1, got ${show(share)}`)
    }
    Atomics.store(this.#observed.header, Header.loadShare, Math.round(share * WHOLE))
  }

  /** How many events there ever were; the newest 512 (fewer in small caches) are kept. */
  get count(): number {
    return this.#ring.count
  }

  /** The thread's last handle is closed. */
  release(): void {
    this.#ring.release()
  }

  note(type: EventType, key: string, milliseconds = 0, operation = -1): void {
    const now = performance.now()
    if (now - this.#rssAt > RSS_AGE_MS) {
      this.#rss = process.memoryUsage.rss()
      this.#rssAt = now
    }
    this.#ring.put(eventTypes.indexOf(type) + (operation + 1) * 256, key, milliseconds, this.#rss)
  }

  /** Something was timed; `operation` as in `operations`. */
  timed(operation: number, key: string, milliseconds: number): void {
    if (milliseconds < this.slowerThan) return
    this.note('slow', key, milliseconds, operation)
    if (!slowChannel.hasSubscribers) return
    const told: SlowOperation = {
      cache: this.#about.cache,
      ...this.#about.split(key),
      operation: operations[operation] as Operation,
      milliseconds,
    }
    slowChannel.publish(told)
  }

  /** A load has come to its end. */
  loaded(key: string, milliseconds: number, failed: boolean): void {
    const load = operations.indexOf('load')
    if (failed) this.note('failed', key, milliseconds, load)
    else if (this.loadShare > Math.random()) this.note('load', key, milliseconds, load)
    this.timed(load, key, milliseconds)
  }

  /** The newest events first, those that the filter asks for. */
  recent(filter: EventFilter | number = {}): CacheEvent[] {
    const { limit = 50, types, prefix = '', namespace } = typeof filter === 'number' ? { limit: filter } : filter
    if (typeof limit !== 'number' || !(limit >= 0)) {
      throw new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', `limit is a number from 0 on, got ${show(limit)}`)
    }
    const found: CacheEvent[] = []
    const end = this.#ring.count
    for (let back = 1; back <= Math.min(end, this.#ring.length) && found.length < limit; back++) {
      const event = this.#event(end - back)
      if (event === undefined || !event.key.startsWith(prefix)) continue
      if (types !== undefined && !types.includes(event.type)) continue
      if (namespace === undefined || event.namespace === namespace) found.push(event)
    }
    return found
  }

  #event(sequence: number): CacheEvent | undefined {
    const record = this.#ring.read(sequence)
    if (record === undefined) return undefined
    const type = eventTypes[record.type & 255]
    if (type === undefined) return undefined
    const { at, thread, first, second } = record
    const operation = operations[(record.type >> 8) - 1]
    const names = this.#about.split(record.key)
    return { type, at, thread, ...names, operation, milliseconds: first, rssBytes: second }
  }
}
