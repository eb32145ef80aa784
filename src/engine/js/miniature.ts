// A miniature: what a mode would keep of the sampled keys, in a cache as much smaller (docs/slab.md 10). Hashes and sizes only. Evictor only.
// Its memory may hold anything, since whoever wrote it may have died half-way: every index is checked, every walk is bounded, and what makes
// no sense is `BROKEN`, upon which all miniatures begin anew. May touch: its own memory.

import {
  Miniature as Field,
  MINIATURE_ENTRY_BYTES,
  MINIATURE_HEADER_BYTES,
  MiniatureEntry,
  Queue,
  SKETCH_LINE_BYTES,
} from '../layout.js'
import { miniatureGhostBuckets, miniatureSketchLines } from '../policy-size.js'
import { Ghosts } from './ghost.js'
import { fastrange, fmix32 } from './hash.js'
import {
  DUEL_MARGIN,
  modeOf,
  OLDEST,
  type PolicyMode,
  PROMOTE_AT,
  queueOfNew,
  Rule,
  smallTarget,
  worthOf,
} from './policy.js'
import { Sketch } from './sketch.js'
import { movedBar, stays } from './verdict.js'

export const BROKEN = -1

const MOST = 3
const UNITS_MASK = 0xffffff
const COUNT_SHIFT = 24
const AGE_SHIFT = 26
const QUEUE_SHIFT = 28
const MOST_CAPACITY = 2 ** 29
const ENTRY_WORDS = MINIATURE_ENTRY_BYTES >> 2

const USED = Field.used >> 2
const QUEUES = Field.queues >> 2
const FREE = Field.free >> 2
const FRESH = Field.fresh >> 2
const EVICTED_ONCE = Field.evictedOnce >> 2
const GHOST_CLOCK = Field.ghostClock >> 2
const RESIDENT = Field.resident >> 2
const KEY = MiniatureEntry.key >> 2
const NEXT_IN_CHAIN = MiniatureEntry.nextInChain >> 2
const NEXT_IN_QUEUE = MiniatureEntry.nextInQueue >> 2
const WORD = MiniatureEntry.word >> 2

export class Miniature {
  /** Entries or units that it may hold. */
  capacity = 0
  mode: PolicyMode = modeOf(0)
  private readonly words: Int32Array
  private readonly doubles: Float64Array
  /** Word index where it begins. */
  private readonly at: number
  private readonly bar: number
  /** Entries that there is room for. */
  private readonly entries: number
  private readonly heads: number
  private readonly first: number
  private readonly sketch: Sketch
  private readonly ghosts: Ghosts

  constructor(words: Int32Array, doubles: Float64Array, offset: number, entries: number) {
    this.words = words
    this.doubles = doubles
    this.at = offset >> 2
    this.bar = (offset + Field.bar) >> 3
    this.entries = entries
    this.heads = this.at + (MINIATURE_HEADER_BYTES >> 2)
    this.first = this.heads + entries
    const sketch = this.first + entries * ENTRY_WORDS
    const lines = miniatureSketchLines(entries)
    this.sketch = new Sketch(words, sketch, lines, this.at + (Field.sketchAdded >> 2), Math.max(16, 10 * entries))
    const ghosts = sketch + lines * (SKETCH_LINE_BYTES >> 2)
    const shift = entries > 16_384 ? 2 : 0
    this.ghosts = new Ghosts(words, ghosts, miniatureGhostBuckets(entries), this.at + GHOST_CLOCK, shift)
  }

  /** Empties it. Sketch and ghosts stay: they are advice about keys, whoever asked for them. */
  clear(): void {
    const clock = this.words[this.at + GHOST_CLOCK]
    this.words.fill(0, this.at, this.first)
    this.words[this.at + GHOST_CLOCK] = clock
  }

  /** 1 for a use of what is resident, 0 where it is not. */
  touch(h: number): number {
    const number = this.find(h)
    if (number <= 0) return number
    const count = this.count(number)
    if (count < MOST) this.setCount(number, count + 1)
    return 1
  }

  /** Takes a key in that is not resident; one that is stays as it is. */
  insert(h: number, size: number): number {
    const found = this.find(h)
    if (found !== 0) return Math.min(found, 0)
    this.sketch.add(h, 1)
    const resident = Math.min(this.words[this.at + RESIDENT] >>> 0, this.entries)
    const remembered = this.ghosts.take(h, h & 0xffff, resident - Math.floor(resident / 10))
    const units = Math.min(size, UNITS_MASK)
    if (units > this.capacity) return 0
    let number = this.vacancy()
    for (let i = 0; i <= this.entries && number !== BROKEN; i++) {
      if (number !== 0 && this.used(Queue.small) + this.used(Queue.main) + units <= this.capacity) break
      if (this.evict() === BROKEN) return BROKEN
      number = this.vacancy()
    }
    if (number <= 0) return BROKEN
    this.occupy(number)
    const { words, at } = this
    const smallFull = words[at + EVICTED_ONCE] === 0 && this.used(Queue.small) >= this.share()
    const entry = this.entry(number)
    words[entry + KEY] = h
    words[entry + WORD] = units
    const head = this.headOf(h)
    words[entry + NEXT_IN_CHAIN] = words[head]
    words[head] = number
    words[at + RESIDENT]++
    this.push(queueOfNew(this.mode, remembered, smallFull), number)
    return 0
  }

  private share(): number {
    return smallTarget(this.mode, this.capacity)
  }

  /** A word that names an entry by its index + 1, or none by 0. */
  private named(at: number): number {
    const number = this.words[at] >>> 0
    return number <= this.entries ? number : BROKEN
  }

  private entry(number: number): number {
    return this.first + (number - 1) * ENTRY_WORDS
  }

  private count(number: number): number {
    return (this.words[this.entry(number) + WORD] >>> COUNT_SHIFT) & 3
  }

  private setCount(number: number, count: number): void {
    const at = this.entry(number) + WORD
    this.words[at] = (this.words[at] & ~(3 << COUNT_SHIFT)) | (count << COUNT_SHIFT)
  }

  private units(number: number): number {
    return this.words[this.entry(number) + WORD] & UNITS_MASK
  }

  private headOf(h: number): number {
    return this.heads + fastrange(fmix32(h ^ 0x27d4eb2f), this.entries)
  }

  private find(h: number): number {
    let number = this.named(this.headOf(h))
    for (let i = 0; i <= this.entries && number !== BROKEN; i++) {
      if (number === 0 || this.words[this.entry(number) + KEY] === h) return number
      number = this.named(this.entry(number) + NEXT_IN_CHAIN)
    }
    return BROKEN
  }

  /** An entry that is free; 0 when all are taken. */
  private vacancy(): number {
    const free = this.named(this.at + FREE)
    const fresh = this.named(this.at + FRESH)
    if (free === BROKEN || fresh === BROKEN) return BROKEN
    if (free !== 0) return free
    return fresh < this.entries ? fresh + 1 : 0
  }

  private occupy(number: number): void {
    const { words, at } = this
    if (words[at + FREE] === number) words[at + FREE] = words[this.entry(number) + NEXT_IN_QUEUE]
    else words[at + FRESH] = number
  }

  private used(queue: number): number {
    return Math.min(this.words[this.at + USED + queue] >>> 0, 2 ** 30)
  }

  private oldest(queue: number): number {
    return this.named(this.at + QUEUES + 2 * queue)
  }

  private push(queue: number, number: number): void {
    const { words } = this
    const entry = this.entry(number)
    words[entry + WORD] = (words[entry + WORD] & ~(3 << QUEUE_SHIFT)) | (queue << QUEUE_SHIFT)
    words[entry + NEXT_IN_QUEUE] = 0
    const ends = this.at + QUEUES + 2 * queue
    const last = Math.min(words[ends + 1] >>> 0, this.entries)
    if (words[ends] === 0 || last === 0) words[ends] = number
    else words[this.entry(last) + NEXT_IN_QUEUE] = number
    words[ends + 1] = number
    words[this.at + USED + queue] = (this.used(queue) + this.units(number)) | 0
  }

  /** Takes the oldest out of its queue; 0 where the queue is empty. */
  private pop(queue: number): number {
    const number = this.oldest(queue)
    if (number <= 0) return number
    const next = this.named(this.entry(number) + NEXT_IN_QUEUE)
    if (next === BROKEN) return BROKEN
    this.words[this.at + QUEUES + 2 * queue] = next
    this.words[this.at + USED + queue] = (this.used(queue) - this.units(number)) | 0
    return number
  }

  /** Frees an entry that is in no queue any more. */
  private drop(number: number): number {
    const { words } = this
    const entry = this.entry(number)
    let link = this.headOf(words[entry + KEY])
    for (let i = 0; i <= this.entries; i++) {
      const next = this.named(link)
      if (next === number) {
        words[link] = words[entry + NEXT_IN_CHAIN]
        words[entry + NEXT_IN_QUEUE] = words[this.at + FREE]
        words[this.at + FREE] = number
        words[this.at + RESIDENT]--
        return 0
      }
      if (next <= 0) break
      link = this.entry(next) + NEXT_IN_CHAIN
    }
    return BROKEN
  }

  private smallGives(): boolean {
    const hasMain = this.words[this.at + QUEUES + 2 * Queue.main] !== 0
    const hasSmall = this.words[this.at + QUEUES] !== 0
    return hasSmall && (!hasMain || this.used(Queue.small) >= this.share())
  }

  private evict(): number {
    this.words[this.at + EVICTED_ONCE] = 1
    if (this.mode.rule === Rule.worth) return this.evictByWorth()
    return this.smallGives() ? this.evictSmall() : this.evictMain()
  }

  /** Tells the sketch of up to `most` uses that the entry has had, and takes them off its count. */
  private learn(number: number, most: number): void {
    const count = this.count(number)
    const uses = Math.min(count, most)
    if (uses === 0) return
    this.sketch.add(this.words[this.entry(number) + KEY], uses)
    this.setCount(number, count - uses)
  }

  private evictMain(): number {
    if (this.settleMain() === BROKEN) return BROKEN
    const number = this.pop(Queue.main)
    if (number <= 0) return number
    this.learn(number, MOST)
    return this.drop(number)
  }

  /** Main's oldest goes to its end until the oldest has no use left. */
  private settleMain(): number {
    for (let i = 0; i <= MOST * this.entries; i++) {
      const number = this.oldest(Queue.main)
      if (number <= 0 || this.count(number) === 0) return number
      if (this.pop(Queue.main) === BROKEN) return BROKEN
      this.learn(number, 1)
      this.push(Queue.main, number)
    }
    return BROKEN
  }

  private evictSmall(): number {
    for (let i = 0; i <= this.entries; i++) {
      const number = this.pop(Queue.small)
      if (number <= 0) return number
      const promoted = this.count(number) >= PROMOTE_AT
      this.learn(number, MOST)
      if (promoted || this.used(Queue.main) + this.share() + this.units(number) < this.capacity) {
        this.push(Queue.main, number)
        continue
      }
      const h = this.words[this.entry(number) + KEY]
      const victim = this.settleMain()
      if (victim === BROKEN) return BROKEN
      if (victim !== 0) {
        const other = this.sketch.estimate(this.words[this.entry(victim) + KEY])
        if (this.sketch.estimate(h) >= other + DUEL_MARGIN) {
          if (this.evictMain() === BROKEN) return BROKEN
          this.push(Queue.main, number)
          return 0
        }
      }
      if (this.drop(number) === BROKEN) return BROKEN
      this.ghosts.insert(h, h & 0xffff)
      return 0
    }
    return BROKEN
  }

  private evictByWorth(): number {
    for (let i = 0; i <= (OLDEST + MOST) * this.entries; i++) {
      const queue = this.smallGives() ? Queue.small : Queue.main
      const number = this.pop(queue)
      if (number <= 0) return number
      const entry = this.entry(number)
      let age = (this.words[entry + WORD] >>> AGE_SHIFT) & 3
      if (this.count(number) > 0) {
        age = 0
        this.learn(number, MOST)
      } else if (queue === Queue.main) {
        age = Math.min(OLDEST, age + 1)
      }
      const units = this.units(number)
      const worth = worthOf(this.sketch.estimate(this.words[entry + KEY]), age, units)
      const bar = this.doubles[this.bar]
      const keeps = stays(worth, bar, units)
      this.doubles[this.bar] = movedBar(worth, bar, units, this.capacity)
      if (!keeps) return this.drop(number)
      this.words[entry + WORD] = (this.words[entry + WORD] & ~(3 << AGE_SHIFT)) | (age << AGE_SHIFT)
      this.push(Queue.main, number)
    }
    // Everything is worth keeping: what is oldest goes.
    const number = this.pop(Queue.main)
    return number <= 0 ? number : this.drop(number)
  }

  /** As the tournament says. */
  set(capacity: number, mode: number): void {
    this.capacity = Math.min(capacity, MOST_CAPACITY)
    this.mode = modeOf(mode)
  }
}
