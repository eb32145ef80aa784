// Lets real threads play on one cache and turns what they wrote down into one history per key. Starts worker threads; the caller ends them.
import { Worker } from 'node:worker_threads'
import type { CacheOptions } from '../../src/options/cache-options.js'
import type { Kind, Operation } from './checker.mjs'

export interface Setup {
  /** The engine of each thread. */
  readonly engines: readonly ('native' | 'js')[]
  readonly options: CacheOptions
  readonly hotKeys: number
  readonly counterKeys: number
  /** Other keys, written all the time and not recorded; 0 for none. */
  readonly coldKeys: number
  /** One of so many operations is a clear; 0 for none. */
  readonly clears: number
}

interface Answer {
  readonly record: Float64Array
  readonly sets: { readonly tooLarge: number; readonly noRoom: number; readonly paused: number }
  readonly evicted: number
  readonly upkeep: { readonly reinserted: number; readonly promoted: number; readonly segmentsFreed: number }
}

export interface Round {
  /** One list per thread, for each key. */
  readonly keys: readonly (readonly (readonly Operation[])[])[]
  readonly reads: number
  readonly hits: number
  /** Writes of all threads and rounds so far that were refused for want of room. */
  readonly refusals: number
  readonly evicted: number
  readonly segmentsFreed: number
  readonly relocated: number
}

const KINDS: readonly Kind[] = ['get', 'set', 'delete', 'add', 'update', 'take', 'increment', 'clear']
const FIELDS = 7
/** No round takes longer, however busy the machine is. */
const WATCHDOG_MS = process.env['OSTRAKA_SOAK'] === undefined ? 50_000 : 3_000_000

export class Recording {
  readonly #setup: Setup
  readonly #workers: Worker[] = []
  readonly #gate = new Int32Array(new SharedArrayBuffer(8))

  private constructor(setup: Setup) {
    this.#setup = setup
  }

  static async start(setup: Setup): Promise<Recording> {
    const recording = new Recording(setup)
    const clock = new Int32Array(new SharedArrayBuffer(4))
    const { engines, options, ...rest } = setup
    for (const [thread, engine] of engines.entries()) {
      const worker = new Worker(new URL('./fixtures/recorder.mjs', import.meta.url), {
        workerData: {
          ...rest,
          thread,
          threads: engines.length,
          options: { ...options, engine },
          clock,
          gate: recording.#gate,
        },
      })
      recording.#workers.push(worker)
      await next(worker)
    }
    return recording
  }

  /** All threads play so many operations each. Every thread's keys and operations follow from the seed; how they interleave does not. */
  async play(seed: number, operations: number): Promise<Round> {
    Atomics.store(this.#gate, 0, 0)
    const answers = this.#workers.map((worker) => next<Answer>(worker))
    for (const [thread, worker] of this.#workers.entries()) {
      worker.postMessage({ seed: seed * 16 + thread, operations })
    }
    return this.#round(await Promise.all(answers))
  }

  #round(answers: readonly Answer[]): Round {
    const { hotKeys, counterKeys } = this.#setup
    const keys = Array.from({ length: hotKeys + counterKeys }, () => answers.map((): Operation[] => []))
    let reads = 0
    let hits = 0
    for (const [thread, { record }] of answers.entries()) {
      for (let at = 0; at < record.length; at += FIELDS) {
        const [kind, key, argument, result, done, begin, end] = record.subarray(at, at + FIELDS) as unknown as number[]
        const operation = {
          kind: KINDS[kind!]!,
          thread,
          argument: argument!,
          result: result!,
          done: done === 1,
          begin: begin!,
          end: end!,
        }
        if (operation.kind === 'get') {
          reads++
          if (result !== 0) hits++
        }
        // A clear is an operation on every key.
        for (const of of key! < 0 ? keys : [keys[key!]!]) of[thread]?.push(operation)
      }
    }
    const last = answers.at(-1) as Answer
    const refusals = Math.max(...answers.map(({ sets }) => sets.tooLarge + sets.noRoom + sets.paused))
    const relocated = last.upkeep.promoted + last.upkeep.reinserted
    return { keys, reads, hits, refusals, evicted: last.evicted, segmentsFreed: last.upkeep.segmentsFreed, relocated }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()))
  }
}

/** The next message of a thread; rejects when it fails, ends or stays silent. */
export function next<T>(worker: Worker): Promise<T> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: T) => settle(() => resolve(message))
    const onError = (error: unknown) => settle(() => reject(error))
    const onExit = (code: number) => settle(() => reject(new Error(`a thread ended with ${code}`)))
    const watchdog = setTimeout(() => settle(() => reject(new Error('a thread does not answer any more'))), WATCHDOG_MS)
    const settle = (finish: () => void) => {
      clearTimeout(watchdog)
      worker.off('message', onMessage).off('error', onError).off('exit', onExit)
      finish()
    }
    worker.on('message', onMessage).on('error', onError).on('exit', onExit)
  })
}
