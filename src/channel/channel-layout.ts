// Where everything stands in the channel's memory, in 32-bit words: for each owner a bitmap of lanes with news, then its lanes. A lane is all that
// one client and one owner have in common: a header, a ring of requests, a ring of answers, staging memory for payloads. May touch: nothing.
//
//   header │ requests depth × 8 words │ answers depth × 4 words │ staging, units of 64 bytes

const KIB = 1024
export const HEADER_WORDS = 32
/** One word for 32 lanes. */
export const NEWS_WORDS = 2
export const MAX_LANES = 32 * NEWS_WORDS

/** Words of a lane's header; what each side writes lies in a cache line of its own. */
export const Lane = {
  /** The client's sign of life; claimed by one compare-and-set from 0, so that a death leaves no lane without a holder. */
  sign: 0,
  startLow: 1,
  startHigh: 2,
  /** epoch of the owner << 2 | state: changed by the client to open and closed, by that owner (or when it is gone) to free. */
  binding: 16,
  requestHead: 17,
  answerTail: 18,
  requestTail: 32,
  answerHead: 33,
  /** Moved on and notified by the owner when there are answers. */
  bell: 34,
} as const
export const LANE_HEADER_WORDS = 48

export const LaneState = { free: 0, open: 1, closed: 2 } as const

/** Words of a request: what it is called, what it asks for, where its staging memory lies and how long payload and room for the answer are. */
export const Request = { id: 0, kind: 1, at: 2, length: 3, room: 4, deadline: 5 } as const
export const REQUEST_WORDS = 8
/** The kind that takes back a request: its `id` is that request's. */
export const CANCEL = 0

export const AnswerField = { id: 0, status: 1, length: 2 } as const
export const ANSWER_WORDS = 4
export const AnswerStatus = { bytes: 1, nothing: 2, tooLong: 3, failed: 4, expired: 5 } as const

/** What is told of a service's error, at most. */
export const MAX_ERROR_BYTES = 1024

/** Staging memory is dealt out in units of so many bytes. */
export const STAGING_UNIT = 64

export interface Shape {
  readonly owners: number
  readonly lanes: number
  readonly depth: number
  /** Bytes of a lane's staging memory. */
  readonly staging: number
}

/** How a channel of a cache of that size is cut: 1/64 of the memory, 64 KiB to 4 MiB for each owner. */
export function shapeFor(maxBytes: number, owners: number): Shape {
  const each = Math.min(Math.max(Math.floor(maxBytes / 64 / owners), 64 * KIB), 4 * KIB * KIB)
  const lanes = Math.min(Math.max(2 ** Math.floor(Math.log2(each / (64 * KIB))), 4), MAX_LANES)
  const bytes = Math.floor(each / lanes)
  const depth = bytes >= 48 * KIB ? 256 : 64
  const rings = (LANE_HEADER_WORDS + depth * (REQUEST_WORDS + ANSWER_WORDS)) * 4
  return { owners, lanes, depth, staging: Math.floor((bytes - rings - 256) / STAGING_UNIT) * STAGING_UNIT }
}

export function laneWords({ depth, staging }: Shape): number {
  return LANE_HEADER_WORDS + depth * (REQUEST_WORDS + ANSWER_WORDS) + staging / 4
}

export function ownerWords(shape: Shape): number {
  // The bitmap has a cache line of its own.
  return 16 + shape.lanes * laneWords(shape)
}

export function channelBytes(shape: Shape): number {
  return (HEADER_WORDS + shape.owners * ownerWords(shape)) * 4
}
