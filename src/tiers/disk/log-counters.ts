// What a log counts. Counts only grow, for as long as the log lives. Touches nothing.

/** What became of a `put`. In every case but `stored` nothing is left under the key. */
export type PutOutcome = 'stored' | 'tooLarge' | 'notAdmitted' | 'noRoom' | 'busy' | 'outdated'

export interface LogCounters {
  hits: number
  misses: number
  /** Reads that found a record which could not be believed. */
  corrupt: number
  readErrors: number
  /** Reads refused because too many were waiting, and given up because they took too long. */
  readsRefused: number
  readsLate: number
  /** Records found expired, invalidated by a tag, or of another key. */
  expired: number
  outdated: number
  collisions: number
  stored: number
  refused: Record<Exclude<PutOutcome, 'stored'>, number>
  tombstones: number
  /** Records that outlived their region because they had been read, and tombstones that had to. */
  reinserted: number
  carried: number
  emptied: number
  /** How often everything was given up because a tombstone found no room. */
  floors: number
  /** Bytes of records accepted, and bytes written to the file for them and for everything else. */
  bytesStored: number
  bytesWritten: number
  flushes: number
}

export function noCounts(): LogCounters {
  return {
    hits: 0,
    misses: 0,
    corrupt: 0,
    readErrors: 0,
    readsRefused: 0,
    readsLate: 0,
    expired: 0,
    outdated: 0,
    collisions: 0,
    stored: 0,
    refused: { tooLarge: 0, notAdmitted: 0, noRoom: 0, busy: 0, outdated: 0 },
    tombstones: 0,
    reinserted: 0,
    carried: 0,
    emptied: 0,
    floors: 0,
    bytesStored: 0,
    bytesWritten: 0,
    flushes: 0,
  }
}
