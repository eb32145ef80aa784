// The slow origin, as a database behind a pool of connections is: each load takes its time, only so many run at once, the others queue.
// May touch: timers.
import { randomFrom } from '../traces/generate.js'
import { bodyOf } from './workload.js'

export interface OriginSettings {
  /** Loads that run at once. */
  readonly concurrency: number
  /** Milliseconds; log-normal. */
  readonly median: number
  readonly sigma: number
  readonly seed: number
}

export const defaultOrigin: Omit<OriginSettings, 'seed'> = { concurrency: 6, median: 8, sigma: 0.6 }

export class Origin {
  readonly #settings: OriginSettings
  readonly #random: () => number
  readonly #queue: { key: string; resolve(body: string | undefined): void }[] = []
  #running = 0
  /** Loads begun and queued since it was made. */
  loads = 0
  /** Most loads that ran at once. */
  mostRunning = 0

  constructor(settings: OriginSettings) {
    this.#settings = settings
    this.#random = randomFrom(settings.seed)
  }

  /** What stands at the key, `undefined` where nothing does. */
  load(key: string): Promise<string | undefined> {
    this.loads++
    return new Promise((resolve) => {
      this.#queue.push({ key, resolve })
      this.#next()
    })
  }

  #next(): void {
    if (this.#running >= this.#settings.concurrency) return
    const load = this.#queue.shift()
    if (load === undefined) return
    this.#running++
    this.mostRunning = Math.max(this.mostRunning, this.#running)
    setTimeout(() => {
      this.#running--
      this.#next()
      load.resolve(bodyOf(load.key))
    }, this.latency())
  }

  /** Milliseconds that the next load takes. */
  latency(): number {
    const { median, sigma } = this.#settings
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random())) * Math.cos(2 * Math.PI * this.#random())
    return median * Math.exp(sigma * normal)
  }
}
