// The channel: how any thread asks an owner for what must not happen on a caller's path. The contract of both sides in one place; the
// client's is fulfilled by client.ts, the owner's by server.ts. May touch: nothing but types and constants.
//
//   client thread                                          owner
//   request(owner, kind, payload) ──▶ request ring ──▶ service of that kind
//          promise ◀───────────────── answer ring ◀──── answer, or the promise of one
//
// A request is answered exactly once or fails with a code (docs/errors.md); it never waits longer than its timeout. Requests of one client to
// one owner begin in order and may be answered in any order.

/** What a request asks for. One byte; the number is part of the protocol between threads of one version. */
export const RequestKind = {
  /** Answered with nothing, at once: whether the owner lives and is reached. */
  ping: 1,
  /** Answered with its own payload. */
  echo: 2,
  /** Upkeep of all the owner's shards now, as far as it goes; answered when there is no more to do. */
  tend: 3,
  /** From here on: what tiers behind memory register. */
  tiers: 16,
} as const

/** One request, as a service sees it. It stays as it is until the answer is given, even when its client dies meanwhile. */
export interface IncomingRequest {
  readonly kind: number
  /** In shared memory, not copied: read it, or copy it, before the answer. Nobody else writes there meanwhile. */
  readonly payload: Uint8Array
  /** Bytes that the answer may have. A longer one makes the client ask again with enough room, where there is any. */
  readonly room: number
  /** Milliseconds left before the client gives up; at least 1. */
  readonly timeLeft: number
  /** Aborted when nobody waits for the answer any more: cancelled, out of time, the client is gone, the owner ends. Made when first read. */
  readonly signal: AbortSignal
}

/** The bytes of an answer, copied before the call that takes them returns; `undefined`: there is nothing. Not an error. */
export type Answer = Uint8Array | undefined

/** What an owner does for one kind of request. Lives in the owner's thread and is called there alone. */
export interface Service {
  readonly kind: number
  /**
   * Answers at once where it can: a promise costs microseconds, and keeps the owner from sleeping deeply while it is pending. What it throws
   * fails the request with OSTRAKA_ERR_REQUEST_FAILED and the error's message. It may be called again for the same request (an answer longer
   * than the room): reading twice is right, doing twice must not matter. Synchronous work above a millisecond belongs into steps.
   */
  handle(request: IncomingRequest): Answer | Promise<Answer>
  /** The owner ends: what is open is closed. Requests in flight are aborted first. */
  close?(): void | Promise<void>
}

export interface RequestOptions {
  /** Milliseconds until the request fails with OSTRAKA_ERR_REQUEST_TIMEOUT, waiting for a place in the ring included. Default 1,000. */
  readonly timeout?: number | undefined
  /** Rejects with the signal's reason; the owner is told. */
  readonly signal?: AbortSignal | undefined
  /** Bytes to set aside for the answer. Default 1,024, or the payload's length where that is more. */
  readonly room?: number | undefined
}

/** A thread's side of the channel to all owners of one cache. */
export interface OwnerChannel {
  /**
   * Asks an owner. Resolves with a copy of the answer. Rejects with OSTRAKA_ERR_REQUEST_TIMEOUT, OSTRAKA_ERR_REQUEST_FAILED (the service threw, or
   * there is none of this kind), OSTRAKA_ERR_OWNER_GONE (the owner does not run, or died meanwhile: whether it has done the work is not known),
   * OSTRAKA_ERR_CHANNEL_FULL (too much is waiting already, or the payload is longer than the staging memory), OSTRAKA_ERR_CLOSED, or the
   * signal's reason. Never blocks. The process stays alive while it is pending, and no longer.
   */
  request(owner: number, kind: number, payload: Uint8Array | undefined, options?: RequestOptions): Promise<Answer>
  /** Requests that are pending in this thread. */
  readonly pending: number
  /** Fails what is pending with OSTRAKA_ERR_CLOSED and gives the thread's places back. */
  close(): void
}
