// What the demo and its load threads share and tell each other. May touch: nothing but types and constants.

export interface LoadTask {
  /** Shared by all load threads. */
  readonly requests: Uint32Array
}

/** Words of what load threads share for one contender (Int32). */
export const Progress = { next: 0, done: 1 } as const

export interface LoadSlice {
  readonly ports: readonly number[]
  /** Of this thread, dealt out to the ports in turn. */
  readonly connections: number
  readonly milliseconds: number
  readonly progress: Int32Array
}

export interface LoadCounts {
  readonly requests: number
  /** Answers that were not the bytes that stand at the key. */
  readonly wrong: number
  readonly failed: number
  /** Of a LatencyHistogram. */
  readonly latencies: ArrayBuffer
  readonly seconds: number
}
