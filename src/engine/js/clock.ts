// The cache's time: milliseconds since its origin. A clock read costs as much as a hit, so the shared clock word answers, kept fresh by
// a timer of each thread that uses it and by every 32nd question; the real clock is asked when an entry is close to its end. A manual
// clock obeys only the word. May touch: the clock words of the control region, one unref'd timer.

import { Control, ControlHeader } from '../layout.js'
import type { Kernel } from './kernel.js'

/** An entry this close to its end, in ms, is judged by the real clock: a thread that was blocked for less serves nothing late. */
const NEAR_MS = 5000
const TICK_MS = 4
/** Ticks without a question after which the timer rests. */
const IDLE_TICKS = 64
const QUESTIONS_PER_READ = 32
const ASLEEP = Control.clockAsleep >> 2

export class Clock {
  readonly isManual: boolean
  private readonly control: Int32Array
  private readonly kernel: Kernel
  /** What to add to performance.now() for ms since origin. */
  private readonly offset: number
  private questions = 0
  private seenQuestions = 0
  private idleTicks = 0
  private timer: NodeJS.Timeout | undefined

  constructor(control: Int32Array, kernel: Kernel) {
    this.control = control
    this.kernel = kernel
    this.isManual = Atomics.load(control, Control.clockManual >> 2) !== 0
    const low = control[ControlHeader.originLow >> 2] >>> 0
    const origin = low + (control[ControlHeader.originHigh >> 2] >>> 0) * 2 ** 32
    // The monotonic clock of the whole process; performance.now() counts from each thread's own start.
    this.offset = Number(process.hrtime.bigint()) / 1e6 - performance.now() - origin
  }

  /** Whole ms since origin by the real clock. */
  exact(): number {
    if (this.isManual) return this.kernel.loadNumber(Control.clock)
    return Math.max(0, Math.floor(performance.now() + this.offset))
  }

  /** Now, at most one tick behind unless this thread's event loop is blocked and nobody else advances the word. */
  now(): number {
    if (this.isManual) return this.kernel.loadNumber(Control.clock)
    if (this.timer === undefined || this.control[ASLEEP] !== 0) return this.publish()
    if ((++this.questions & (QUESTIONS_PER_READ - 1)) === 0) return this.publish()
    return this.kernel.loadNumber(Control.clock)
  }

  /** Whether that time has come. */
  isDue(due: number): boolean {
    const now = this.now()
    if (now + NEAR_MS < due) return false
    return now >= due || this.exact() >= due
  }

  /** Reads the real clock and moves the shared word up to it, never back. */
  publish(): number {
    const now = this.exact()
    if (this.isManual) return now
    this.kernel.raiseNumber(Control.clock, now)
    if (this.timer === undefined) {
      this.timer = setInterval(() => this.tick(), TICK_MS)
      this.timer.unref()
    }
    // From here on the word may be believed: this thread's timer advances it.
    if (this.control[ASLEEP] !== 0) Atomics.store(this.control, ASLEEP, 0)
    return now
  }

  private tick(): void {
    this.idleTicks = this.questions === this.seenQuestions ? this.idleTicks + 1 : 0
    this.seenQuestions = this.questions
    if (this.idleTicks > IDLE_TICKS) this.rest()
    else this.publish()
  }

  /** Stops the timer; the next question starts it again. */
  rest(): void {
    if (this.timer === undefined) return
    clearInterval(this.timer)
    this.timer = undefined
    this.idleTicks = 0
    Atomics.store(this.control, ASLEEP, 1)
  }

  /** Moves a manual clock on, for every thread; false with the system's clock. */
  advance(milliseconds: number): boolean {
    if (this.isManual) this.kernel.addNumber(Control.clock, milliseconds)
    return this.isManual
  }
}
