// How much a cache observes of itself. Types only.

/**
 * `off`: nothing is counted. `counters`: everything is counted, loads are timed. `sampled`: besides, about one operation in 256 is timed and its key
 * noted. `full`: every operation is.
 */
export type StatsLevel = 'off' | 'counters' | 'sampled' | 'full'

export const levels = ['off', 'counters', 'sampled', 'full'] as const satisfies readonly StatsLevel[]
export const Level = { off: 0, counters: 1, sampled: 2, full: 3 } as const
