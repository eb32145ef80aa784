// Where sharing does not pay: one thread, a small set of hot objects. lru-cache hands out and keeps references, a shared cache has to
// check that its copy is still true, and to encode what is set. Measured in a process of its own. May touch: child processes.
import { fileURLToPath } from 'node:url'
import { Caller } from './calls.js'
import { forkProcess } from './processes.js'
import type { SingleThreadAnswers, StoreTimes } from './single-thread-process.js'

export interface SingleThread {
  readonly objects: number
  /** Nanoseconds; of the caches that run here. */
  readonly times: readonly StoreTimes[]
}

export async function measureSingleThread(): Promise<SingleThread> {
  const child = forkProcess('./single-thread-process.js')
  try {
    const caller = new Caller<SingleThreadAnswers>(fileURLToPath(import.meta.url), child)
    return await caller.ask('measure', undefined)
  } finally {
    child.kill('SIGKILL')
  }
}
