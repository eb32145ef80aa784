// Finds for each cache the budget at which all of them take the same resident memory under one workload, by filling each in a process of its
// own and reading what that process then takes. May touch: child processes.
import type { Host } from '../runner/host.js'
import { startProcess } from '../runner/host.js'
import type { ValueKind } from '../runner/values.js'
import type { Stream } from '../workload/stream.js'
import { type Mode, type Prepared, type Rival, type RivalOptions, subjectOf } from './rival.js'

export interface MemoryTask {
  readonly stream: Stream
  readonly values: ValueKind
  /** Requests by which caches are filled: many more than there is room for. */
  readonly filling: number
  readonly ttl: number
  readonly follow?: boolean
}

export interface Budget {
  readonly rival: Rival
  readonly mode: Mode
  /** Bytes or entries, as the rival is bounded. */
  readonly budget: number
  /** Bytes that it took, in this process and outside. */
  readonly resident: number
  readonly entries: number
}

/** Fills a cache with this budget and tells by how much its process grew. */
export async function measureBudget(
  rival: Rival,
  mode: Mode,
  budget: number,
  task: MemoryTask,
  more?: RivalOptions['more'],
): Promise<Budget> {
  let prepared: Prepared | undefined
  let host: Host | undefined
  try {
    prepared = await rival.prepare?.(budget)
    const options: RivalOptions = {
      mode,
      budget,
      ttl: task.ttl,
      ...(task.follow ? { follow: true } : {}),
      ...(prepared ? { socket: prepared.socket } : {}),
      ...(more ? { more } : {}),
    }
    host = await startProcess({
      subject: subjectOf(rival, options),
      stream: task.stream,
      requests: { values: task.values, fill: true, keys: 'fresh' },
      threads: 1,
      connections: 16,
      seed: 1,
    })
    await host.run({ requests: task.filling, ramp: 0, coolDown: 0, drain: 0, atOnce: 64, sampleEvery: 1024, seed: 1 })
    const { resident, outside, entries } = await host.memory()
    return { rival, mode, budget, resident: resident + outside, entries }
  } finally {
    await host?.close()
    await prepared?.stop()
  }
}

/** The budget that takes `wanted` resident bytes to within 5 %, or the nearest that came of correcting it so often. */
export async function findBudget(
  rival: Rival,
  mode: Mode,
  wanted: number,
  entryBytes: number,
  task: MemoryTask,
  corrections = 2,
): Promise<Budget> {
  const first = rival.bound === 'bytes' ? wanted : Math.ceil(wanted / (entryBytes + rival.guessedOverhead))
  const off = ({ resident }: Budget) => Math.abs(resident / wanted - 1)
  let last = await measureBudget(rival, mode, first, task)
  let best = last
  for (let corrected = 0; corrected < corrections && off(best) > 0.05; corrected++) {
    // If memory grows with the entries as it did up to now; there may have been fewer than were allowed.
    const reached = rival.bound === 'entries' && last.entries > 0 ? Math.min(last.budget, last.entries) : last.budget
    const scaled = (reached * wanted) / Math.max(last.resident, wanted / 8)
    last = await measureBudget(rival, mode, Math.max(1, Math.round(scaled)), task)
    if (off(last) < off(best)) best = last
  }
  return best
}
