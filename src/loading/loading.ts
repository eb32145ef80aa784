// Loading as one handle or namespace offers it: checks arguments, answers what is fresh at once, and leaves the rest to this thread's loads.
// Touches the entries it is given and, through loads.ts, everything that loading touches.
import { checkKeyList, invalidArgument } from '../cache/arguments.js'
import { closedError } from '../cache/closed-engine.js'
import type { Entries } from '../cache/entries.js'
import { notNear } from '../cache/near.js'
import { type Engine, Found, FoundState } from '../engine/engine.js'
import type { Codec } from '../options/codec.js'
import { durationHint, parseDuration } from '../options/units.js'
import { invalidOptions, show } from '../options/validate.js'
import { Batch } from './batch.js'
import { expiresEarly } from './early-expiry.js'
import {
  type LoadDefaults,
  type Loader,
  type LoadManyOptions,
  type LoadOptions,
  type LoadSettings,
  plainSettings,
  readLoadOptions,
} from './load-options.js'
import { type LoadOwner, type Loads, type LoadView, loadsOf } from './loads.js'
import type { LoadQueue } from './queue.js'
import { checkTags, tagCounters } from './tags.js'

/** What a handle or a namespace gives to its loading. */
export interface LoadingParts {
  readonly engine: Engine
  readonly entries: Entries
  readonly owner: LoadOwner
  readonly defaults: LoadDefaults
  readonly codec: Codec
  readonly manualClock: boolean
  readonly cache: string
  readonly namespace: string | undefined
  readonly queue: LoadQueue
  /** The key in memory of the one that users give; throws OSTRAKA_ERR_INVALID_KEY. */
  readonly encode: (key: string) => string
}

/** What a batch loader is given beside the keys. */
export interface LoadManyContext {
  /** Aborts when nobody waits for any of the keys any more. */
  readonly signal: AbortSignal
}

/** Makes the values of many keys: aligned with them, or a Map. `undefined`: there is none. An Error: that one failed. */
export type ManyLoader<T> = (keys: string[], context: LoadManyContext) => ManyLoaded<T> | PromiseLike<ManyLoaded<T>>

export type ManyLoaded<T> = readonly (T | Error)[] | ReadonlyMap<string, T | Error>

/** So many keys are loaded by one call: each holds a lease meanwhile, and a cache has 1,024. */
export const MOST_IN_BATCH = 512

const MOST_NOTED = 16_384
/** Of earlier expiries than this many times beta × cost there is less than one in a thousand. */
const MOST_EARLY = 7

export class Loading {
  readonly view: LoadView
  readonly #parts: LoadingParts
  readonly #plain: LoadSettings
  readonly #loads: Loads
  /** When, on the cache's clock, renewing a key ahead of its end becomes a question. */
  readonly #renewFrom = new Map<string, number>()
  /** What loading the values that were found lately had taken, in ms; a near hit does not know its own. */
  #meanCost = 0

  constructor(parts: LoadingParts) {
    const { entries, queue, codec, manualClock, owner, cache, namespace } = parts
    this.#parts = parts
    this.#plain = plainSettings(parts.defaults)
    this.#loads = loadsOf(parts.engine)
    this.view = { entries, queue, codec, manualClock, owner, cache, namespace }
  }

  /** Options, checked; `more` are names that the caller reads itself. */
  settings(options: LoadOptions<never> | undefined, more?: readonly string[]): LoadSettings {
    return options === undefined ? this.#plain : readLoadOptions(options, this.#parts.defaults, more)
  }

  encode(key: string): string {
    return this.#parts.encode(key)
  }

  getOrSet(key: string, loader: Loader<unknown>, options: LoadOptions<never> | undefined): Promise<unknown> {
    try {
      if (typeof loader !== 'function') throw invalidArgument(`getOrSet takes a loader function, got ${show(loader)}`)
      if (options !== undefined && mayDoMore(options)) {
        return this.load(this.#parts.encode(key), key, loader, this.settings(options))
      }
      const { entries, owner } = this.#parts
      const near = owner.open ? entries.near?.promise(key) : undefined
      if (near !== undefined) {
        this.#nearServed(key)
        return near
      }
      const stored = this.#parts.encode(key)
      const value = entries.find(stored, key)
      if (value !== undefined) {
        this.#served(stored)
        return Promise.resolve(value)
      }
      return this.#loads.load(this.view, stored, key, loader, this.settings(options))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #nearValue(key: string): unknown {
    const { near } = this.#parts.entries
    return near !== undefined && this.#parts.owner.open ? near.get(key) : notNear
  }

  /** As `getOrSet`, with the key in memory and settings; may throw. */
  load(
    stored: string,
    key: string,
    loader: Loader<unknown>,
    settings: LoadSettings,
    unbounded = false,
  ): Promise<unknown> {
    settings.signal?.throwIfAborted()
    const value =
      settings.refreshAhead > 0 || settings.earlyExpiry > 0
        ? this.#renewing(stored, key, loader, settings)
        : this.#value(stored, key)
    if (value !== undefined) return Promise.resolve(value)
    return this.#loads.load(this.view, stored, key, loader, settings, unbounded)
  }

  #value(stored: string, key: string): unknown {
    const near = this.#nearValue(key)
    if (near !== notNear) {
      this.#nearServed(key)
      return near
    }
    const value = this.#parts.entries.find(stored, key)
    if (value !== undefined) this.#served(stored)
    return value
  }

  /** `engine.found` tells of a value that needed no loader. */
  #served(stored: string): void {
    const cost = Math.max(0, this.#parts.engine.found[Found.cost] as number)
    this.#meanCost += (cost - this.#meanCost) / 16
    const { observer } = this.#parts.owner
    if (observer.served(cost)) observer.heated(stored, cost)
  }

  #nearServed(key: string): void {
    const { owner, encode } = this.#parts
    if (owner.observer.served(this.#meanCost)) owner.observer.heated(encode(key), this.#meanCost)
  }

  /** What is fresh, and renewed in the background if it will not be for long. */
  #renewing(stored: string, key: string, loader: Loader<unknown>, settings: LoadSettings): unknown {
    const { engine, entries } = this.#parts
    const now = this.#engine.now()
    const from = this.#renewFrom.get(key)
    const far = from === undefined || now < from
    if (far && from !== undefined) {
      const near = this.#nearValue(key)
      if (near !== notNear) {
        this.#nearServed(key)
        return near
      }
    }
    // Not kept near once its end comes near: how long it is fresh has to be looked up each time.
    const value = entries.find(stored, far ? key : undefined)
    const { found } = engine
    if (found[Found.state] !== FoundState.fresh) return undefined
    const freshFor = found[Found.freshFor] as number
    this.#noteRenewal(key, now + freshFor - renewalSpan(settings, found[Found.cost] as number))
    const due =
      freshFor < settings.refreshAhead ||
      (settings.earlyExpiry > 0 &&
        expiresEarly(freshFor, found[Found.cost] as number, settings.earlyExpiry, Math.random()))
    if (value !== undefined) this.#served(stored)
    if (due && value !== undefined) this.#loads.renew(this.view, stored, key, loader, settings, true)
    return value
  }

  /** Until then a near hit of the key needs no look at how long it is fresh. */
  #noteRenewal(key: string, from: number): void {
    if (this.#renewFrom.size >= MOST_NOTED) this.#renewFrom.clear()
    this.#renewFrom.set(key, from)
  }

  async getOrSetMany(
    keys: readonly string[],
    loader: ManyLoader<unknown>,
    options: LoadManyOptions<never> | undefined,
  ): Promise<unknown[]> {
    checkKeyList(keys)
    if (typeof loader !== 'function') throw invalidArgument(`getOrSetMany takes a loader function, got ${show(loader)}`)
    const settings = this.settings(options as LoadOptions<never> | undefined)
    const distinct = [...new Set(keys)]
    const values = new Map<string, unknown>()
    for (let first = 0; first < distinct.length; first += MOST_IN_BATCH) {
      const some = distinct.slice(first, first + MOST_IN_BATCH)
      const answers = await this.#loadTogether(some, loader, settings)
      some.forEach((key, index) => {
        values.set(key, answers[index])
      })
    }
    return keys.map((key) => values.get(key))
  }

  #loadTogether(keys: readonly string[], loader: ManyLoader<unknown>, settings: LoadSettings): Promise<unknown[]> {
    const batch = new Batch<string>(
      async (absent, signal) => aligned(absent, await loader(absent, { signal })),
      this.#parts.queue,
      MOST_IN_BATCH,
      0,
    )
    // All of them before anything is begun: a key may be refused.
    const stored = keys.map((key) => this.#parts.encode(key))
    const answers = keys.map((key, index) => {
      const one = typeof settings.tags === 'function' ? withKey(settings, key) : settings
      const load: Loader<unknown> = (context) => batch.add(key, context)
      return this.load(stored[index] as string, key, load, one, true)
    })
    // Those that another thread turns out not to load come later, together again.
    batch.dispatch()
    return Promise.all(answers)
  }

  /** What may be wrong with a fetch before it looks: its options, or its signal was aborted. */
  checkFetch(options: FetchOptions | undefined): void {
    checkFetchOptions(options)
    options?.signal?.throwIfAborted()
  }

  /** Loads that began before are not served to anybody who asks afterwards. */
  async invalidate(keys: string | readonly string[]): Promise<void> {
    const list = typeof keys === 'string' ? [keys] : keys
    checkKeyList(list)
    const { encode } = this.#parts
    const { changes } = this.#parts.owner.observer
    for (const key of list.map(encode)) if (this.#engine.delete(key)) changes.tell('delete', key)
  }

  async invalidateTags(tags: string | readonly string[]): Promise<void> {
    const list = typeof tags === 'string' ? [tags] : tags
    checkTags(list, 'invalidateTags')
    const engine = this.#engine
    if (list.length > 0) engine.invalidateTags(tagCounters(engine, list))
    const { observer } = this.#parts.owner
    const { changes, events } = observer
    observer.tagged(list)
    for (const tag of list) {
      changes.tell('invalidateTag', tag)
      events.note('invalidate', tag)
    }
  }

  get #engine(): Engine {
    if (!this.#parts.owner.open) throw closedError()
    return this.#parts.engine
  }
}

function checkFetchOptions(options: FetchOptions | undefined): void {
  if (options === undefined) return
  if (typeof options !== 'object' || options === null) {
    throw invalidOptions([
      { path: '(options)', message: `got ${show(options)}; use an object such as { timeout: '1s' }` },
    ])
  }
  const faults = Object.keys(options)
    .filter((name) => name !== 'signal' && name !== 'timeout')
    .map((path) => ({ path, message: 'unknown option; known are signal, timeout' }))
  const { signal, timeout } = options
  if (signal !== undefined && !(signal instanceof AbortSignal))
    faults.push({ path: 'signal', message: `got ${show(signal)}; use an AbortSignal` })
  if (timeout !== undefined && parseDuration(timeout) === undefined)
    faults.push({ path: 'timeout', message: `got ${show(timeout)}; use ${durationHint}` })
  if (faults.length > 0) throw invalidOptions(faults)
}

/** Options of fetch. */
export interface FetchOptions {
  /** Rejects at once when it aborts. */
  signal?: AbortSignal | undefined
  /** How long to wait for what is behind memory; there is nothing behind it in this version. */
  timeout?: number | string | undefined
}

/** Milliseconds before the end in which a caller may have to renew. */
function renewalSpan({ refreshAhead, earlyExpiry }: LoadSettings, cost: number): number {
  return Math.max(refreshAhead, MOST_EARLY * earlyExpiry * Math.max(0, cost))
}

function mayDoMore(options: LoadOptions<never>): boolean {
  return options.refreshAhead !== undefined || options.earlyExpiry !== undefined || options.signal !== undefined
}

function withKey(settings: LoadSettings, key: string): LoadSettings {
  const tags = settings.tags as (value: unknown, key: string) => readonly string[]
  return { ...settings, tags: (value) => tags(value, key) }
}

function aligned(keys: readonly string[], loaded: ManyLoaded<unknown>): unknown {
  return loaded instanceof Map ? keys.map((key) => loaded.get(key)) : loaded
}
