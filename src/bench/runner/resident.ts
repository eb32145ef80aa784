// Resident memory of this process once it stands still: garbage collected, and pages given back, which V8 does in the background. Room that
// V8 holds ready in its heaps for values to come is taken off: it depends on what was thrown away before, and would count for or against
// whoever keeps values there. May touch: the collector, where --expose-gc has put it within reach.
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * From version 12 on V8 keeps the pages that a collection has emptied for some seconds, unless it believes that memory has run out. Told so
 * before, it keeps them where it otherwise would not.
 */
const options =
  Number(process.versions.v8.split('.')[0]) >= 12
    ? { type: 'major', execution: 'sync', flavor: 'last-resort' }
    : undefined

/** Collects this thread's garbage and tells the bytes of its heap that then hold nothing. */
export function collect(): number {
  ;(globalThis as { gc?: (options?: object) => void }).gc?.(options)
  const { heapTotal, heapUsed } = process.memoryUsage()
  return heapTotal - heapUsed
}

const still = 256 * 1024
const pause = 100

/** Looks that have to agree with the one before: a thread that gives pages back may itself be waiting for a core. */
const agreeing = 3

/** Bytes. So many looks at most, a tenth of a second apart, end when several in a row agree. */
export async function settledResident(
  most = 15,
  collectOthers: () => Promise<number> = async () => 0,
): Promise<number> {
  let last = Number.POSITIVE_INFINITY
  let agreed = 0
  for (let look = 0; look < most && agreed < agreeing; look++) {
    const others = await collectOthers()
    await sleep(pause)
    const empty = collect() + others
    const resident = process.memoryUsage.rss() - empty
    agreed = Math.abs(resident - last) < still ? agreed + 1 : 0
    last = resident
  }
  return last
}
