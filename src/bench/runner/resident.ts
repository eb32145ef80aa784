// Resident memory of this process once it stands still: garbage collected, and pages given back, which V8 does in the background.
// May touch: the collector, where --expose-gc has put it within reach.
import { setTimeout as sleep } from 'node:timers/promises'

export function collect(): void {
  ;(globalThis as { gc?: () => void }).gc?.()
}

const still = 256 * 1024
const pause = 100

/** Bytes. `most` looks, 0.1 s apart, end when two that follow each other agree. */
export async function settledResident(most = 10, collectAll: () => void | Promise<void> = collect): Promise<number> {
  let last = Number.POSITIVE_INFINITY
  for (let look = 0; look < most; look++) {
    await collectAll()
    await sleep(pause)
    const resident = process.memoryUsage.rss()
    if (look > 0 && Math.abs(resident - last) < still) return resident
    last = resident
  }
  return last
}
