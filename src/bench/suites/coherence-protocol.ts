// What the coherence suite and its threads share and tell each other. May touch: nothing but types and constants.
import type { Subject } from '../runner/target.js'

export interface CoherenceTask {
  readonly subject: Subject
  readonly thread: number
  readonly threads: number
  /** The last version whose set has returned; not 0 when all is over. */
  readonly words: Int32Array
  /** When that was, in nanoseconds of the clock that threads share. */
  readonly since: BigInt64Array
}

export const Word = { version: 0, over: 1 } as const

export interface Seen {
  readonly reads: number
  /** Reads that began after a set had returned, and yielded something older. */
  readonly stale: number
  /** Milliseconds from the return of a set until this thread first saw it. */
  readonly lags: readonly number[]
}
