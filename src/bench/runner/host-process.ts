// The process of one subject, forked by the runner: opens it there and sends it load when told. May touch: the subject.
import { answer } from '../../demo/calls.js'
import type { Stream } from '../workload/stream.js'
import type { Slice } from './drive.js'
import { type Host, type HostMemory, type HostTask, startHost } from './host.js'
import { openSubject } from './load.js'
import { settledResident } from './resident.js'

let host: Host
let before: number

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
  close: () => host.close(),
}
export type HostAnswers = typeof answers

answer(process, answers)
// Ctrl-C reaches every process of the terminal; this one ends when whoever forked it has let go of it.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

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
