// One load that callers of this thread wait for: queued, running here, or running in another thread. Holds who waits and how long it may take;
// what happens is decided by loads.ts. Touches its own timer.
import type { Loader, LoadSettings } from './load-options.js'
import type { LoadView } from './loads.js'
import type { Turn } from './queue.js'
import type { Waiter } from './waiter.js'

/** `queued`: not begun. `loading`: its loader runs here. `foreign`: another thread loads, or another engine of this one. */
export type FlightState = 'queued' | 'loading' | 'foreign' | 'over'

export class Flight {
  readonly view: LoadView
  readonly key: string
  readonly shown: string
  readonly loader: Loader<unknown>
  readonly settings: LoadSettings
  state: FlightState = 'queued'
  /** Goes on when nobody waits. */
  background: boolean
  /** Renews a value that is still fresh. */
  readonly early: boolean
  /** The lease it holds or waits for, 0 for none. */
  token = 0
  /** The stamp of tags when it began. */
  stamp = 0
  /** When it began and when it ends at the latest, as performance.now. */
  began = 0
  /** Its place in the order in which callers asked and loads began. */
  place = 0
  deadline = Infinity
  /** When it began, on the cache's clock. */
  beganOnClock = 0
  turn: Turn | undefined
  /** What the loader said. */
  ttl: number | undefined
  tags: readonly string[] | undefined
  skipped = false
  readonly waiters = new Set<Waiter>()
  /** Loads of this thread that its loader waits for. */
  readonly waitsFor = new Set<Flight>()
  /** Runs the loader in the asynchronous context of its first caller, if it does not begin at once. */
  context: (<R>(work: () => R) => R) | undefined
  /** Ends the waiting for another thread. */
  cancel: (() => void) | undefined
  /** Looks now and then whether callers of other threads still wait, where none of this one does. */
  watch: NodeJS.Timeout | undefined
  /** What tracers of the load are given each time. */
  trace: object | undefined
  #controller: AbortController | undefined
  #aborted = false
  #reason: unknown
  #timer: NodeJS.Timeout | undefined

  constructor(
    view: LoadView,
    key: string,
    shown: string,
    loader: Loader<unknown>,
    settings: LoadSettings,
    background: boolean,
    early: boolean,
  ) {
    this.view = view
    this.key = key
    this.shown = shown
    this.loader = loader
    this.settings = settings
    this.background = background
    this.early = early
  }

  /** Made when it is first asked for: most loaders never do. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#aborted) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: unknown): void {
    this.#aborted = true
    this.#reason = reason
    this.#controller?.abort(reason)
  }

  /** Calls `late` unless the load is over by then. The process stays for it only while somebody waits. */
  limit(milliseconds: number, late: () => void): void {
    this.began = performance.now()
    this.deadline = this.began + milliseconds
    this.#timer = setTimeout(late, milliseconds)
    if (this.waiters.size === 0) this.#timer.unref()
  }

  add(waiter: Waiter): void {
    this.waiters.add(waiter)
    waiter.flight = this
    if (this.waiters.size === 1) this.#timer?.ref()
  }

  remove(waiter: Waiter): void {
    this.waiters.delete(waiter)
    waiter.flight = undefined
    if (this.waiters.size === 0) this.#timer?.unref()
  }

  /** Everyone who waits; they wait no longer. */
  dismiss(): Waiter[] {
    const all = [...this.waiters]
    for (const waiter of all) waiter.flight = undefined
    this.waiters.clear()
    return all
  }

  end(): void {
    this.state = 'over'
    if (this.#timer !== undefined) clearTimeout(this.#timer)
    if (this.watch !== undefined) clearInterval(this.watch)
    this.cancel?.()
    this.cancel = undefined
  }
}
