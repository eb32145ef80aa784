// What the thread that starts a replay and the threads that run it share and tell each other.
// May touch: nothing but types and constants.
import type { CacheOptions } from '../options/cache-options.js'
import type { Trace } from '../traces/trace.js'
import { histogramBytes } from './latency.js'

/**
 * Requests that a thread claims at a time. Small, so that threads stay close to the order of the trace, which decides
 * the hit ratio; large enough that the one atomic addition does not count.
 */
export const blockRequests = 64

/** Words of the shared state (Int32): the next block to claim; set to stop early. */
export const State = { next: 0, stop: 1 } as const
export const stateBytes = 64

/** Sums of one thread (Float64), each thread in lines of its own. */
export const Sum = {
  gets: 0,
  hits: 1,
  getBytes: 2,
  hitBytes: 3,
  sets: 4,
  notKept: 5,
  deletes: 6,
  wrong: 7,
} as const
export const sumCount = 16

/** Histograms of one thread. */
export const latencyKinds = ['get', 'set'] as const
export const latencyBytes = latencyKinds.length * histogramBytes

export interface WorkerTask {
  readonly trace: Trace
  readonly cache: CacheOptions
  /** Fixed size of values in bytes; undefined: the trace's own. */
  readonly valueBytes: number | undefined
  readonly thread: number
  readonly state: SharedArrayBuffer
  readonly sums: SharedArrayBuffer
  readonly latencies: SharedArrayBuffer
  /** Milliseconds in one unit of the trace's time, for a cache whose clock follows the trace; 0 = it does not. */
  readonly timeUnit: number
  /** For the trace's clock: the milliseconds by which the cache's clock was advanced (one BigInt64). */
  readonly clock: SharedArrayBuffer
}

export type ToWorker = 'attach' | 'go' | 'leave'

export type FromWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'attached'; readonly timerNanoseconds: number }
  /** Nanoseconds of the clock that all threads share. */
  | { readonly kind: 'done'; readonly started: number; readonly ended: number }
  | { readonly kind: 'failed'; readonly code: string | undefined; readonly message: string }
