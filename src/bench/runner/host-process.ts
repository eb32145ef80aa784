// The process of one subject, forked by the runner: opens it there and sends it load when told. May touch: the subject.
import { PerformanceObserver } from 'node:perf_hooks'
import { answer } from '../../demo/calls.js'
import type { Stream } from '../workload/stream.js'
import type { Slice } from './drive.js'
import { type Host, type HostMemory, type HostTask, type Pauses, startHost } from './host.js'
import { openSubject } from './load.js'
import { requesterFor } from './requester.js'
import { settledResident } from './resident.js'
import type { Open } from './target.js'

/** Requests of which values are thrown away, and those to a subject that is closed again. */
const garbage = 50_000
const rehearsal = 1_000

let host: Host
let before: HostMemory

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
  start: async (given: HostTask) => {
    const stream = shared(given.stream)
    const { subject } = given
    // In this thread, where one is enough: its memory is the same, and nothing else runs here.
    const open: Open = (_, context) => openSubject(subject, context)
    const task: HostTask = { ...given, stream, subject: given.threads === 1 ? { ...subject, open } : subject }
    makeGarbage(task)
    before = await rehearse(task)
    host = await startHost(task)
  },
  fill: () => host.fill(),
  run: (slice: Slice) => host.run(slice),
  /** By how much it grew since the subject was opened for good, its threads included. */
  memory: async (): Promise<HostMemory> => {
    const { resident, outside, entries } = await host.memory()
    return { resident: resident - before.resident, outside: Math.max(0, outside - before.outside), entries }
  },
  collections: (count: number) =>
    Array.from({ length: count }, () => {
      const begun = performance.now()
      // A plain one, as V8 does them by itself.
      ;(globalThis as { gc?: () => void }).gc?.()
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

/** Fills V8's young generation several times, so that it has the size that it will keep. */
function makeGarbage({ stream, requests }: HostTask): void {
  const requester = requesterFor({ get: () => undefined, set: () => true, follow: () => {} }, stream, requests)
  if (!requester.asynchronous) for (let at = 0; at < garbage; at++) requester.ask(at)
}

/** Opens the subject once for nothing: its code, what the compiler makes of it, and an empty server are no part of what entries take. */
async function rehearse(task: HostTask): Promise<HostMemory> {
  const once = await startHost(task)
  await once.run({ requests: rehearsal, ramp: 0, coolDown: 0, drain: 0, atOnce: 64, sampleEvery: 1024, seed: 1 })
  const { outside } = await once.memory(1)
  await once.close()
  return { resident: await settledResident(), outside, entries: 0 }
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
