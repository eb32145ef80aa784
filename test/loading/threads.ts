// Worker threads over one cache, under a test's command.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Cache } from '../../src/cache/cache.js'
import { createCache } from '../../src/cache/create-cache.js'
import type { CacheOptions } from '../../src/options/cache-options.js'
import { benches } from '../behaviour/engines.js'

/** Where both engines are there, every other thread has the other one. */
export const mixes: readonly (readonly ('native' | 'js')[])[] =
  benches[0]?.missing === undefined ? [['native'], ['js'], ['native', 'js']] : [['js']]

interface Told {
  readonly instance: boolean
  readonly name: string
  readonly message: string
  readonly code: string
  readonly status: number
  readonly stack: string
  readonly cause: unknown
}

/** What callers got, and how many of them. */
export type Answers = [answer: { value?: unknown; error?: Told } | number, count: number][]

interface Asking {
  readonly key?: string
  readonly loader: string
  readonly callers?: number
  readonly options?: object
  readonly controller?: number
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

export class Thread {
  readonly worker: Worker
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #last = 0
  readonly #asked = new Map<number, () => void>()

  constructor(name: string, engine: string, shared: Int32Array) {
    this.worker = new Worker(new URL('./fixtures/thread.mjs', import.meta.url), {
      workerData: { name, engine, shared },
    })
    this.worker.on('message', (message: 'ready' | { asked: number } | Answer) => {
      if (message === 'ready') return
      if ('asked' in message) {
        this.#asked.get(message.asked)?.()
        return
      }
      const waiting = this.#waiting.get(message.id)
      this.#waiting.delete(message.id)
      if (message.failure === undefined) waiting?.resolve(message.value)
      else waiting?.reject(new Error(message.failure))
    })
    this.worker.on('error', (error) => {
      for (const { reject } of this.#waiting.values()) reject(error as Error)
    })
  }

  call(action: string, args: object = {}): Promise<unknown> {
    const id = ++this.#last
    this.worker.postMessage({ id, action, args })
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }))
  }

  /** Resolves once the callers have asked; `answers` once they are answered. */
  async ask(asking: Asking): Promise<{ answers: Promise<Answers> }> {
    const answers = this.call('ask', { key: 'k', ...asking }) as Promise<Answers>
    const asked = new Promise<void>((resolve) => this.#asked.set(this.#last, resolve))
    answers.catch(() => {})
    await asked
    return { answers }
  }
}

let caches = 0

export class Threads {
  readonly cache: Cache
  /** [loaders called, gate, version] */
  readonly shared = new Int32Array(new SharedArrayBuffer(64))
  readonly all: Thread[]

  private constructor(cache: Cache, engines: readonly string[], count: number) {
    this.cache = cache
    this.all = Array.from(
      { length: count },
      (_, index) => new Thread(cache.name, engines[index % engines.length] as string, this.shared),
    )
  }

  static async open(
    engines: readonly ('native' | 'js')[],
    count: number,
    options: CacheOptions = {},
  ): Promise<Threads> {
    const name = `loading-${process.pid}-${++caches}`
    const engine = engines[0] as 'native' | 'js'
    const cache = createCache({ name, maxBytes: '16mb', engine, ...options })
    const threads = new Threads(cache, engines, count)
    await Promise.all(threads.all.map((thread) => once(thread.worker, 'message')))
    return threads
  }

  get loads(): number {
    return Atomics.load(this.shared, 0)
  }

  /** Lets all loaders that wait go on. */
  openGate(): void {
    Atomics.store(this.shared, 1, 1)
    Atomics.notify(this.shared, 1)
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((thread) => thread.worker.terminate()))
    await this.cache.close()
  }
}

/** Until something is so; the test's own time limit ends it otherwise. */
export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 2))
}
