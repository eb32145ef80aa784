// One caller that waits for a value: its promise, its own time limits and its signal. Touches its timers and its listener on the signal; what
// becomes of the load is decided by loads.ts.
import type { Flight } from './flight.js'
import type { Loader, LoadSettings } from './load-options.js'
import type { LoadView } from './loads.js'
import { whenAborted } from './signals.js'

/** What a waiter tells those who run its load. */
export interface WaiterEvents {
  /** It waited as long as it wants to where there is something stale. */
  softTimeout(waiter: Waiter): void
  hardTimeout(waiter: Waiter): void
  aborted(waiter: Waiter): void
}

/** A timer that would end so little earlier than another one is not set. */
const SLACK = 10

export class Waiter {
  readonly view: LoadView
  readonly key: string
  /** The key as the caller gave it. */
  readonly shown: string
  readonly loader: Loader<unknown>
  readonly settings: LoadSettings
  /** The load whose loader asks, if one does. */
  readonly asker: Flight | undefined
  readonly promise: Promise<unknown>
  /** What it waits for now. */
  flight: Flight | undefined
  /** Whether what the flight brings may be handed to it; else it looks again when the flight has ended. */
  exact = true
  done = false
  /** Its place in the order in which callers asked and loads began. */
  readonly asked: number
  /** Its load takes no turn of its own in the queue. */
  readonly unbounded: boolean
  /** How often it has looked. */
  looks = 0
  /** The caller's asynchronous context, for a loader that begins later. */
  context: (<R>(work: () => R) => R) | undefined
  /** Since when it has waited for a load that another one began, as performance.now; 0: it has not. */
  waitingSince = 0
  /** The circle of loads that it was last seen in; see cycles.ts. */
  circle: string | undefined
  readonly #deadline: number
  readonly #events: WaiterEvents
  #resolve!: (value: unknown) => void
  #reject!: (error: unknown) => void
  #soft: NodeJS.Timeout | undefined
  #hard: NodeJS.Timeout | undefined
  #ceaseListening: (() => void) | undefined

  constructor(
    view: LoadView,
    key: string,
    shown: string,
    loader: Loader<unknown>,
    settings: LoadSettings,
    asker: Flight | undefined,
    asked: number,
    unbounded: boolean,
    events: WaiterEvents,
  ) {
    this.view = view
    this.key = key
    this.shown = shown
    this.loader = loader
    this.settings = settings
    this.asker = asker
    this.asked = asked
    this.unbounded = unbounded
    this.#events = events
    this.#deadline = performance.now() + settings.hardTimeout
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { signal } = settings
    if (signal !== undefined) this.#ceaseListening = whenAborted(signal, () => events.aborted(this))
  }

  succeed(value: unknown): void {
    this.#end()
    this.#resolve(value)
  }

  fail(error: unknown): void {
    this.#end()
    this.#reject(error)
  }

  /** Counts the soft timeout from now, the first time. */
  limitSoftly(): void {
    const { softTimeout } = this.settings
    if (softTimeout < 0 || this.#soft !== undefined) return
    this.#soft = setTimeout(() => this.#events.softTimeout(this), softTimeout)
  }

  /** Ends its waiting at its own hard timeout, unless what it waits for ends by itself at `until` (as performance.now) at the latest. */
  limit(until: number): void {
    if (this.#hard !== undefined || this.#deadline + SLACK >= until) return
    this.#hard = setTimeout(() => this.#events.hardTimeout(this), Math.max(0, this.#deadline - performance.now()))
  }

  #end(): void {
    this.done = true
    if (this.waitingSince > 0) this.view.owner.observer.waited(performance.now() - this.waitingSince)
    if (this.#soft !== undefined) clearTimeout(this.#soft)
    if (this.#hard !== undefined) clearTimeout(this.#hard)
    this.#ceaseListening?.()
  }
}
