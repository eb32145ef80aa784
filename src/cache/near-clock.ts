// The time by which near entries end. Asking the engine costs as much as a near hit, so that an answer serves until a timer says that it
// is old, or for a few questions where the event loop stands still; close to an entry's end the engine is asked. Touches one timer that
// keeps nothing alive, and the clock words.
import type { Engine } from '../engine/engine.js'
import { Control } from '../engine/layout.js'

/** An entry this close to its end, in ms, is judged by the engine: a thread that was blocked for less serves nothing late. */
const CLOSE_MS = 5000
const OLD_AFTER_MS = 4
/** Times are compared in steps of so many ms first, as small integers. */
const STEP_MS = 64
const ENDLESS = 0x7fffffff

/** The step in which a time lies; that of Infinity is above all others. */
export function stepOf(end: number): number {
  return end === Infinity ? ENDLESS : Math.min(Math.floor(end / STEP_MS), ENDLESS - 1)
}

export class NearClock {
  /** What ends in this step or a later one has surely not ended. */
  safeFrom = ENDLESS
  readonly #engine: Engine
  readonly #isManual: boolean
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Engine, control: Int32Array) {
    this.#engine = engine
    this.#isManual = Atomics.load(control, Control.clockManual >> 2) !== 0
  }

  /** Whether that time, in ms on the engine's clock, has come. */
  isDue(end: number): boolean {
    const now = this.#engine.now()
    // A manual clock may move by any step between two questions.
    if (!this.#isManual) {
      this.safeFrom = Math.min(Math.ceil((now + CLOSE_MS) / STEP_MS), ENDLESS)
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined
        this.refresh()
      }, OLD_AFTER_MS).unref()
    }
    return now >= end
  }

  /** The next question is put to the engine. */
  refresh(): void {
    this.safeFrom = ENDLESS
  }
}
