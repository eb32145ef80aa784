// What the stampede suite and its threads share and tell each other. May touch: nothing but types and constants.

export interface StampedeTask {
  readonly asker: string
  readonly threads: number
  readonly keys: number
  readonly ttl: number
  /** Milliseconds of one query, and how many the source does at once for all threads. */
  readonly queryMs: number
  readonly atOnce: number
  /** Words of Source, over all threads. */
  readonly source: Int32Array
}

/** Queries in all; waiting or running now; most of these at once. */
export const Source = { queries: 0, now: 1, most: 2 } as const
