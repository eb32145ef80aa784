// A worker thread that sends load when told. May touch: the subject that its task names.
import { parentPort, workerData } from 'node:worker_threads'
import { answer } from '../../demo/calls.js'
import type { Slice } from './drive.js'
import { Load, type LoadTask } from './load.js'
import { collect } from './resident.js'

let load: Load

/** Waits until all threads of the slice are here: none is measured while another still starts. */
function gather(gate: Int32Array, threads: number): void {
  if (Atomics.add(gate, 0, 1) + 1 === threads) {
    Atomics.store(gate, 1, 1)
    Atomics.notify(gate, 1)
  } else Atomics.wait(gate, 1, 0, 10_000)
}

const answers = {
  open: async () => {
    load = await Load.open(workerData as LoadTask)
  },
  fill: ({ first, step }: { first: number; step: number }) => load.fill(first, step),
  run: ({ slice, gate }: { slice: Slice; gate: Int32Array }) => {
    gather(gate, (workerData as LoadTask).context.threads)
    return load.run(slice)
  },
  state: () => load.state(),
  collect: () => collect(),
  close: async () => {
    await load.close()
    setImmediate(() => parentPort!.close())
  },
}
export type LoadThreadAnswers = typeof answers

answer(parentPort!, answers)
