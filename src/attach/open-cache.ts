// Finds the cache of a name from any thread of the process, or makes it: the one door of src/attach. May touch: this thread's
// port, the root memory, and of a cache's regions only the closed bit of the world word.
import { Control } from '../engine/layout.js'
import { attachTimeout, invalidName, noCache, tooManyCaches } from './failure.js'
import { MAX_NAME, SlotState } from './root-layout.js'
import { type Joined, ThreadPort } from './thread-port.js'
import { type ComparableOptions, KEY, type KnownCache, type Regions } from './wire.js'

export type { ComparableOptions, Regions } from './wire.js'

/** How long `openCache` may block. */
const BOUND_MS = 1_000
/** How much longer while elections go on, none of them lasting: every winner dies at once. */
const UNREST_MS = 3_000
const CLOSED = 1

// One port a thread: two copies of the package (import and require, or after a hot reload) meet on globalThis.
const registry = globalThis as unknown as Record<symbol, ThreadPort | undefined>
registry[Symbol.for(KEY)] ??= new ThreadPort()
const port = registry[Symbol.for(KEY)] as ThreadPort

/** One handle on a cache, of the thread that opened it. */
export interface OpenedCache {
  readonly name: string
  readonly regions: Regions
  /** The creator's options; comparing is the caller's, who releases on a difference. */
  readonly options: ComparableOptions
  /** True in exactly one call of all threads per life of the cache. */
  readonly created: boolean
  /** Number of this life of the cache within the process; never used again. */
  readonly incarnation: number
  /** True once anybody closed it for all, or the last left. One atomic load. */
  readonly closed: boolean
  /** Whether no other living handle, of any thread, is left. May look at other threads' lives: 20 µs each. */
  isLast(): boolean
  /** This handle leaves. Idempotent. True when it was the last of all threads: the cache is then closed and its name free. */
  release(): boolean
  /** Closes the cache for all threads and frees the name; releases this handle. Idempotent. */
  closeAll(): void
}

/**
 * Opens the cache of that name, from any thread, without anything having been posted to it. With `mine`: gets or creates; `create`
 * runs at most once, only in the one thread that won, and must return fully initialised regions, since others see them right
 * after. Without `mine`: waits for the one that is there.
 *
 * Synchronous; blocks for at most 1 s: not at all where this thread knows the cache, about 1 ms where another must be asked. (Where
 * the main thread has not loaded the package and every thread that does dies at once, it goes on trying for up to 5 s.)
 * Throws OSTRAKA_ERR_INVALID_OPTION (name), OSTRAKA_ERR_NO_CACHE (nobody holds it, `mine` not given), OSTRAKA_ERR_ATTACH_TIMEOUT
 * (every thread that could hand it over is blocked), OSTRAKA_ERR_TOO_MANY_CACHES, OSTRAKA_ERR_TOO_MANY_THREADS, what `create`
 * throws, and DataCloneError for regions or options that cannot travel (the name is free again then).
 */
export function openCache(
  name: string,
  mine: { readonly options: ComparableOptions } | undefined,
  create: () => Regions,
): OpenedCache {
  checkName(name)
  let deadline = performance.now() + BOUND_MS
  let late = port.hasJoined
  port.askFor(name)
  for (;;) {
    const joined = port.join(deadline, deadline + UNREST_MS)
    // Joining took longer; what is left to do gets its time.
    if (performance.now() > deadline && !late) {
      late = true
      deadline = performance.now() + BOUND_MS
    }
    const seen = joined.table.changes()
    const found = find(joined, name, mine !== undefined, deadline)
    if (typeof found === 'object') return new Handle(joined, found, false)
    if (typeof found === 'number') return make(joined, found, name, mine?.options ?? {}, create, deadline)
    if (performance.now() > deadline) throw found === 'absent' ? noCache(name) : attachTimeout(name)
    if (found === 'elsewhere') port.awaitAnswer('cache')
    else joined.table.waitForChange(seen, 1)
  }
}

/** The cache, held; or a slot that this thread shall fill; or why there is neither yet. */
function find(
  joined: Joined,
  name: string,
  mayCreate: boolean,
  deadline: number,
): KnownCache | number | 'absent' | 'in the making' | 'elsewhere' {
  const { table, line } = joined
  port.lock(joined, deadline)
  try {
    let slot = table.find(name)
    if (slot >= 0 && isOver(joined, slot)) {
      // A reaped creator's slot is free already.
      if (table.state(slot) !== SlotState.free) table.free(slot)
      slot = -1
    }
    if (slot < 0) {
      if (!mayCreate) return 'absent'
      const allocated = table.allocate(name, line)
      if (allocated < 0) throw tooManyCaches(name)
      return allocated
    }
    if (table.state(slot) === SlotState.creating) return 'in the making'
    const known = joined.caches.get(table.incarnation(slot))
    if (known === undefined) return 'elsewhere'
    // Whoever closed it for all died before the name was free.
    if (isClosed(worldOf(known.regions))) {
      table.free(slot)
      return 'absent'
    }
    hold(joined, known)
    return known
  } finally {
    port.unlock(table)
  }
}

function worldOf(regions: Regions): Int32Array {
  return new Int32Array(regions.control.buffer, Control.world, 1)
}

function isClosed(world: Int32Array): boolean {
  return (Atomics.load(world, 0) & CLOSED) !== 0
}

/** Whether everybody who could use what stands in this slot is dead. */
function isOver({ table, line, holds }: Joined, slot: number): boolean {
  if (table.state(slot) === SlotState.creating) return table.creator(slot) !== line && table.creatorIsGone(slot)
  return !holds.has(table.incarnation(slot)) && !table.heldByAnother(slot, line)
}

function make(
  joined: Joined,
  slot: number,
  name: string,
  options: ComparableOptions,
  create: () => Regions,
  deadline: number,
): OpenedCache {
  const { table } = joined
  const incarnation = table.incarnation(slot)
  try {
    const cache: KnownCache = { name, slot, incarnation, regions: create(), options }
    port.announce(cache)
    // After the announcement: who sees the slot ready finds the memories in its queue.
    hold(joined, cache)
    table.ready(slot)
    return new Handle(joined, cache, true)
  } catch (error) {
    port.lock(joined, Math.max(deadline, performance.now() + BOUND_MS))
    table.free(slot)
    port.unlock(table)
    throw error
  }
}

function hold({ table, line, holds }: Joined, { slot, incarnation }: KnownCache): void {
  holds.set(incarnation, (holds.get(incarnation) ?? 0) + 1)
  table.hold(slot, line)
}

class Handle implements OpenedCache {
  readonly name: string
  readonly regions: Regions
  readonly options: ComparableOptions
  readonly created: boolean
  readonly incarnation: number
  readonly #joined: Joined
  readonly #slot: number
  readonly #world: Int32Array
  #released = false

  constructor(joined: Joined, { name, slot, incarnation, regions, options }: KnownCache, created: boolean) {
    this.name = name
    this.regions = regions
    this.options = options
    this.created = created
    this.incarnation = incarnation
    this.#joined = joined
    this.#slot = slot
    this.#world = worldOf(regions)
  }

  get closed(): boolean {
    return isClosed(this.#world)
  }

  isLast(): boolean {
    const { table, line, holds } = this.#joined
    if ((holds.get(this.incarnation) ?? 0) > (this.#released ? 0 : 1)) return false
    return this.#locked(() => !table.isCurrent(this.#slot, this.incarnation) || !table.heldByAnother(this.#slot, line))
  }

  release(): boolean {
    return this.#leave(false)
  }

  closeAll(): void {
    this.#leave(true)
  }

  #leave(forAll: boolean): boolean {
    const { table, line, holds } = this.#joined
    return this.#locked(() => {
      const count = (holds.get(this.incarnation) ?? 0) - (this.#released ? 0 : 1)
      if (count > 0) holds.set(this.incarnation, count)
      else holds.delete(this.incarnation)
      const left = !this.#released
      this.#released = true
      // Ended by somebody else already: there is no slot of ours to leave.
      if (!table.isCurrent(this.#slot, this.incarnation)) return false
      if (count <= 0) table.leave(this.#slot, line)
      const last = left && count <= 0 && !table.heldByAnother(this.#slot, line)
      if (!last && !forAll) return false
      Atomics.or(this.#world, 0, CLOSED)
      table.free(this.#slot)
      return last
    })
  }

  #locked(action: () => boolean): boolean {
    port.lock(this.#joined, performance.now() + BOUND_MS)
    try {
      return action()
    } finally {
      port.unlock(this.#joined.table)
    }
  }
}

function checkName(name: unknown): void {
  if (typeof name !== 'string') throw invalidName(`a string is needed, not ${typeof name}`)
  if (name.length === 0) throw invalidName('must not be empty')
  if (name.length > MAX_NAME) throw invalidName(`has ${name.length} UTF-16 units; at most ${MAX_NAME} are possible`)
}
