// The time by which near entries end. Asking the engine costs as much as a near hit, so that an answer serves until a timer says that it
// is old, or for a few questions where the event loop stands still; close to an entry's end the engine is asked. Touches one timer that
// keeps nothing alive, and the clock words.
import type { Engine } from '../engine/engine.js'
import { Control } from '../engine/layout.js'

/** An entry this close to its end, in ms, is judged by the engine: a thread that was blocked for less serves nothing late. */
const CLOSE_MS = 250
const OLD_AFTER_MS = 4
const QUESTIONS_PER_READ = 32

export class NearClock {
  readonly #engine: Engine
  readonly #isManual: boolean
  #now = 0
  #questionsLeft = 0
  #timer: NodeJS.Timeout | undefined

  constructor(engine: Engine, control: Int32Array) {
    this.#engine = engine
    this.#isManual = Atomics.load(control, Control.clockManual >> 2) !== 0
  }

  /** Whether that time, in ms on the engine's clock, has come. */
  isDue(end: number): boolean {
    if (--this.#questionsLeft < 0) this.#read()
    if (this.#now + CLOSE_MS < end) return false
    return this.#engine.now() >= end
  }

  #read(): void {
    this.#now = this.#engine.now()
    // A manual clock may move by any step between two questions.
    if (this.#isManual) return
    this.#questionsLeft = QUESTIONS_PER_READ
    this.#timer ??= setTimeout(() => {
      this.#questionsLeft = 0
      this.#timer = undefined
    }, OLD_AFTER_MS).unref()
  }
}
