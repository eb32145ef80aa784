// What a trace is: one request as readers hand it on, and the compact form that replays share between threads.
// May touch: nothing but types and constants.

/** What a request asks for; the number is how the compact form stores it. */
export const Operation = { get: 0, set: 1, add: 2, delete: 3, increment: 4 } as const
export type OperationName = keyof typeof Operation
export const operationNames: readonly OperationName[] = ['get', 'set', 'add', 'delete', 'increment']

export const traceFormats = ['arc', 'csv', 'twitter', 'oracle-general'] as const
export type TraceFormat = (typeof traceFormats)[number]

/** Longest key a cache takes, in bytes of UTF-8. */
export const longestKey = 65_535

/** One request of a trace, as `readRequests` yields it. */
export interface TraceRequest {
  readonly key: string
  readonly operation: OperationName
  /** Bytes of the value; 0 where the format does not tell. */
  readonly size: number
  /** Seconds to live; 0 for none. */
  readonly ttl: number
  /** In the trace's own unit; 0 where the format does not tell. */
  readonly time: number
}

/**
 * Takes requests from a parser. The key is `bytes[start … end)`, UTF-8, valid only during the call. Returns false to
 * pause the parser after this request.
 */
export interface RequestSink {
  request(
    bytes: Uint8Array,
    start: number,
    end: number,
    operation: number,
    size: number,
    ttl: number,
    time: number,
  ): boolean
}

/** Turns bytes into requests. The bytes come in pieces of any size; the piece stays untouched until the next `feed`. */
export interface TraceParser {
  feed(bytes: Uint8Array): void
  /** Hands on what it has; true when it needs more bytes, false when the sink paused it. */
  read(sink: RequestSink): boolean
  /** No more bytes will come: hands on the last request, or throws if the file stops in the middle of one. */
  end(sink: RequestSink): boolean
}

/**
 * A whole trace in typed arrays over shared memory, so that worker threads read it without a copy. Key `n` is
 * `keyBytes[keyOffsets[n] … keyOffsets[n + 1])`; request `i` is for key `ids[i]`. The optional arrays are there only
 * when some request has a value for them that is not 0.
 */
export interface Trace {
  readonly name: string
  readonly format: TraceFormat | 'generated'
  readonly requests: number
  readonly keys: number
  readonly keyBytes: Uint8Array
  readonly keyOffsets: Uint32Array
  readonly ids: Uint32Array
  readonly sizes: Uint32Array | undefined
  readonly operations: Uint8Array | undefined
  /** Seconds. */
  readonly ttls: Uint32Array | undefined
  /** The trace's own unit. */
  readonly times: Float64Array | undefined
}
