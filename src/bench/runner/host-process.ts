// The process of one subject, forked by the runner: opens it there and sends it load when told. May touch: the subject.
import { PerformanceObserver } from 'node:perf_hooks'
import { answer } from '../../demo/calls.js'
import type { Stream } from '../workload/stream.js'
import type { Slice } from './drive.js'
import { type Host, type HostMemory, type HostTask, type Pauses, startHost } from './host.js'
import { openSubject } from './load.js'
import { requesterFor } from './requester.js'
import { collect, settledResident } from './resident.js'

/** Requests: enough for V8's young generation to have been filled several times. */
const exercises = 50_000

let host: Host
let before: number

let pauses = { count: 0, total: 0, longest: 0 }
const observer = new PerformanceObserver((list) => note(list.getEntries()))
observer.observe({ entryTypes: ['gc'] })

function note(entries: readonly { readonly duration: number }[]): void {
  for (const { duration } of entries) {
    const { count, total, longest } = pauses
    pauses = { count: count + 1, total: total + duration, longest: Math.max(longest, duration) }
  }
}

const answers = {
  start: async (task: HostTask) => {
    const stream = shared(task.stream)
    const { subject } = task
    // In this thread, where one is enough: its memory is the same, and nothing else runs here.
    const here =
      task.threads === 1
        ? {
            ...subject,
            open: (_: unknown, context: Parameters<typeof openSubject>[1]) => openSubject(subject, context),
          }
        : subject
    exercise(stream, task)
    before = await settledResident()
    host = await startHost({ ...task, subject: here, stream })
  },
  fill: () => host.fill(),
  run: (slice: Slice) => host.run(slice),
  /** By how much the process grew since it opened the subject, its threads included. */
  memory: async (): Promise<HostMemory> => {
    const memory = await host.memory()
    return { ...memory, resident: memory.resident - before }
  },
  collections: (count: number) =>
    Array.from({ length: count }, () => {
      const begun = performance.now()
      collect()
      return performance.now() - begun
    }),
  pauses: async (): Promise<Pauses> => {
    // Entries are told in a later turn.
    await new Promise((resolve) => setTimeout(resolve, 20))
    note(observer.takeRecords())
    const told = pauses
    pauses = { count: 0, total: 0, longest: 0 }
    return told
  },
  close: () => host.close(),
}
export type HostAnswers = typeof answers

answer(process, answers)
// Ctrl-C reaches every process of the terminal; this one ends when whoever forked it has let go of it.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

/** Makes garbage and compiles what sends load, so that what the process grows by later is the subject's. */
function exercise(stream: Stream, { requests }: HostTask): void {
  const requester = requesterFor({ get: () => undefined, set: () => true, follow: () => {} }, stream, requests)
  if (!requester.asynchronous) for (let at = 0; at < exercises; at++) requester.ask(at)
}

function shared(stream: Stream): Stream {
  const share = <T extends Uint8Array | Uint32Array | Float64Array>(column: T): T => {
    const copy = new (column.constructor as new (memory: SharedArrayBuffer) => T)(
      new SharedArrayBuffer(column.byteLength),
    )
    copy.set(column)
    return copy
  }
  return {
    ...stream,
    asks: share(stream.asks),
    keys: share(stream.keys),
    sizes: share(stream.sizes),
    ttls: stream.ttls && share(stream.ttls),
    times: stream.times && share(stream.times),
  }
}
