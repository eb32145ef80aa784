// A load that runs in this thread: its turn, its lease, its loader, and what becomes of the value or the error. Touches the engine, the queue of
// its view, and one timer for each load.
import type { Entries } from '../cache/entries.js'
import { Acquired, type EntryFields, Found, Lease, Mode, Status } from '../engine/engine.js'
import { Counter } from '../engine/layout.js'
import { OstrakaError } from '../errors.js'
import { encodeValue } from '../values/encode.js'
import { captureContext, contextOf, running } from './context.js'
import { jittered } from './early-expiry.js'
import { tellEnd, tellStart, traceLoad } from './events.js'
import type { Flight } from './flight.js'
import type { Flights } from './flights.js'
import type { OtherThreads } from './other-threads.js'
import { encodeOutcome } from './outcome.js'
import type { Turn } from './queue.js'
import { checkTags, tagCounters } from './tags.js'
import type { Waiter } from './waiter.js'

/** Milliseconds that a lease outlasts its load's hard timeout: its own thread ends it first, with an error that it can tell the others. */
const LEASE_MARGIN = 500
/** How late it may be noticed that callers of other threads have left a load, in milliseconds. */
const WATCH_EVERY = 100
const noTags = new Uint32Array(0)

export class OwnLoads {
  readonly #flights: Flights
  readonly #others: OtherThreads
  readonly #lookAgain: (waiter: Waiter) => void

  constructor(flights: Flights, others: OtherThreads, lookAgain: (waiter: Waiter) => void) {
    this.#flights = flights
    this.#others = others
    this.#lookAgain = lookAgain
  }

  /** Gives a flight its turn, at once if there is room. One that another load waits for takes none: it runs within that one's. */
  enter(flight: Flight, nested: boolean): void {
    if (nested) {
      this.#begin(flight)
      return
    }
    let turn: Turn
    try {
      turn = flight.view.queue.enter((mine) => {
        flight.turn = mine
        this.#begin(flight)
      }, flight.background)
    } catch (error) {
      this.#flights.end(flight)
      for (const waiter of this.#flights.dismiss(flight)) this.#flights.failOrServe(waiter, error)
      return
    }
    if (turn.state !== 'waiting') return
    flight.turn = turn
    flight.context ??= captureContext()
    for (const waiter of flight.waiters) waiter.limit(Infinity)
  }

  /** A caller has gone; a load that nobody waits for is aborted, unless it was meant to go on. */
  left(flight: Flight, reason: unknown): void {
    if (flight.waiters.size > 0 || flight.background || flight.state === 'over') return
    if (flight.state !== 'loading' || !this.#hasForeignWaiters(flight)) this.abandon(flight, reason)
    // It goes on for callers of other threads, who tell nobody when they leave.
    else flight.watch ??= setInterval(() => this.left(flight, reason), WATCH_EVERY).unref()
  }

  #hasForeignWaiters({ token }: Flight): boolean {
    return token > 0 && this.#flights.advice.hasWaiters(token)
  }

  /** Gives a load up: nobody waits, or the handle closes. Its callers, if any, have been dismissed. */
  abandon(flight: Flight, reason: unknown): void {
    if (flight.state === 'over') return
    this.#endLease(flight, Lease.abandoned, undefined)
    this.#flights.end(flight)
    flight.abort(reason)
    tellEnd(flight, 'aborted')
  }

  #begin(flight: Flight): void {
    const { engine } = this.#flights
    const { key, settings, early } = flight
    const token = engine.acquireLease(key, settings.hardTimeout + LEASE_MARGIN, early)
    if (token === Acquired.running && !flight.background) {
      this.#leaveToOther(flight, engine.found[Found.lease] as number)
    } else if (token > 0 || (token === Acquired.full && !flight.background)) {
      this.#run(flight, Math.max(0, token))
    } else {
      // Somebody else has loaded it, or does so.
      this.#flights.end(flight)
      for (const waiter of this.#flights.dismiss(flight)) this.#lookAgain(waiter)
    }
  }

  #leaveToOther(flight: Flight, token: number): void {
    this.#flights.leaveTurn(flight)
    flight.context ??= captureContext()
    this.#others.waitFor(flight, token)
    for (const waiter of flight.waiters) {
      waiter.exact = this.#flights.mayTake(waiter, flight)
      waiter.limit(Infinity)
      this.#flights.countWaiting(waiter)
      this.#flights.noteAsker(waiter, flight)
    }
  }

  #run(flight: Flight, token: number): void {
    const { engine } = this.#flights
    const { hardTimeout } = flight.settings
    flight.state = 'loading'
    flight.token = token
    flight.place = this.#flights.next()
    flight.stamp = engine.tagStamp()
    if (token > 0) this.#flights.advice.begin(token, flight.stamp)
    engine.count(Counter.loads, 1)
    flight.limit(hardTimeout, () => this.#timedOut(flight))
    flight.beganOnClock = engine.now()
    for (const waiter of flight.waiters) {
      waiter.limit(flight.deadline)
      this.#flights.noteAsker(waiter, flight)
    }
    tellStart(flight)
    this.#call(flight)
  }

  #call(flight: Flight): void {
    const work = () => running.run(flight, flight.loader, contextOf(flight))
    let result: unknown
    try {
      result = traceLoad(flight, () => (flight.context === undefined ? work() : flight.context(work)))
      if (isThenable(result)) {
        Promise.resolve(result).then(
          (value) => this.#loaded(flight, value),
          (error: unknown) => this.#failed(flight, error, true),
        )
        return
      }
    } catch (error) {
      this.#failed(flight, error, true)
      return
    }
    this.#loaded(flight, result)
  }

  #loaded(flight: Flight, result: unknown): void {
    if (this.#isTooLate(flight)) return
    if (flight.skipped || result === undefined) {
      this.#nothing(flight)
      return
    }
    let tags: readonly string[]
    let kind = 0
    let value: Uint8Array | string
    try {
      tags = tagsOf(flight, result)
      // The last of the user's code that runs: from here on the bytes stay as they are until all have their value.
      if (typeof result === 'string') value = result
      else ({ kind, bytes: value } = encodeValue(result, flight.view.codec))
    } catch (error) {
      // A fault of the program, which serving something stale would hide.
      this.#failed(flight, error, false)
      return
    }
    if (this.#isTooLate(flight)) return
    const kept = this.#keep(flight, kind, value, tags)
    this.#flights.backoff.succeeded(flight.key)
    this.#endLease(flight, kept ? Lease.filled : Lease.abandoned, undefined)
    // Its turn goes to another load only when all have their value: that one's loader may write over the bytes.
    const { turn } = flight
    flight.turn = undefined
    this.#flights.end(flight)
    const again = this.#deliver(flight, result, kind, value)
    if (turn !== undefined) flight.view.queue.leave(turn)
    for (const waiter of again) this.#lookAgain(waiter)
    tellEnd(flight, kept ? 'kept' : 'refused')
  }

  /** Whether the load was given up before its loader came to an end. */
  #isTooLate(flight: Flight): boolean {
    if (flight.state !== 'over') return false
    if (flight.view.owner.open) this.#flights.engine.count(Counter.fillsRefused, 1)
    return true
  }

  #keep(flight: Flight, kind: number, value: Uint8Array | string, tags: readonly string[]): boolean {
    const { settings, token } = flight
    const ttl = flight.ttl ?? settings.ttl
    // Without a lease nobody could say what was deleted or invalidated meanwhile.
    if (token === 0 || ttl === 0 || kind < 0) return false
    const { engine } = this.#flights
    const fresh = jittered(ttl, settings.ttlJitter, Math.random())
    const inGrace = settings.grace > 0 && fresh > 0
    const fields: EntryFields = {
      ttl: inGrace ? endOfGrace(fresh, settings.grace) : fresh,
      idle: settings.idle,
      soft: inGrace ? fresh : -1,
      cost: this.#costOf(flight),
      stamp: flight.stamp,
      tags: tags.length === 0 ? noTags : tagCounters(engine, tags),
      lease: token,
    }
    const kept = engine.writeEntry(flight.key, value, kind, Mode.fill, fields) === Status.stored
    if (kept) {
      const { observer } = flight.view.owner
      observer.changes.tell('set', flight.key)
      if (tags.length > 0) observer.tagged(tags)
    }
    return kept
  }

  /** Milliseconds that the load took. */
  #costOf(flight: Flight): number {
    if (flight.view.manualClock) return Math.max(0, this.#flights.engine.now() - flight.beganOnClock)
    return performance.now() - flight.began
  }

  /** Gives all their value; returns those who must look again. */
  #deliver(flight: Flight, result: unknown, kind: number, value: Uint8Array | string): Waiter[] {
    const again: Waiter[] = []
    let sharedBy: Entries | undefined
    let shared: unknown
    for (const waiter of this.#flights.dismiss(flight)) {
      const { entries } = waiter.view
      if (!waiter.exact) again.push(waiter)
      else if (typeof value === 'string') waiter.succeed(value)
      // Too large for any cache, and for one more copy: the loader's own.
      else if (kind < 0) waiter.succeed(result)
      else if (sharedBy === entries) waiter.succeed(shared)
      else {
        const own = entries.handOut(kind, value)
        if (entries.mayShare(kind, value, own)) {
          sharedBy = entries
          shared = own
        }
        waiter.succeed(own)
      }
    }
    return again
  }

  #nothing(flight: Flight): void {
    this.#flights.backoff.succeeded(flight.key)
    this.#endLease(flight, Lease.nothing, undefined)
    this.#flights.end(flight)
    for (const waiter of this.#flights.dismiss(flight)) {
      if (waiter.exact) waiter.succeed(undefined)
      else this.#lookAgain(waiter)
    }
    tellEnd(flight, 'nothing')
  }

  /** `graceful`: callers may get something stale instead. */
  #failed(flight: Flight, error: unknown, graceful: boolean): void {
    if (flight.state === 'over') return
    const { engine, backoff } = this.#flights
    engine.count(Counter.loadsFailed, 1)
    backoff.failed(flight.key, engine.now())
    this.#endLease(flight, Lease.failed, flight.token > 0 ? encodeOutcome(error) : undefined)
    this.#flights.end(flight)
    for (const waiter of this.#flights.dismiss(flight)) {
      if (graceful) this.#flights.failOrServe(waiter, error)
      else waiter.fail(error)
    }
    tellEnd(flight, 'failed', error)
  }

  #timedOut(flight: Flight): void {
    const error = timeoutError(flight.shown, flight.settings.hardTimeout)
    this.#failed(flight, error, true)
    flight.abort(error)
  }

  #endLease(flight: Flight, state: number, outcome: Uint8Array | undefined): void {
    if (flight.state !== 'loading' || flight.token === 0) return
    this.#flights.advice.waitsForNothing(flight.token)
    this.#flights.engine.endLease(flight.key, flight.token, state, outcome)
  }
}

export function timeoutError(key: string, milliseconds: number): OstrakaError {
  const message = `The load of '${key}' took longer than its hardTimeout of ${milliseconds} ms; make it faster or allow more`
  return new OstrakaError('OSTRAKA_ERR_LOAD_TIMEOUT', message)
}

function tagsOf(flight: Flight, value: unknown): readonly string[] {
  if (flight.tags !== undefined) return flight.tags
  const { tags } = flight.settings
  if (tags === undefined) return []
  if (typeof tags !== 'function') return tags
  const made = tags(value)
  checkTags(made, `the tags of '${flight.shown}'`)
  return made
}

function endOfGrace(fresh: number, grace: number): number {
  return fresh + grace < 2 ** 47 ? Math.ceil(fresh + grace) : -1
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return 'then' in value && typeof value.then === 'function'
}
