// Who asks for what is absent or stale, and how it is answered: from what is there, by a load that runs, or by a load of its own. All callers
// of a cache in this thread meet here, whatever handle or namespace they come by. Everything is synchronous; what waits are timers, sleeping
// waits for other threads, and the promises of loaders. Touches the engine (reading), and the rest through flights.ts and own-loads.ts.
import type { Entries } from '../cache/entries.js'
import { notNear } from '../cache/near.js'
import { type Engine, Found, FoundState } from '../engine/engine.js'
import { Counter } from '../engine/layout.js'
import type { Codec } from '../options/codec.js'
import type { Observer } from '../stats/observer.js'
import { captureContext, running } from './context.js'
import { cycleError, waitsInThread } from './cycles.js'
import { Flight } from './flight.js'
import { Flights } from './flights.js'
import type { Loader, LoadSettings } from './load-options.js'
import { OtherThreads } from './other-threads.js'
import { OwnLoads, timeoutError } from './own-loads.js'
import type { LoadQueue } from './queue.js'
import { Waiter, type WaiterEvents } from './waiter.js'

/** What a handle or a namespace brings: how it hands values out, how they are written, how many of its loads may run. */
export interface LoadView {
  readonly entries: Entries
  readonly queue: LoadQueue
  readonly codec: Codec
  /** Loads take as long as the cache's own clock says, not the machine's. */
  readonly manualClock: boolean
  /** The names of the cache and of the namespace, for those who watch. */
  readonly cache: string
  readonly namespace: string | undefined
  /** The handle that it belongs to. */
  readonly owner: LoadOwner
}

/** A handle, open until its thread closes it. */
export interface LoadOwner {
  readonly open: boolean
  readonly observer: Observer
}

/** After so many looks in a row, the next one comes in another turn of the event loop. */
const LOOKS_AT_ONCE = 8

const loadsOfEngines = new WeakMap<Engine, Loads>()

/** This thread's loads of the cache that the engine is attached to. */
export function loadsOf(engine: Engine): Loads {
  let loads = loadsOfEngines.get(engine)
  if (loads === undefined) {
    loads = new Loads(engine)
    loadsOfEngines.set(engine, loads)
  }
  return loads
}

export class Loads implements WaiterEvents {
  readonly #engine: Engine
  readonly #flights: Flights
  readonly #others: OtherThreads
  readonly #own: OwnLoads

  constructor(engine: Engine) {
    const lookAgain = (waiter: Waiter) => this.#lookAgain(waiter)
    this.#engine = engine
    this.#flights = new Flights(engine)
    this.#others = new OtherThreads(this.#flights, lookAgain)
    this.#own = new OwnLoads(this.#flights, this.#others, lookAgain)
  }

  /**
   * The value, loaded if need be. `engine.found` must still tell what the caller has found instead of a fresh value. `unbounded`: the load
   * takes no turn in the queue.
   */
  load(
    view: LoadView,
    key: string,
    shown: string,
    loader: Loader<unknown>,
    settings: LoadSettings,
    unbounded = false,
  ): Promise<unknown> {
    const current = running.getStore()
    const asker = current?.state === 'over' ? undefined : current
    const waiter = new Waiter(view, key, shown, loader, settings, asker, this.#flights.next(), unbounded, this)
    if (settings.signal?.aborted) waiter.fail(settings.signal.reason)
    else this.#look(waiter, this.#engine.found[Found.state] === FoundState.stale)
    return waiter.promise
  }

  /**
   * Renews a value in the background, unless that is under way or has just failed. `engine.found` must tell of the key; `early`: it is still
   * fresh. Never throws; what fails is counted.
   */
  renew(
    view: LoadView,
    key: string,
    shown: string,
    loader: Loader<unknown>,
    settings: LoadSettings,
    early: boolean,
  ): void {
    if (this.#engine.found[Found.lease] !== 0 || this.#flights.backoff.rests(key, this.#engine.now())) return
    const known = this.#flights.of(key)
    // One that has lost its lease is no longer worth waiting for.
    if (known !== undefined && (known.state !== 'loading' || known.token === 0)) return
    const flight = new Flight(view, key, shown, loader, settings, true, early)
    this.#flights.add(flight)
    // Where the queue is full it counts that, and there is nobody to be told.
    this.#own.enter(flight, false)
  }

  /** Ends what a handle has under way: its callers are refused, its loads aborted; callers of other handles load for themselves. */
  close(owner: LoadOwner, refusal: unknown): void {
    const left: Waiter[] = []
    for (const flight of this.#flights.list()) {
      for (const waiter of flight.waiters) {
        if (waiter.view.owner !== owner) continue
        this.#flights.detach(waiter)
        waiter.fail(refusal)
      }
      if (flight.view.owner === owner || (flight.waiters.size === 0 && !flight.background)) {
        left.push(...this.#flights.dismiss(flight))
        this.#own.abandon(flight, refusal)
      }
    }
    for (const waiter of left) this.#lookAgain(waiter)
  }

  /** Answers a waiter from what is there, or gives it a flight to wait for. `read`: what is there has to be looked up first. */
  #look(waiter: Waiter, read: boolean): void {
    try {
      this.#lookOnce(waiter, read)
    } catch (error) {
      if (waiter.flight !== undefined) this.#flights.detach(waiter)
      if (!waiter.done) waiter.fail(error)
    }
  }

  #lookAgain(waiter: Waiter): void {
    waiter.looks++
    if (waiter.looks % LOOKS_AT_ONCE !== 0) {
      this.#look(waiter, true)
      return
    }
    // Others change the key all the time. Its hard timeout bounds this.
    waiter.limit(Infinity)
    setImmediate(() => {
      if (!waiter.done) this.#look(waiter, true)
    })
  }

  #lookOnce(waiter: Waiter, read: boolean): void {
    const engine = this.#engine
    const { key, settings } = waiter
    const value = read ? this.#valueFor(waiter) : undefined
    const state = engine.found[Found.state] as number
    const lease = engine.found[Found.lease] as number
    if (state === FoundState.fresh && value !== undefined) {
      waiter.succeed(value)
      return
    }
    const mayServe = state === FoundState.stale && settings.grace > 0
    if (mayServe && this.#serveStale(waiter, value)) return
    // An outcome that is kept for others is nothing to wait for.
    const runs = state === FoundState.absent || state === FoundState.stale ? lease : 0
    const known = this.#flights.of(key)
    const flight = known !== undefined && mayJoin(known, runs) ? known : this.#newFlight(waiter, runs)
    this.#join(waiter, flight)
    if (flight.state === 'queued') this.#hasten(flight, waiter)
    if (mayServe && !waiter.done) waiter.limitSoftly()
  }

  /** Many that wait for another thread's load read what it brought; all but the first find it near. */
  #valueFor({ view, key, shown }: Waiter): unknown {
    const near = view.entries.near?.get(shown) ?? notNear
    if (near === notNear) return view.entries.lookUp(key, shown)
    this.#engine.found[Found.state] = FoundState.fresh
    return near
  }

  /** Serves what is stale at once where the caller does not want to wait, or the source is left alone for a while. */
  #serveStale(waiter: Waiter, value: unknown): boolean {
    const { view, key, shown, loader, settings } = waiter
    const rests = this.#flights.backoff.rests(key, this.#engine.now())
    if (!rests && settings.softTimeout !== 0) return false
    if (!rests) this.renew(view, key, shown, loader, settings, false)
    this.#engine.count(Counter.staleServed, 1)
    waiter.succeed(value)
    return true
  }

  /** A caller waits for a load that has not begun: it is entered, or comes sooner. */
  #hasten(flight: Flight, waiter: Waiter): void {
    const within = waiter.asker !== undefined || waiter.unbounded
    if (flight.turn === undefined) this.#own.enter(flight, within)
    else if (within) flight.view.queue.promote(flight.turn)
    else flight.view.queue.hurry(flight.turn)
  }

  #newFlight(waiter: Waiter, lease: number): Flight {
    const { view, key, shown, loader, settings } = waiter
    const flight = new Flight(view, key, shown, loader, settings, false, false)
    flight.context = waiter.context
    this.#flights.add(flight)
    if (lease !== 0) this.#others.waitFor(flight, lease)
    return flight
  }

  #join(waiter: Waiter, flight: Flight): void {
    const { asker } = waiter
    if (asker !== undefined && asker.state !== 'over') {
      if (waitsInThread(flight, asker)) throw cycleError(waiter.shown)
      asker.waitsFor.add(flight)
      this.#flights.noteAsker(waiter, flight)
    }
    waiter.exact = this.#flights.mayTake(waiter, flight)
    if (flight.state !== 'loading' || !waiter.exact) waiter.context ??= captureContext()
    if (flight.state !== 'queued' || flight.waiters.size > 0) this.#flights.countWaiting(waiter)
    flight.add(waiter)
    if (flight.state === 'loading' && waiter.exact) waiter.limit(flight.deadline)
    else if (flight.state !== 'queued' || flight.turn !== undefined) waiter.limit(Infinity)
  }

  softTimeout(waiter: Waiter): void {
    const { flight } = waiter
    if (waiter.done || flight === undefined) return
    const value = this.#flights.staleFor(waiter)
    if (value === undefined) return
    flight.background = true
    this.#flights.detach(waiter)
    waiter.succeed(value)
  }

  hardTimeout(waiter: Waiter): void {
    const { flight } = waiter
    if (waiter.done) return
    const error = timeoutError(waiter.shown, waiter.settings.hardTimeout)
    const value = this.#flights.staleFor(waiter)
    this.#flights.detach(waiter)
    if (value === undefined) waiter.fail(error)
    else waiter.succeed(value)
    if (flight !== undefined) this.#own.left(flight, error)
  }

  aborted(waiter: Waiter): void {
    const { flight } = waiter
    if (waiter.done) return
    this.#flights.detach(waiter)
    const reason: unknown = waiter.settings.signal?.reason
    waiter.fail(reason)
    if (flight !== undefined) this.#own.left(flight, reason)
  }
}

/** Whether a caller that has just seen `lease` run (0: none) may wait for this load of its thread. */
function mayJoin(flight: Flight, lease: number): boolean {
  // A load without a lease cannot tell what was deleted since; who joins it looks again afterwards.
  return flight.state === 'queued' || flight.token === lease
}
