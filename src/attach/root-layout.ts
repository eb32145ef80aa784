// Where everything stands in the root memory, in 32-bit words: a header, a line for each thread, a slot for each name. May touch:
// nothing. A change here is a change of PROTOCOL in wire.ts.

export const MAGIC = 0x4f535452
export const LINES = 1024
export const LINE_WORDS = 4
/** More than one thread can take up by its arrival. */
export const UPKEEP_LINES = 3
/** As long as no more are in use, nobody needs to look for dead threads among them. */
export const FEW_LINES = 16
/** Enough for LINES + 1. */
export const LINE_BITS = 11
export const SLOTS = 512
export const HOLDER_WORDS = LINES / 32
/** Longest name in UTF-16 units. */
export const MAX_NAME = 255

// Words of the header.
export const MAGIC_WORD = 0
export const STATE = 1
export const LOCK = 2
export const CHANGES = 3
export const INCARNATIONS = 4
export const LINES_END = 5
export const SLOTS_END = 6
export const ID_LOW = 7
export const ID_HIGH = 8
export const LOCK_NUMBERS = 9
export const UPKEEP = 10
export const MAIN_STANDS = 11
export const HEADER_WORDS = 16

export const ORPHAN = 2

// Words of a line: the life sign; worker_threads.threadId + 1 once the thread has been admitted.
export const SIGN = 0
export const START_LOW = 1
export const START_HIGH = 2
export const MEMBER = 3

// Words of a slot; then the holders' bits, then the name's units.
export const SLOT_STATE = 0
export const SLOT_INCARNATION = 1
export const SLOT_CREATOR = 2
export const SLOT_LENGTH = 3
export const SLOT_HOLDERS = 4
export const SLOT_NAME = SLOT_HOLDERS + HOLDER_WORDS
export const SLOT_WORDS = SLOT_NAME + (MAX_NAME + 1) / 2

export const LINES_AT = HEADER_WORDS
export const SLOTS_AT = LINES_AT + LINES * LINE_WORDS
export const WORDS = SLOTS_AT + SLOTS * SLOT_WORDS

export const SlotState = { free: 0, creating: 1, ready: 2 } as const
