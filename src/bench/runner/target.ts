// What is measured: a cache behind four methods, or any function. May touch: nothing but types.
import type { AskName } from '../workload/stream.js'

/** One request to a function of the user's own. The object is used again for the next. */
export interface BenchmarkRequest {
  key: string
  /** Counts up from 0 in each thread. */
  at: number
  ask: AskName
  /** Bytes that the workload gives the value of this key. */
  size: number
  /** Milliseconds; 0: none. */
  ttl: number
}

/** Does one request. `undefined` counts as a miss; an error that it throws or rejects with counts as failed. */
export type BenchmarkFunction = (request: BenchmarkRequest) => unknown

/** A cache as the runner uses it. All of it may return promises if `asynchronous` says so. */
export interface BenchmarkCache {
  /** Undefined is a miss. */
  get(key: string): unknown
  /** False says that the value was not kept. `ttl` in milliseconds, 0 for none. */
  set(key: string, value: unknown, ttl: number): unknown
  delete?(key: string): unknown
  /** Aligned with the keys. Without it, keys of a batch are read one by one. */
  getMany?(keys: string[]): unknown
  readonly asynchronous?: boolean
  /** Follows a workload with a clock of its own, in milliseconds. */
  follow?(milliseconds: number): void
  /** Entries that this thread can reach. */
  size?(): number | Promise<number>
  /** Bytes that it takes outside this process (a server's). */
  outside?(): Promise<number>
  close?(): unknown
}

export interface OpenContext {
  /** From 0. */
  readonly thread: number
  readonly threads: number
  /** Connections that a client should open in this thread. */
  readonly connections: number
  readonly seed: number
}

export type Opened = BenchmarkCache | BenchmarkFunction
export type Open = (options: unknown, context: OpenContext) => Opened | Promise<Opened>

/** Something to be measured. */
export interface Subject {
  readonly name: string
  /** Opens it in the calling thread. */
  readonly open?: Open
  /** A file URL, absolute path or package name that exports `open`: for threads and processes, which functions cannot be handed to. */
  readonly module?: string
  /** Handed to `open`; must be cloneable where `module` is used. */
  readonly options?: unknown
}
