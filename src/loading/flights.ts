// The loads of one cache in this thread: which there are, who waits for them, and what they leave behind when they are over. Touches what
// is said about leases (advice.ts), the engine's counters, and queues by giving turns back.
import { type Engine, Found, FoundState } from '../engine/engine.js'
import { Counter } from '../engine/layout.js'
import { LeaseAdvice } from './advice.js'
import { Backoff } from './backoff.js'
import type { Flight } from './flight.js'
import type { Waiter } from './waiter.js'

export class Flights {
  readonly engine: Engine
  readonly advice: LeaseAdvice
  readonly backoff = new Backoff()
  /** The load that a new caller of the key may join; an older one, whose value is no longer wanted, goes on without a place here. */
  readonly #byKey = new Map<string, Flight>()
  readonly #all = new Set<Flight>()
  #order = 0

  constructor(engine: Engine) {
    this.engine = engine
    this.advice = new LeaseAdvice(engine)
  }

  /** The next place in the order in which callers ask and loads begin. */
  next(): number {
    return ++this.#order
  }

  of(key: string): Flight | undefined {
    return this.#byKey.get(key)
  }

  /** All there are now; those that have not begun come first. */
  list(): Flight[] {
    const all = [...this.#all]
    return [...all.filter(({ state }) => state === 'queued'), ...all.filter(({ state }) => state !== 'queued')]
  }

  add(flight: Flight): void {
    this.#byKey.set(flight.key, flight)
    this.#all.add(flight)
  }

  /** The flight is over: nobody joins it any more, and its turn is another one's. */
  end(flight: Flight): void {
    if (flight.state === 'foreign') this.advice.addWaiter(flight.token, -1)
    flight.end()
    this.#all.delete(flight)
    if (this.#byKey.get(flight.key) === flight) this.#byKey.delete(flight.key)
    this.leaveTurn(flight)
  }

  leaveTurn(flight: Flight): void {
    const { turn } = flight
    flight.turn = undefined
    if (turn !== undefined) flight.view.queue.leave(turn)
  }

  /** The stamp of tags at the beginning of the load, wherever it runs. */
  stampOf(flight: Flight): number {
    return flight.state === 'foreign' ? this.advice.stampOf(flight.token) : flight.stamp
  }

  // ── Those who wait ──

  /** A load that begins after its caller asked is always good enough; one that runs is if nothing was invalidated since it began. */
  mayTake(waiter: Waiter, flight: Flight): boolean {
    if (flight.state === 'queued' || (flight.state === 'loading' && flight.place > waiter.asked)) return true
    return flight.token > 0 && this.stampOf(flight) === this.engine.tagStamp()
  }

  /** It waits for a load that another one has begun. Once for each caller, however often it looks. */
  countWaiting(waiter: Waiter): void {
    if (waiter.waitingSince > 0) return
    waiter.waitingSince = performance.now()
    this.engine.count(Counter.loadsWaited, 1)
  }

  /** Says that the load which asks, if one does, waits for this one, so that circles over threads can be found. */
  noteAsker({ asker }: Waiter, flight: Flight): void {
    if (asker?.state === 'loading' && asker.token > 0 && flight.token > 0) this.advice.waits(asker.token, flight.token)
  }

  /** The waiter waits for its flight no longer. */
  detach(waiter: Waiter): void {
    const { flight } = waiter
    if (flight === undefined) return
    flight.remove(waiter)
    this.#release(waiter, flight)
  }

  /** Everyone who waits for the flight; they wait no longer. */
  dismiss(flight: Flight): Waiter[] {
    const waiters = flight.dismiss()
    for (const waiter of waiters) this.#release(waiter, flight)
    return waiters
  }

  #release(waiter: Waiter, flight: Flight): void {
    const { asker } = waiter
    if (asker === undefined) return
    asker.waitsFor.delete(flight)
    if (asker.token > 0 && flight.token > 0) this.advice.waitsNoLonger(asker.token, flight.token)
  }

  /** What may be served in place of a value that does not come; looked up anew, since it may have been deleted meanwhile. */
  staleFor(waiter: Waiter): unknown {
    if (waiter.settings.grace <= 0) return undefined
    const value = waiter.view.entries.lookUp(waiter.key)
    if (value !== undefined && this.engine.found[Found.state] === FoundState.stale) {
      this.engine.count(Counter.staleServed, 1)
    }
    return value
  }

  /** Answers with what is stale, where the caller may have it, else with the error. */
  failOrServe(waiter: Waiter, error: unknown): void {
    const stale = this.staleFor(waiter)
    if (stale === undefined) waiter.fail(error)
    else waiter.succeed(stale)
  }
}
