// Random operations on a checked partition, with ends of processes among them, as one run that can be played again by its seed.
import { CheckedPartition } from './history.js'
import { open, randomFrom, TestClock, xxh64 } from './partitions.js'
import { SimulatedDisk } from './simulated-disk.js'

export interface Play {
  readonly seed: number
  readonly steps: number
  /** Whether processes end by the power failing, which needs `sync`; else they are killed. */
  readonly power?: boolean
  /** Chances of one step. */
  readonly crashes?: number
  readonly closes?: number
  readonly clears?: number
  readonly lifetimes?: number
  /** Called before every step: for faults of the disk. */
  readonly before?: (disk: SimulatedDisk, step: number, random: () => number) => void
}

export interface Played {
  readonly faults: readonly string[]
  readonly hits: number
  readonly coldStarts: number
  readonly counters: { readonly carried: number; readonly reinserted: number; readonly emptied: number }
}

const KEYS = 40

export async function play(options: Play): Promise<Played> {
  const random = randomFrom(options.seed)
  const pick = (most: number) => Math.floor(random() * most)
  const disk = new SimulatedDisk(random)
  const clock = new TestClock()
  const settings = { sync: options.power === true, shape: shapeWith(options.lifetimes ?? 1) }
  const checked = new CheckedPartition(await open(disk.process(), clock, settings), xxh64, () => clock.now)
  const counters = { carried: 0, reinserted: 0, emptied: 0 }
  let coldStarts = 0
  let flushing: Promise<void>[] = []
  const flush = () => checked.flush().catch((error) => noFlush(error))
  const next = async (crashed: boolean) => {
    const before = checked.partition.stats().counters
    counters.carried += before?.carried ?? 0
    counters.reinserted += before?.reinserted ?? 0
    counters.emptied += before?.emptied ?? 0
    flushing = []
    if (!crashed) await checked.partition.close()
    const partition = await open(disk.process(), clock, settings)
    if (random() < 0.7) await partition.loaded
    if (partition.stats().coldStart !== undefined) coldStarts++
    if (crashed) checked.crashed(partition)
    else checked.reopened(partition)
  }
  for (let step = 0; step < options.steps; step++) {
    options.before?.(disk, step, random)
    // Others' values, so that regions are filled, emptied and used again all the time.
    if (random() < 0.5) checked.set(`other${pick(40)}`, { size: 200 + pick(500) })
    const chance = random()
    const key = `k${random() < 0.5 ? pick(6) : pick(KEYS)}`
    if (chance < (options.crashes ?? 0)) {
      // In the middle of whatever is under way.
      for (let turns = pick(6); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve))
      if (options.power) {
        disk.powerFailure()
        clock.reboot()
      } else {
        disk.kill()
      }
      await next(true)
    } else if (chance < (options.crashes ?? 0) + (options.closes ?? 0)) {
      await next(false)
    } else if (chance < (options.crashes ?? 0) + (options.closes ?? 0) + (options.clears ?? 0)) {
      checked.clear()
    } else if (random() < 0.5) {
      const ttl = random() < 0.3 ? 1 + pick(2000) : Infinity
      const tags = random() < 0.2 ? [pick(4), 8 + pick(50)] : []
      checked.set(key, { ttl, tags, size: 20 + pick(random() < 0.1 ? 900 : 200) })
    } else {
      const what = random()
      if (what < 0.3) checked.remove(key)
      else if (what < 0.34) checked.invalidateTags([pick(4)])
      else if (what < 0.6) await checked.check(key)
      else if (what < 0.75) await flush()
      else if (what < 0.85) flushing.push(flush())
      else clock.advance(pick(400))
    }
  }
  await Promise.all(flushing)
  await checked.partition.loaded
  await checked.checkAll()
  const { counters: last } = checked.partition.stats()
  counters.carried += last?.carried ?? 0
  counters.reinserted += last?.reinserted ?? 0
  counters.emptied += last?.emptied ?? 0
  await checked.partition.close()
  return { faults: checked.faults, hits: checked.hits, coldStarts, counters }
}

/** A flush that says that it could not keep its promise is right to. */
function noFlush(error: unknown): void {
  if ((error as { code?: string }).code !== 'OSTRAKA_ERR_DISK') throw error
}

function shapeWith(lifetimes: number) {
  return {
    store: 7n,
    partition: 0,
    partitions: 1,
    regionBytes: 4096,
    regions: 10 + 4 * (lifetimes - 1),
    tagCounters: 64,
    lifetimes,
  }
}
