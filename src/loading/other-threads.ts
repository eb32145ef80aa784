// Loads that other threads run, and callers of this thread wait for. Touches the lease table and a timer by way of waiting.ts.
import { Found, FoundState, Lease } from '../engine/engine.js'
import { circleOverThreads, cycleError } from './cycles.js'
import type { Flight } from './flight.js'
import type { Flights } from './flights.js'
import { decodeOutcome } from './outcome.js'
import type { Waiter } from './waiter.js'
import { waitForLease } from './waiting.js'

export class OtherThreads {
  readonly #flights: Flights
  readonly #lookAgain: (waiter: Waiter) => void

  constructor(flights: Flights, lookAgain: (waiter: Waiter) => void) {
    this.#flights = flights
    this.#lookAgain = lookAgain
  }

  /** Lets the flight wait for a lease that runs elsewhere. */
  waitFor(flight: Flight, token: number): void {
    flight.state = 'foreign'
    flight.token = token
    this.#flights.advice.addWaiter(token, 1)
    const ended = (state: number) => this.#ended(flight, state)
    flight.cancel = waitForLease(this.#flights.engine, token, ended, () => this.#refuseCircles(flight))
  }

  /** Callers whose load waits for itself, by way of other threads, get an error. */
  #refuseCircles(flight: Flight): void {
    const { engine, advice } = this.#flights
    for (const waiter of flight.waiters) {
      const asker = waiter.asker?.state === 'loading' ? waiter.asker.token : 0
      const circle = asker > 0 ? circleOverThreads(engine, advice, flight.token, asker) : undefined
      if (circle === undefined || circle !== waiter.circle) {
        waiter.circle = circle
        continue
      }
      this.#flights.detach(waiter)
      waiter.fail(cycleError(waiter.shown))
    }
    if (flight.waiters.size === 0) this.#flights.end(flight)
  }

  #ended(flight: Flight, state: number): void {
    this.#flights.end(flight)
    const waiters = this.#flights.dismiss(flight)
    if (state === Lease.failed && this.#shareFailure(flight, waiters)) return
    for (const waiter of waiters) {
      // Everything else is in the cache, or has to be loaded once more.
      if (state === Lease.nothing && waiter.exact) waiter.succeed(undefined)
      else this.#lookAgain(waiter)
    }
  }

  /** Hands the error on; false where it is not kept (any more), or something stale is there. */
  #shareFailure(flight: Flight, waiters: readonly Waiter[]): boolean {
    const { engine, backoff } = this.#flights
    const length = engine.lookUp(flight.key)
    const state = engine.found[Found.state]
    if (state === FoundState.stale) backoff.failed(flight.key, engine.now())
    if (state !== FoundState.failed || engine.found[Found.lease] !== flight.token) return false
    if (typeof length !== 'number') return false
    const error = decodeOutcome(engine.scratch.slice(0, length))
    for (const waiter of waiters) waiter.fail(error)
    return true
  }
}
