// The cache that users hold: one handle of one thread, with the operations of `CacheView` on its own keys and those of the cache as a
// whole. Touches its engine, this thread's near caches and its membership in the cache.
import type { ServeOptions } from '../dashboard/options.js'
import type { Dashboard } from '../dashboard/serve.js'
import type { Engine } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import { type LoadQueue, queueOf } from '../loading/queue.js'
import { prometheusMetrics } from '../metrics/registry.js'
import type { LoadBounds, NamespaceOptions, NearSettings, SharedSettings } from '../options/cache-options.js'
import { show } from '../options/validate.js'
import { ChangeFeed, type ChangesOptions } from '../stats/change-feed.js'
import type { CacheEvent, EventFilter, EventLog } from '../stats/events.js'
import { familiesOf, type Labels, type MetricFamily } from '../stats/families.js'
import { levels, type StatsLevel } from '../stats/level.js'
import { Marks, type StatsSince } from '../stats/marks.js'
import type { Observer } from '../stats/observer.js'
import type { Sampler } from '../stats/sampler.js'
import { invalidArgument } from './arguments.js'
import { closedEngine } from './closed-engine.js'
import { Entries } from './entries.js'
import { Handle } from './handle.js'
import { type Heat, type HotKey, heatOf, readCount } from './heat.js'
import { describeEntry } from './inspect.js'
import { KeySpace } from './keys.js'
import { type Namespace, type NamespaceContext, openNamespace } from './namespace.js'
import type { NamespaceTable } from './namespace-table.js'
import type { NearCaches } from './near-caches.js'
import type { AnySchema, Schema } from './schema.js'
import { type CacheStats, ownersStats, readStats } from './stats.js'
import type { ThreadOwners } from './thread-owners.js'
import { CacheView, readDuration } from './view.js'

/** What a handle is made of; see create-cache.ts. */
export interface CacheParts {
  readonly name: string
  readonly shared: SharedSettings
  readonly engine: Engine
  readonly engineReason: string
  readonly near: NearSettings | undefined
  readonly nearCaches: NearCaches
  readonly namespaces: NamespaceTable
  readonly loads: LoadBounds
  readonly sharedBytes: number
  /** Looks after the threads that do the upkeep; undefined where there are none. */
  readonly owners: ThreadOwners | undefined
  /** Why there are so many of them. */
  readonly ownersReason: string
  /** What this thread notes about its operations, for all handles that use the engine. */
  readonly observer: Observer
  /** Leaves the cache, for this thread or for all; called once. */
  readonly leave: (all: boolean) => Promise<void>
}

/** A cache that all threads of the process share; a handle belongs to the thread that made it. */
export class Cache<S extends Schema = AnySchema> extends CacheView<S> {
  readonly name: string
  #parts: CacheParts
  readonly #handle: Handle
  readonly #entries: Entries
  readonly #context: NamespaceContext
  readonly #queue: LoadQueue
  readonly #marks = new Marks()

  /** Not for users: `createCache` finds or makes what a handle needs. */
  constructor(parts: CacheParts) {
    const handle = new Handle(parts.engine, parts.observer)
    const entries = new Entries(handle, parts.nearCaches.of(parts.near, ''), parts.shared)
    const { loads, shared } = parts
    const manualClock = shared.clock === 'manual'
    super({
      handle,
      keys: new KeySpace(''),
      entries,
      defaults: shared,
      loads,
      manualClock,
      cacheName: parts.name,
      namespaceName: undefined,
    })
    this.name = parts.name
    this.#parts = parts
    this.#handle = handle
    this.#entries = entries
    const { nearCaches, namespaces: table, shared: defaults, near } = parts
    const { ttl, idle, ttlJitter, codec } = defaults
    this.#context = {
      handle,
      nearCaches,
      table,
      known: new Map(),
      prefix: '',
      defaults: { ttl, idle, ttlJitter, codec },
      near,
      loads,
      manualClock,
      cacheName: parts.name,
    }
    this.#queue = queueOf(parts.engine, '', loads)
  }

  /** Resolves when the cache's own threads, if it was told to have any, are up or known to be down: after 10 s at the latest. */
  get ready(): Promise<void> {
    return this.#parts.owners?.ready() ?? Promise.resolve()
  }

  /** Live entries, over all threads and namespaces. */
  get size(): number {
    return this.#handle.engine.size
  }

  /** Removes everything, those of all namespaces included, in constant time: no thread reads an older entry once this returns. */
  clear(): void {
    this.#handle.engine.clear()
    const { changes, events } = this.#handle.observer
    changes.tell('clear', '')
    events.note('clear', '')
  }

  /**
   * A view with keys, defaults and counters of its own, in the same memory and under the same bounds; get-or-create by name in every
   * thread. What `options` leave out is as in the cache. Throws OSTRAKA_ERR_INVALID_OPTION (all faults at once), and
   * OSTRAKA_ERR_OPTIONS_DIFFER when the namespace was made with other defaults, in whatever thread.
   */
  namespace<T = never>(name: string, options?: NamespaceOptions): Namespace<T> {
    return openNamespace<T>(this.#context, name, options)
  }

  /** Counters, latencies and sizes, over all threads. About a millisecond. */
  stats(): CacheStats {
    const { name, engineReason, sharedBytes, shared } = this.#parts
    const { notWanted, near } = this.#entries
    this.#countNear()
    return readStats(this.#handle.engine, {
      name,
      engineReason,
      sharedBytes,
      maxBytes: shared.maxBytes,
      maxEntries: shared.maxEntries,
      policy: shared.policy,
      near: near?.stats(),
      notWanted,
      queue: this.#queue,
      owners: ownersStats(this.#parts.owners, this.#parts.ownersReason),
      observed: this.#handle.observer.observed,
    })
  }

  /** How much the cache observes of itself, in all threads: 'off', 'counters', 'sampled' or 'full' (docs/observing.md). */
  get statsLevel(): StatsLevel {
    this.#handle.engine.name
    return this.#handle.observer.observed.level
  }

  /** Takes effect in each thread within its next 1,024 operations. */
  set statsLevel(level: StatsLevel) {
    this.#handle.engine.name
    if (!levels.includes(level))
      throw invalidArgument(`statsLevel is ${levels.map(show).join(' or ')}, got ${show(level)}`)
    this.#handle.observer.setLevel(level)
  }

  /** Remembers, in this handle, all that the cache has counted and timed by now under a name; the last 32 are kept. */
  mark(name: string): void {
    this.#countNear()
    this.#marks.set(name, this.#handle.engine, this.#handle.observer.observed)
  }

  /** What has come since the mark of that name, over all threads. Throws OSTRAKA_ERR_INVALID_ARGUMENT where there is none. */
  statsSince(name: string): StatsSince {
    this.#countNear()
    return this.#marks.since(name, this.#handle.engine, this.#handle.observer.observed)
  }

  /** Samples of everything at intervals, over all threads: rates, ratios and trends (docs/observing.md). Off until `sampler.enabled = true`. */
  get sampler(): Sampler {
    this.#handle.engine.name
    return this.#handle.observer.sampler
  }

  /** What happened lately, and what counts as slow, over all threads (docs/observing.md). */
  get events(): EventLog {
    this.#handle.engine.name
    return this.#handle.observer.events
  }

  /** The newest events, at most 50 unless a number says otherwise; with a filter, those of a type, key prefix or namespace. */
  recentEvents(filter?: EventFilter | number): CacheEvent[] {
    return this.events.recent(filter)
  }

  /**
   * What is set, deleted, evicted, expired, invalidated or cleared from now on, by all threads, in batches; ends when it is returned from or this
   * handle is closed. Bounded: changes that come faster than they are read are counted as lost.
   */
  changes(options: ChangesOptions = {}): ChangeFeed {
    this.#handle.engine.name
    return new ChangeFeed(this.#handle.observer, options, () => this.#handle.open)
  }

  /** The keys that are used most now, of all threads and namespaces, the hottest first: estimates from the sample, over about the last minute. */
  hotKeys(count = 20): HotKey[] {
    const { hotKeys, about, observed } = this.#handle.observer
    const { engine } = this.#handle
    return hotKeys
      .top(readCount(count, 'hotKeys'), observed.age)
      .map(({ name, whole, perSecond, savedMsPerSecond }) => {
        const entry = whole && name !== '' ? describeEntry(engine, name, name) : undefined
        const bytes = entry === undefined ? undefined : entry.keyBytes + entry.valueBytes
        const savedMsPerKilobyte = bytes === undefined ? undefined : (savedMsPerSecond * 1000) / bytes
        return { ...about.split(name), whole, perSecond, savedMsPerSecond, bytes, savedMsPerKilobyte }
      })
  }

  /** As `hotKeys`, of namespaces. */
  hotNamespaces(count = 20): Heat[] {
    this.#handle.engine.name
    const { hotNamespaces, observed } = this.#handle.observer
    return hotNamespaces.top(readCount(count, 'hotNamespaces'), observed.age).map(heatOf)
  }

  /** The tags that are written with or invalidated most now. */
  hotTags(count = 20): Heat[] {
    this.#handle.engine.name
    const { hotTags, observed } = this.#handle.observer
    return hotTags.top(readCount(count, 'hotTags'), observed.age).map(heatOf)
  }

  /** Everything for collectors of metrics, under stable names; 'ostraka/metrics' puts several caches together. About as expensive as `stats()`. */
  measure(): MetricFamily[] {
    this.#countNear()
    const { engine, observer } = this.#handle
    const { name, sharedBytes, shared } = this.#parts
    const { observed } = observer
    const totals = observed.totals(engine)
    const { maxBytes } = shared
    return familiesOf({ name, engine: engine.name, size: engine.size, maxBytes, sharedBytes, totals, observed })
  }

  /** The text that Prometheus scrapes, to be served as 'text/plain; version=0.0.4'; `labels` are added to every sample. */
  metrics(labels: Labels = {}): string {
    return prometheusMetrics([this], labels)
  }

  /**
   * Serves a live page about this cache, by default at http://127.0.0.1:7007/ and for this machine alone, until it is closed (docs/observing.md). Throws
   * OSTRAKA_ERR_INVALID_OPTION and OSTRAKA_ERR_SERVE. It keeps no process alive.
   */
  async serve(options?: ServeOptions): Promise<Dashboard> {
    const { engine, observer } = this.#handle
    const { observed, slices } = observer
    engine.name
    // Only who serves a page loads what that takes.
    const { serveDashboard } = await import('../dashboard/serve.js')
    const totals = () => {
      this.#countNear()
      return observed.totals(this.#handle.engine)
    }
    return serveDashboard({ cache: this, observed, totals, slices: () => slices.read() }, options)
  }

  #countNear(): void {
    if (this.#handle.open) this.#parts.nearCaches.countHits()
  }

  /** Lets time pass, in all threads, for a cache with `clock: 'manual'`; else throws OSTRAKA_ERR_CLOCK. */
  advance(duration: number | string): void {
    const milliseconds = readDuration(duration, 'advance')
    if (this.#parts.shared.clock !== 'manual') {
      throw new OstrakaError('OSTRAKA_ERR_CLOCK', "advance needs a cache created with clock: 'manual'")
    }
    this.#handle.engine.advance(milliseconds)
  }

  /**
   * Ends this handle: the last one of all threads closes the cache and frees its memory. With `all` the cache is closed for every
   * thread at once; the others then miss, and their `set` returns false. Closing again does nothing.
   */
  async close(options: { all?: boolean | undefined } = {}): Promise<void> {
    if (!this.#handle.open) return
    const { leave } = this.#parts
    this.#handle.close()
    // What leads to the shared memory: a module may hold this handle for ever.
    this.#parts = { ...this.#parts, engine: closedEngine, owners: undefined, leave: async () => undefined }
    await leave(options.all === true)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  [Symbol.dispose](): void {
    void this.close()
  }
}
