// Resident memory of this process once it stands still: garbage collected, and pages given back, which V8 does in the background. Room that
// V8 holds ready in its heaps for values to come is taken off: it depends on what was thrown away before, and would count for or against
// whoever keeps values there. May touch: the collector, where --expose-gc has put it within reach.
import { setTimeout as sleep } from 'node:timers/promises'

/** Collects this thread's garbage and tells the bytes of its heap that then hold nothing. */
export function collect(): number {
  ;(globalThis as { gc?: () => void }).gc?.()
  const { heapTotal, heapUsed } = process.memoryUsage()
  return heapTotal - heapUsed
}

const still = 256 * 1024
const pause = 100

/** Bytes. So many looks at most, a tenth of a second apart, end when two that follow each other agree. */
export async function settledResident(
  most = 10,
  collectOthers: () => Promise<number> = async () => 0,
): Promise<number> {
  let last = Number.POSITIVE_INFINITY
  for (let look = 0; look < most; look++) {
    const others = await collectOthers()
    await sleep(pause)
    const empty = collect() + others
    const resident = process.memoryUsage.rss() - empty
    if (look > 0 && Math.abs(resident - last) < still) return resident
    last = resident
  }
  return last
}
