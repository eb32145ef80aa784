// The shared memory of owners: who is one, who may start one, which shard is whose. Every decision is one compare-and-set on one word, so that
// whoever dies in the middle leaves nothing to repair. May touch: its own words, /proc where somebody's death is to be proven.
//
//   vacant, e ──start──▶ starting, e + 1 ──the worker has attached──▶ running, e + 1 ──it ends, or is proven dead──▶ vacant, e + 1
//                              └──── too late, or its worker has ended ──────────────────────────────────────────▶ vacant, e + 1
//
// An owner that finds another epoch in its claim is one no more and leaves everything alone. A running one is never superseded for being slow.
import { isGone, type LifeSign } from '../attach/thread-life.js'
import {
  CHANGES,
  COUNT,
  DEAL_BITS,
  DEALS,
  dealsAt,
  NEEDED,
  ROW_WORDS,
  ROWS_AT,
  Row,
  SIGN_WORDS,
  SIGNS,
  Sign,
  State,
  wordsFor,
} from './owner-layout.js'

/** A start that has not led to an owner by then may be tried anew: what comes of it too late is not admitted. */
const START_BOUND_MS = 10_000
/** Without a sign of life for so long, its thread is looked into. Not a verdict: only proof of death is one. */
const QUIET_MS = 2_000
/** An owner that ran for so long was a success. */
export const PROVEN_MS = 1_000
const FIRST_DELAY_MS = 100
const LONGEST_DELAY_MS = 60_000

const EPOCH_SHIFT = 2
const EPOCHS = 2 ** 24

/** Milliseconds of the process's monotonic clock, the same in all threads, as a wrapping 32-bit number. */
export function ticks(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) | 0
}

export class OwnerMemory {
  readonly buffer: SharedArrayBuffer
  readonly words: Int32Array
  readonly count: number
  readonly #deals: number

  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer
    this.words = new Int32Array(buffer)
    this.count = this.words[COUNT] as number
    this.#deals = dealsAt(this.count)
  }

  static bytes(count: number): number {
    return wordsFor(count) * 4
  }

  /** Writes the header of zeroed memory; nobody else may see it before. */
  static initialise(buffer: SharedArrayBuffer, count: number): void {
    new Int32Array(buffer)[COUNT] = count
  }

  at(index: number, word: number): number {
    return ROWS_AT + index * ROW_WORDS + word
  }

  read(index: number, word: number): number {
    return Atomics.load(this.words, this.at(index, word))
  }

  write(index: number, word: number, value: number): void {
    Atomics.store(this.words, this.at(index, word), value)
  }

  state(index: number): number {
    return this.read(index, Row.claim) & ((1 << EPOCH_SHIFT) - 1)
  }

  epoch(index: number): number {
    return this.read(index, Row.claim) >>> EPOCH_SHIFT
  }

  isRunning(index: number, epoch: number): boolean {
    return this.read(index, Row.claim) === claim(epoch, State.running)
  }

  get changes(): number {
    return Atomics.load(this.words, CHANGES)
  }

  get needed(): boolean {
    return Atomics.load(this.words, NEEDED) !== 0
  }

  setNeeded(): void {
    Atomics.store(this.words, NEEDED, 1)
  }

  // ── Coming and going ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The epoch under which the caller, and nobody else, is to start this owner; 0 when it is not to. */
  claimStart(index: number): number {
    const now = ticks()
    const seen = this.read(index, Row.claim)
    if ((seen & 3) !== State.vacant) return 0
    if (this.read(index, Row.failures) > 0 && ((now - this.read(index, Row.notBefore)) | 0) < 0) return 0
    const epoch = ((seen >>> EPOCH_SHIFT) + 1) % EPOCHS || 1
    // Before the claim: whoever sees it begun sees since when, or the time of an earlier try, which the same caller has just found over.
    this.write(index, Row.since, now)
    if (!this.#change(index, seen, claim(epoch, State.starting))) return 0
    this.write(index, Row.since, now)
    Atomics.add(this.words, this.at(index, Row.starts), 1)
    return epoch
  }

  /** The worker of that start is there and works; false: it came too late, and is not the owner. */
  begin(index: number, epoch: number, sign: LifeSign, nodeThread: number): boolean {
    if (this.read(index, Row.claim) !== claim(epoch, State.starting)) return false
    const at = signAt(epoch)
    this.write(index, at + Sign.epoch, 0)
    this.write(index, at + Sign.word, sign.word)
    this.write(index, at + Sign.startLow, sign.startLow)
    this.write(index, at + Sign.startHigh, sign.startHigh)
    this.write(index, at + Sign.epoch, epoch)
    this.write(index, Row.nodeThread, nodeThread)
    this.write(index, Row.asleep, 0)
    this.write(index, Row.shards, 0)
    this.write(index, Row.since, ticks())
    this.write(index, Row.beat, ticks())
    return this.#change(index, claim(epoch, State.starting), claim(epoch, State.running))
  }

  /** The owner ends of its own accord, and gives its shards back first. */
  end(index: number, epoch: number): void {
    for (let shard = 0; shard < DEALS; shard++) {
      Atomics.compareExchange(this.words, this.#deals + shard, deal(index, epoch), 0)
    }
    this.write(index, Row.failures, 0)
    this.#change(index, claim(epoch, State.running), claim(epoch, State.vacant))
  }

  /** Its thread is proven to have ended, or could not be started: the place is vacant. Counted as a failure unless it ran for a while. */
  bury(index: number, epoch: number): void {
    const seen = this.read(index, Row.claim)
    if (seen >>> EPOCH_SHIFT !== epoch || (seen & 3) === State.vacant) return
    const now = ticks()
    const ran = (seen & 3) === State.running ? (now - this.read(index, Row.since)) | 0 : 0
    if (ran < PROVEN_MS) {
      const failures = this.read(index, Row.failures) + 1
      this.write(index, Row.failures, failures)
      const delay = failures < 2 ? 0 : Math.min(FIRST_DELAY_MS * 2 ** Math.min(failures - 2, 20), LONGEST_DELAY_MS)
      this.write(index, Row.notBefore, (now + delay) | 0)
    } else this.write(index, Row.failures, 0)
    this.#change(index, seen, claim(epoch, State.vacant))
  }

  /** Looks into an owner that has not said for a while that it lives: buries it if, and only if, it is proven dead. */
  inspect(index: number): void {
    const seen = this.read(index, Row.claim)
    const epoch = seen >>> EPOCH_SHIFT
    const now = ticks()
    if ((seen & 3) === State.starting && ((now - this.read(index, Row.since)) | 0) > START_BOUND_MS) {
      this.bury(index, epoch)
    } else if ((seen & 3) === State.running && this.quietFor(index) > QUIET_MS) {
      if (this.#isProvenDead(index, epoch)) this.bury(index, epoch)
    }
  }

  #isProvenDead(index: number, epoch: number): boolean {
    const at = signAt(epoch)
    const sign = {
      word: this.read(index, at + Sign.word),
      startLow: this.read(index, at + Sign.startLow),
      startHigh: this.read(index, at + Sign.startHigh),
    }
    return this.read(index, at + Sign.epoch) === epoch && isGone(sign)
  }

  /** Milliseconds since the owner last said that it lives. */
  quietFor(index: number): number {
    return Math.max(0, (ticks() - this.read(index, Row.beat)) | 0)
  }

  #change(index: number, seen: number, next: number): boolean {
    if (Atomics.compareExchange(this.words, this.at(index, Row.claim), seen, next) !== seen) return false
    Atomics.add(this.words, CHANGES, 1)
    return true
  }

  // ── Shards ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The shards that are this owner's from now on. Each has a home, by its number; what an absent owner leaves is taken over, and given back when
   * the home runs again. Nothing is taken from an owner that runs, however slow.
   */
  deal(index: number, epoch: number, shards: number): number[] {
    const mine = deal(index, epoch)
    const dealt: number[] = []
    for (let shard = 0; shard < Math.min(shards, DEALS); shard++) {
      const at = this.#deals + shard
      const home = shard % this.count
      const homeRuns = home === index || this.state(home) === State.running
      const seen = Atomics.load(this.words, at)
      if (seen === mine) {
        if (home !== index && homeRuns) Atomics.compareExchange(this.words, at, mine, 0)
        else dealt.push(shard)
        continue
      }
      const isFree = seen === 0 || !this.isRunning((seen & ((1 << DEAL_BITS) - 1)) - 1, seen >>> DEAL_BITS)
      if (!isFree || (home !== index && homeRuns)) continue
      if (Atomics.compareExchange(this.words, at, seen, mine) === seen) dealt.push(shard)
    }
    this.write(index, Row.shards, dealt.length)
    return dealt
  }

  /** Wakes an owner. */
  ring(index: number): void {
    const at = this.at(index, Row.doorbell)
    Atomics.add(this.words, at, 1)
    Atomics.notify(this.words, at)
  }

  ringAll(): void {
    for (let index = 0; index < this.count; index++) this.ring(index)
  }
}

function signAt(epoch: number): number {
  return Row.signs + (epoch % SIGNS) * SIGN_WORDS
}

function claim(epoch: number, state: number): number {
  return (epoch << EPOCH_SHIFT) | state
}

function deal(index: number, epoch: number): number {
  return (epoch << DEAL_BITS) | (index + 1)
}
