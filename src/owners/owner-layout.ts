// Where everything stands in the memory that owners and the threads that look after them share, in 32-bit words: a header, a row for each
// owner, a word for each shard that says whose it is. May touch: nothing. Only TypeScript reads it; engines know nothing of owners.

/** As many as a cache can have shards. */
export const DEALS = 256

// Words of the header.
export const COUNT = 0
/** 1: there is work for owners, so whoever looks and finds one missing starts it. */
export const NEEDED = 1
/** Moves on whenever an owner comes or goes. */
export const CHANGES = 2
export const HEADER_WORDS = 32

/** Words of a row; 256 bytes, so that what callers ring and what the owner counts lie in cache lines of their own. */
export const Row = {
  /** epoch << 2 | state. The one word that decides who is the owner: changed by compare-and-set alone. */
  claim: 0,
  /** When the present start was begun, in ms of the process's monotonic clock, low 32 bits. */
  since: 1,
  /** worker_threads.threadId + 1. */
  nodeThread: 2,
  starts: 3,
  /** Starts in a row that came to nothing, and when the next one may be tried. */
  failures: 4,
  notBefore: 5,
  /** Signs of life, see below. */
  signs: 16,
  /** Moved on and notified by whoever wants the owner. */
  doorbell: 32,
  /** 1: the owner sleeps, and may do so for long. */
  asleep: 33,
  /** 1: the owner waits at its doorbell, or is about to; who has something for it notifies. */
  parked: 34,
  /** When the owner last said that it lives. */
  beat: 48,
  turns: 49,
  busyMs: 50,
  shards: 51,
} as const
export const ROW_WORDS = 64

/**
 * How the owner's thread is proven dead (src/attach/thread-life.ts). Written before it is known whether its start still counts, so each
 * of four successive epochs has a place of its own, and what does not carry the right epoch tells nothing.
 */
export const SIGNS = 4
export const Sign = { epoch: 0, word: 1, startLow: 2, startHigh: 3 } as const
export const SIGN_WORDS = 4

export const State = { vacant: 0, starting: 1, running: 2 } as const

export const ROWS_AT = HEADER_WORDS
/** A deal is (epoch << 6 | owner's index + 1), 0 for nobody's. */
export const DEAL_BITS = 6

/** Word of the first deal. */
export function dealsAt(count: number): number {
  return ROWS_AT + count * ROW_WORDS
}

/** Words of all of it. */
export function wordsFor(count: number): number {
  return dealsAt(count) + DEALS
}
