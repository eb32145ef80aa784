// Proof of death where the operating system gives none: every worker made after this file loaded reports its exit, and the lines of
// that Node thread are marked. May touch: the `exited` word of registry lines. Runs in the parent's event loop.

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Worker } from 'node:worker_threads'
import { Control, THREAD_BYTES, THREADS, Thread } from '../layout.js'

const controls = new Set<Int32Array>()

/** Node publishes each new Worker here, nested ones in the thread that made them. */
const CHANNEL = 'worker_threads'

function watch(message: unknown): void {
  const { worker } = message as { worker: Worker }
  // Its threadId is -1 once it has exited.
  const nodeThread = worker.threadId + 1
  worker.once('exit', () => {
    for (const control of controls) markExited(control, nodeThread)
  })
}

export function markExited(control: Int32Array, nodeThread: number): void {
  for (let line = 0; line < THREADS; line++) {
    const at = (Control.threads + line * THREAD_BYTES) >> 2
    if (Atomics.load(control, at + (Thread.id >> 2)) === 0) continue
    if (Atomics.load(control, at + (Thread.nodeThread >> 2)) === nodeThread) {
      Atomics.store(control, at + (Thread.exited >> 2), 1)
    }
  }
}

/** From now on exits of this thread's workers are noted in this cache's registry. */
export function reportExits(control: Int32Array): void {
  if (controls.size === 0) subscribe(CHANNEL, watch)
  controls.add(control)
}

export function stopReportingExits(control: Int32Array): void {
  controls.delete(control)
  if (controls.size === 0) unsubscribe(CHANNEL, watch)
}
