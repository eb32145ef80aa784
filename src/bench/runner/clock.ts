// The time by which load is sent and measured: the system's, or one that a test moves. May touch: timers.
import { setTimeout as sleep } from 'node:timers/promises'

export interface Clock {
  /** Milliseconds, with fractions, from any beginning. */
  now(): number
  /** Resolves once `now()` has reached `time`, or the signal aborts; lets the event loop turn at least once. */
  until(time: number, signal?: AbortSignal): Promise<void>
}

/** A timer may be so many milliseconds late: what is left is waited for in a loop that gives the event loop its turns. */
const timerLateness = 1.5

export const systemClock: Clock = {
  now: () => performance.now(),
  until: async (time, signal) => {
    const left = time - performance.now()
    if (left > timerLateness) {
      await sleep(left - timerLateness, undefined, signal && { signal }).catch((error: unknown) => {
        if (!signal?.aborted) throw error
      })
    }
    do await turn()
    while (performance.now() < time && !signal?.aborted)
  },
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** Time that passes only by `advance`, and by waiting: a wait ends at once, at the time waited for. */
export class ManualClock implements Clock {
  #now = 0
  readonly #waiting: { readonly time: number; resolve(): void }[] = []
  #settling = false

  now(): number {
    return this.#now
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
  }

  until(time: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wait = { time, resolve }
      this.#waiting.push(wait)
      signal?.addEventListener('abort', () => {
        const at = this.#waiting.indexOf(wait)
        if (at >= 0) this.#waiting.splice(at, 1)
        resolve()
      })
      if (this.#settling) return
      this.#settling = true
      // After everything that is due by then has had its turn, time goes on to the wait that ends first.
      setImmediate(() => this.#next())
    })
  }

  #next(): void {
    this.#settling = false
    this.#waiting.sort((a, b) => a.time - b.time)
    const first = this.#waiting.shift()
    if (first === undefined) return
    this.#now = Math.max(this.#now, first.time)
    first.resolve()
    if (this.#waiting.length > 0) {
      this.#settling = true
      setImmediate(() => this.#next())
    }
  }
}
