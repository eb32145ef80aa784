// How often keys were asked for lately: 4-bit counters, four probes of a key in one line of 64 bytes, halved in turns (docs/slab.md 6). Racy
// on purpose: what is lost or counted twice makes one choice worse, never an answer wrong. May touch: the sketch it stands for.

import { SKETCH_LINE_BYTES } from '../layout.js'
import { fastrange, fmix32 } from './hash.js'

/** Up to so many lines are halved at once; more, in steps of so many with each addition. */
const LINES_A_STEP = 1024
const MOST = 15
const LINE_WORDS = SKETCH_LINE_BYTES >> 2

export class Sketch {
  private readonly words: Int32Array
  /** Word index of the first line; of two words: additions since the last halving, and the line that halving stands at + 1. */
  private readonly first: number
  private readonly state: number
  private readonly lines: number
  /** Additions after which all is halved. */
  private readonly halveAt: number
  /** Of the key looked at last: its line, its twenty bits of probes. */
  private line = 0
  private bits = 0

  constructor(words: Int32Array, first: number, lines: number, state: number, halveAt: number) {
    this.words = words
    this.first = first
    this.lines = lines
    this.state = state
    this.halveAt = halveAt
  }

  private find(h: number): void {
    const mixed = fmix32(h ^ 0x5bd1e995)
    this.line = this.first + fastrange(mixed, this.lines) * LINE_WORDS
    this.bits = Math.imul(mixed, 0x9e3779b1) >>> 12
  }

  private least(): number {
    const { words, line, bits } = this
    let least = MOST
    for (let quarter = 0; quarter < 4; quarter++) {
      const probe = (bits >>> (5 * quarter)) & 31
      const counter = (words[line + 4 * quarter + (probe >> 3)] >>> (4 * (probe & 7))) & MOST
      if (counter < least) least = counter
    }
    return least
  }

  estimate(h: number): number {
    if (this.lines === 0) return 0
    this.find(h)
    return this.least()
  }

  /** Counts a key up, raising only the counters that are at its minimum. */
  add(h: number, by: number): void {
    if (this.lines === 0 || by === 0) return
    this.find(h)
    const { words, line, bits, state } = this
    const target = Math.min(MOST, this.least() + by)
    for (let quarter = 0; quarter < 4; quarter++) {
      const probe = (bits >>> (5 * quarter)) & 31
      const at = line + 4 * quarter + (probe >> 3)
      const shift = 4 * (probe & 7)
      const seen = words[at]
      if (((seen >>> shift) & MOST) < target) words[at] = (seen & ~(MOST << shift)) | (target << shift)
    }
    const added = (words[state] >>> 0) + by
    const standing = words[state + 1] >>> 0
    if (added >= this.halveAt) {
      words[state] = added >>> 1
      this.halve(0)
    } else {
      words[state] = added
      if (standing !== 0) this.halve(standing - 1)
    }
  }

  private halve(from: number): void {
    const { words, lines, first } = this
    const start = Math.min(from, lines)
    const to = Math.min(start + LINES_A_STEP, lines)
    for (let at = first + start * LINE_WORDS, end = first + to * LINE_WORDS; at < end; at++) {
      const seen = words[at]
      if (seen !== 0) words[at] = (seen >>> 1) & 0x77777777
    }
    words[this.state + 1] = to === lines ? 0 : to + 1
  }
}
