// A namespace: a view of the cache with keys, defaults and counters of its own, all in the same memory and under the same bounds. Touches
// its row in shared memory (namespace-table.ts), the engine of its handle, and this thread's near caches.
import { OstrakaError, type OstrakaFault } from '../errors.js'
import type { EntryDefaults, LoadBounds, NamespaceOptions, NearSettings } from '../options/cache-options.js'
import { optionDifferences } from '../options/differences.js'
import { type NamespaceSettings, readNamespaceOptions } from '../options/namespace-options.js'
import { Entries } from './entries.js'
import type { Handle } from './handle.js'
import { KeySpace, namespacePrefix } from './keys.js'
import { type NamespaceTable, Tallied, Tally } from './namespace-table.js'
import type { NearStats } from './near.js'
import type { NearCaches } from './near-caches.js'
import { scanKeys } from './scan.js'
import type { AnySchema } from './schema.js'
import { CacheView } from './view.js'

/** What a view hands to the namespaces within it. */
export interface NamespaceContext {
  readonly handle: Handle
  readonly nearCaches: NearCaches
  readonly table: NamespaceTable
  /** Namespaces that this handle has made, so that the same line gives the same view. */
  readonly known: Map<string, KnownNamespace>
  readonly prefix: string
  readonly defaults: EntryDefaults
  readonly near: NearSettings | undefined
  readonly loads: LoadBounds
  readonly manualClock: boolean
  readonly cacheName: string
}

interface KnownNamespace {
  readonly view: Namespace
  readonly defaults: EntryDefaults
  /** What is this thread's own: `near` and `loads`, as text. */
  readonly own: string
}

/** Beyond so many the handle forgets the one it made first; who holds it goes on using it. */
const MOST_KNOWN = 256

/** What `namespace.stats()` tells. The counters only grow; `clear()` does not reset them. */
export interface NamespaceStats {
  /** Version of this shape. Fields may be added under the same version; none changes its meaning. */
  readonly version: 1
  readonly name: string
  /** Whether the counters are those of all threads (each view may hold back up to 63 events), or, in a cache with more than 64 namespaces or under a long name, of this view alone. */
  readonly overAllThreads: boolean
  readonly hits: number
  readonly misses: number
  /** hits / (hits + misses), 0 before the first read. */
  readonly hitRatio: number
  readonly sets: {
    readonly stored: number
    /** `add` found an entry, or `update` met another writer and tried again. */
    readonly refused: number
    /** Too large, no room, or `ttl: 0`. */
    readonly notKept: number
  }
  readonly deleted: number
  readonly taken: number
  readonly clears: number
  /** This namespace's near cache in this thread; undefined when it is off. */
  readonly near: NearStats | undefined
}

/**
 * A view of a cache made by `cache.namespace(name, options)`: its keys are its own, and its defaults hold for what is set through it. It
 * ends with its handle.
 */
export class Namespace<T = never> extends CacheView<[T] extends [never] ? AnySchema : { '*': T }> {
  readonly name: string
  readonly #context: NamespaceContext
  readonly #entries: Entries
  readonly #tally: Tally

  /** Not for users: `namespace` makes them. */
  constructor(name: string, context: NamespaceContext, tally: Tally) {
    const { handle, prefix, defaults, near, nearCaches, loads, manualClock, cacheName } = context
    const entries = new Entries(handle, nearCaches.of(near, prefix), defaults, tally)
    super({ handle, keys: new KeySpace(prefix), entries, defaults, loads, manualClock, cacheName, namespaceName: name })
    this.name = name
    this.#context = context
    this.#entries = entries
    this.#tally = tally
  }

  /** Live entries, those of namespaces within included. Looks at every entry of the cache. */
  get size(): number {
    let size = 0
    for (const _ of this.#stored()) size++
    return size
  }

  /**
   * Removes what was there when it began, also in namespaces within, and what was being loaded then is not kept. Looks at every entry of the cache; for each key it is as atomic as
   * `delete`, for the namespace as a whole it is not.
   */
  clear(): void {
    const { engine } = this.#context.handle
    const { changes } = this.#context.handle.observer
    for (const stored of this.#stored(true)) if (engine.delete(stored)) changes.tell('delete', stored)
    this.#tally.count(Tallied.clears)
  }

  *#stored(all = false): IterableIterator<string> {
    yield* scanKeys(() => this.#context.handle.engine, this.#context.prefix, all)
  }

  /** A namespace within this one, whose defaults are this one's where it has none of its own. */
  namespace<U = never>(name: string, options?: NamespaceOptions): Namespace<U> {
    return openNamespace<U>(this.#context, name, options)
  }

  /** Counters of this namespace without those within. Some microseconds. */
  stats(): NamespaceStats {
    // Throws when the handle is closed.
    this.#context.handle.engine.name
    const count = this.#tally.read()
    const of = (index: number) => count[index] as number
    const lookups = of(Tallied.hits) + of(Tallied.misses)
    return {
      version: 1,
      name: this.name,
      overAllThreads: this.#tally.isShared,
      hits: of(Tallied.hits),
      misses: of(Tallied.misses),
      hitRatio: lookups === 0 ? 0 : of(Tallied.hits) / lookups,
      sets: { stored: of(Tallied.stored), refused: of(Tallied.refused), notKept: of(Tallied.notKept) },
      deleted: of(Tallied.deleted),
      taken: of(Tallied.taken),
      clears: of(Tallied.clears),
      near: this.#entries.near?.stats(),
    }
  }
}

/**
 * The namespace of this name within `context`, made if it is not there. Throws OSTRAKA_ERR_INVALID_OPTION (all faults at once) and
 * OSTRAKA_ERR_OPTIONS_DIFFER where it was made with other defaults, in whatever thread.
 */
export function openNamespace<T>(context: NamespaceContext, name: string, options: unknown): Namespace<T> {
  // Throws when the handle is closed.
  context.handle.engine.name
  const settings = readNamespaceOptions(name, options, context.near, context.loads)
  const prefix = namespacePrefix(context.prefix, name)
  const own = JSON.stringify([settings.near, settings.loads])
  const known = context.known.get(prefix)
  if (known !== undefined) {
    assertSame(name, settings, known.defaults)
    if (known.own === own) return known.view as unknown as Namespace<T>
  }
  const row = context.table.open(prefix, { ...context.defaults, ...settings.given })
  const defaults = row?.defaults ?? known?.defaults ?? { ...context.defaults, ...settings.given }
  assertSame(name, settings, defaults)
  const inner = { ...context, prefix, defaults, near: settings.near, loads: settings.loads }
  const view = new Namespace<T>(name, inner, new Tally(row?.counters))
  if (context.known.size >= MOST_KNOWN) context.known.delete(context.known.keys().next().value as string)
  context.known.set(prefix, { view: view as unknown as Namespace, defaults, own })
  return view
}

function assertSame(name: string, settings: NamespaceSettings, existing: EntryDefaults): void {
  const faults: OstrakaFault[] = optionDifferences(settings.given, existing)
  if (faults.length === 0) return
  const list = faults.map((fault) => `  ${fault.path}: ${fault.message}`).join('\n')
  const message = `The namespace '${name}' exists with other defaults; use the same ones, none, or another name:\n${list}`
  throw new OstrakaError('OSTRAKA_ERR_OPTIONS_DIFFER', message, { faults })
}
