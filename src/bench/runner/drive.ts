// One slice of load in one thread: ramp, measured window, cool-down, drain; in a closed loop or with open arrivals. Latencies under open
// arrivals count from when a request was due, not from when it was sent: a stall is seen by all that came meanwhile.
// May touch: the requester and the clock it is given.
import { histogramBytes, LatencyHistogram } from '../../replay/latency.js'
import { dueTimes, type OpenArrivals } from './arrivals.js'
import type { Clock } from './clock.js'
import {
  type AsyncRequester,
  addCounts,
  noCounts,
  type RequestCounts,
  type Requester,
  type SyncRequester,
} from './requester.js'

export interface Slice {
  /** Milliseconds that are measured; or a count of requests, then without ramp and cool-down. */
  readonly milliseconds?: number
  readonly requests?: number
  /** Milliseconds before, in which the load rises, and after, in which it goes on without being counted. */
  readonly ramp: number
  readonly coolDown: number
  /** Milliseconds that answers still under way are waited for. */
  readonly drain: number
  /** Absent: a closed loop. Its rate is this thread's share. */
  readonly arrivals?: OpenArrivals | undefined
  /** Requests at once: connections times pipeline depth, of this thread. */
  readonly atOnce: number
  /** In a closed loop of synchronous calls one in so many is timed: the clock costs as much as a hit. */
  readonly sampleEvery: number
  readonly seed: number
}

export interface SliceResult {
  /** That began in the measured window. */
  readonly requests: number
  readonly seconds: number
  /** Of every request from the ramp to the end of the cool-down. */
  readonly counts: RequestCounts
  /** A LatencyHistogram. */
  readonly latencies: ArrayBuffer
  /** Not answered when draining ended; they are in the histogram with the time that they had waited by then. */
  readonly unanswered: number
  /** Milliseconds that the latest request was sent after it was due because the loop itself was busy; 0 in a closed loop. */
  readonly latest: number
}

/** Requests between two looks at the clock in a closed loop. */
const block = 32

/** Where in the stream a thread is; goes on from slice to slice. */
export interface Position {
  next: number
}

export async function drive(
  requester: Requester,
  slice: Slice,
  position: Position,
  clock: Clock,
): Promise<SliceResult> {
  requester.counts = noCounts()
  const driving = new Driving(slice, position, clock)
  if (slice.arrivals !== undefined) await driving.open(requester, slice.arrivals)
  else if (requester.asynchronous) await driving.closedAsync(requester)
  else driving.closedSync(requester)
  return driving.result(requester)
}

class Driving {
  readonly #slice: Slice
  readonly #position: Position
  readonly #clock: Clock
  readonly #memory = new ArrayBuffer(histogramBytes)
  readonly #latencies = new LatencyHistogram(this.#memory)
  #requests = 0
  #seconds = 0
  #unanswered = 0
  #latest = 0

  constructor(slice: Slice, position: Position, clock: Clock) {
    this.#slice = slice
    this.#position = position
    this.#clock = clock
  }

  result(requester: Requester): SliceResult {
    const counts = noCounts()
    addCounts(counts, requester.counts)
    return {
      requests: this.#requests,
      seconds: this.#seconds,
      counts,
      latencies: this.#memory,
      unanswered: this.#unanswered,
      latest: this.#latest,
    }
  }

  #record(milliseconds: number): void {
    this.#latencies.record(milliseconds * 1e6)
  }

  closedSync(requester: SyncRequester): void {
    const { milliseconds, requests = Number.POSITIVE_INFINITY, ramp, coolDown, sampleEvery } = this.#slice
    const clock = this.#clock
    const begun = clock.now()
    const timed = milliseconds !== undefined
    const measured = timed ? begun + ramp : begun
    const end = timed ? measured + milliseconds : Number.POSITIVE_INFINITY
    const stop = end + coolDown
    let first = Number.NaN
    let last = begun
    // A jittered stride: a fixed one could beat with loops in the workload.
    let untilSample = 1
    for (let now = begun; now < stop && this.#requests < requests; ) {
      const counted = now >= measured && now < end
      if (counted && Number.isNaN(first)) first = now
      const count = Math.min(block, requests - this.#requests)
      for (let at = 0; at < count; at++) {
        if (--untilSample > 0 || !counted) {
          requester.ask(this.#position.next++)
          continue
        }
        untilSample = 1 + (((this.#position.next * 0x9e37_79b1) >>> 0) % (2 * sampleEvery - 1))
        const before = clock.now()
        requester.ask(this.#position.next++)
        this.#record(clock.now() - before)
      }
      now = clock.now()
      if (!counted) continue
      this.#requests += count
      last = now
    }
    this.#seconds = Math.max(last - first, 1e-6) / 1000
  }

  async closedAsync(requester: AsyncRequester): Promise<void> {
    const { milliseconds, requests = Number.POSITIVE_INFINITY, ramp, coolDown, drain, atOnce } = this.#slice
    const clock = this.#clock
    const begun = clock.now()
    const timed = milliseconds !== undefined
    const measured = timed ? begun + ramp : begun
    const end = timed ? measured + milliseconds : Number.POSITIVE_INFINITY
    const stop = end + coolDown
    const waiting = new Set<{ since: number }>()
    let last = begun
    const caller = async (index: number) => {
      // During the ramp one caller after the other begins.
      if (timed && ramp > 0 && index > 0) await clock.until(begun + (ramp * index) / atOnce)
      for (;;) {
        const before = clock.now()
        if (before >= stop || this.#requests >= requests) return
        const counted = before >= measured && before < end
        if (counted) this.#requests++
        const own = { since: before }
        if (counted) waiting.add(own)
        await requester.ask(this.#position.next++)
        const after = clock.now()
        if (counted && waiting.delete(own)) {
          this.#record(after - before)
          last = Math.max(last, after)
        }
      }
    }
    const callers = Promise.all(Array.from({ length: atOnce }, (_, index) => caller(index)))
    // What never answers must not be waited for without end; a count of requests has no end of its own to count from.
    const answered = new AbortController()
    if (timed) await Promise.race([callers, clock.until(stop + drain, answered.signal)])
    else await callers
    answered.abort()
    this.#giveUp(waiting)
    this.#seconds = (timed ? milliseconds : Math.max(last - begun, 1e-3)) / 1000
  }

  async open(requester: Requester, arrivals: OpenArrivals): Promise<void> {
    const { milliseconds, requests = Number.POSITIVE_INFINITY, ramp, coolDown, drain, atOnce, seed } = this.#slice
    const clock = this.#clock
    const timed = milliseconds !== undefined
    const before = timed ? ramp : 0
    const due = dueTimes(arrivals, before, seed)
    const begun = clock.now()
    const measured = begun + before
    const end = timed ? measured + milliseconds : Number.POSITIVE_INFINITY
    const stop = end + coolDown
    const waiting = new Set<{ since: number }>()
    let inFlight = 0
    let lastTurn = begun
    let wake: (() => void) | undefined
    let last = begun
    const answered = new AbortController()
    let deadline: Promise<void> | undefined
    for (;;) {
      const at = begun + due()
      if (at >= stop || this.#requests >= requests) break
      if (clock.now() < at) {
        await clock.until(at)
        lastTurn = clock.now()
      } else if (clock.now() - lastTurn > 5) {
        // Behind: answers of others still have to get their turn.
        await clock.until(clock.now())
        lastTurn = clock.now()
      }
      const counted = at >= measured && at < end
      if (counted) {
        this.#requests++
        this.#latest = Math.max(this.#latest, clock.now() - at)
      }
      if (!requester.asynchronous) {
        requester.ask(this.#position.next++)
        const now = clock.now()
        if (counted) this.#record(now - at)
        last = now
        continue
      }
      // No more at once than there are connections: what waits for one waits since it was due, but not beyond the drain.
      while (inFlight >= atOnce && clock.now() < stop + drain) {
        const answer = new Promise<void>((resolve) => {
          wake = resolve
        })
        if (timed) deadline ??= clock.until(stop + drain, answered.signal)
        await (deadline === undefined ? answer : Promise.race([answer, deadline]))
      }
      if (inFlight >= atOnce) {
        if (counted) waiting.add({ since: at })
        continue
      }
      inFlight++
      const own = { since: at }
      if (counted) waiting.add(own)
      void requester.ask(this.#position.next++).then(() => {
        inFlight--
        const now = clock.now()
        if (waiting.delete(own)) {
          this.#record(now - at)
          last = now
        }
        wake?.()
        wake = undefined
      })
    }
    const drained = clock.now() + drain
    while (waiting.size > 0 && clock.now() < drained) await clock.until(Math.min(drained, clock.now() + 1))
    answered.abort()
    this.#giveUp(waiting)
    this.#seconds = (timed ? milliseconds : Math.max(last - begun, 1e-3)) / 1000
  }

  #giveUp(waiting: Set<{ since: number }>): void {
    const now = this.#clock.now()
    for (const { since } of waiting) this.#record(now - since)
    this.#unanswered = waiting.size
    waiting.clear()
  }
}
