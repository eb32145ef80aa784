// Finds for each cache the budget at which all of them take the same resident memory, by filling each in a process of its own and reading
// what that process then takes. May touch: child processes.
import type { OriginSettings } from './origin.js'
import { startContender } from './processes.js'
import type { ContenderName } from './store.js'
import { meanBytes } from './workload.js'

export interface Calibration {
  readonly contender: ContenderName
  /** Bytes for the shared caches, entries in each thread for lru-cache. */
  readonly budget: number
  /** Resident bytes that the filled cache took, in all threads together. */
  readonly resident: number
  /** What the budget let each thread reach. */
  readonly entries: number
}

export interface CalibrationTask {
  readonly threads: number
  readonly origin: OriginSettings
  /** The requests by which caches are filled. */
  readonly warming: Uint32Array
}

/** What lru-cache takes for an entry beside its body, as a first guess that measuring then corrects. */
const guessedOverhead = 450

/** The budget from which measuring begins. */
export function firstBudget(contender: ContenderName, bytes: number, threads: number): number {
  return contender === 'lru-cache' ? Math.floor(bytes / threads / (meanBytes + guessedOverhead)) : bytes
}

/** Fills a cache of this budget in a process with as many threads as the demo's, and tells by how much that process grew. */
export async function measureBudget(
  contender: ContenderName,
  budget: number,
  { threads, origin, warming }: CalibrationTask,
): Promise<Calibration> {
  const started = await startContender({ threads, store: { contender, budget }, origin })
  try {
    await started.caller.ask('exercise', 50_000)
    const before = await started.caller.ask('resident', undefined)
    // The requests themselves rather than a mere filling: what is replaced again and again lies less densely.
    await started.caller.ask('warm', warming)
    const after = await started.caller.ask('resident', undefined)
    return { contender, budget, resident: after.resident - before.resident, entries: after.entries }
  } finally {
    started.child.kill('SIGKILL')
    await started.caller.exited
  }
}

/** The budget that takes `wanted` resident bytes to within 4 %, or the nearest that came of correcting it twice. */
export async function findBudget(
  contender: ContenderName,
  maxBytes: number,
  wanted: number,
  task: CalibrationTask,
): Promise<Calibration> {
  const off = ({ resident }: Calibration) => Math.abs(resident / wanted - 1)
  let last = await measureBudget(contender, firstBudget(contender, maxBytes, task.threads), task)
  let best = last
  for (let corrected = 0; corrected < 2 && off(best) > 0.04; corrected++) {
    last = await measureBudget(contender, scaledBudget(last, wanted), task)
    if (off(last) < off(best)) best = last
  }
  return best
}

/** A budget that takes `resident` bytes, if memory grows with it as it did at the measured one. */
export function scaledBudget({ contender, budget, resident }: Calibration, wanted: number): number {
  const scaled = (budget * wanted) / resident
  // Shared memory comes in whole pages of WebAssembly.
  return contender === 'lru-cache' ? Math.max(1, Math.round(scaled)) : Math.round(scaled / 65_536) * 65_536
}
