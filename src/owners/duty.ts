// What an owner does, round by round: says that it lives, advances the clock, keeps free segments ahead of the writers, gives back what has
// expired, and finds out how long it may sleep. May touch: its row, the shards dealt to it through the engine, the clock's asleep word.
// Used by the owner's thread alone; a round takes 2 ms at most, and neither waits nor allocates much.

import type { Regions } from '../engine/create.js'
import { type Engine, Tended } from '../engine/engine.js'
import { COUNTERS, Control, Counter, Shard, THREAD_BYTES, THREADS, Thread } from '../engine/layout.js'
import { Row } from './owner-layout.js'
import { type OwnerMemory, PROVEN_MS, ticks } from './owner-memory.js'

/** Between rounds while the cache is in use: the clock word is behind by this, and by what the scheduler adds. */
const ROUND_MS = 4
/** While segments are used up fast. */
const SHORTEST_MS = 1
/** Rounds without anybody using the cache after which the owner sleeps. */
const IDLE_ROUNDS = 64
/** How long a sleeping owner takes to notice, where nobody rings it, that the cache is used again. */
const LONGEST_NAP_MS = 500
/** Free segments are kept for what writers take in so long. */
const LEAD_MS = 8
const BUDGET_MS = 2
/** Between looks at everything that need not be fast: the dead, what has expired, the dealing of shards, whether anybody is left. */
const SWEEP_MS = 500
const SLEEPY_SWEEP_MS = 2_000
/** Sweeps in a row that find nobody attached, after which an owner of a cache that nobody holds any more ends. */
const LONELY_SWEEPS = 2

const WORLD = Control.world >> 2
const CLOSED = 1
const USES = [Counter.hits, Counter.misses, Counter.stored, Counter.refused, Counter.loads]

/** A round's answer when the owner is to end. */
export const OVER = -1

interface Holding {
  readonly shard: number
  readonly words: Int32Array
  /** Segments opened when last looked at, and how many a millisecond lately. */
  opened: number
  pace: number
}

export class Duty {
  readonly #memory: OwnerMemory
  readonly #index: number
  readonly #epoch: number
  readonly #engine: Engine
  readonly #control: Int32Array
  readonly #shards: Int32Array[]
  readonly #begun = ticks()
  #holdings: Holding[] = []
  #changes = -1
  #uses = 0
  #idleRounds = 0
  #nap = ROUND_MS
  #sweptAt = 0
  #lonely = 0
  /** There may be more that has expired than was given back so far. */
  #expired = false
  #lastRound = performance.now()
  #busy = 0

  constructor(memory: OwnerMemory, index: number, epoch: number, engine: Engine, regions: Regions) {
    this.#memory = memory
    this.#index = index
    this.#epoch = epoch
    this.#engine = engine
    this.#control = new Int32Array(regions.control.buffer)
    this.#shards = regions.shards.map((shard) => new Int32Array(shard.buffer))
  }

  /** One round. Answers how many milliseconds may pass before the next unless somebody rings; 0: none, `OVER`: the owner is to end. */
  round(): number {
    const memory = this.#memory
    const from = performance.now()
    if (!memory.isRunning(this.#index, this.#epoch) || (Atomics.load(this.#control, WORLD) & CLOSED) !== 0) return OVER
    memory.write(this.#index, Row.beat, ticks())
    if (from - this.#sweptAt >= (this.#idleRounds < IDLE_ROUNDS ? SWEEP_MS : SLEEPY_SWEEP_MS)) {
      this.#sweptAt = from
      if (!this.#sweep()) return OVER
    } else if (memory.changes !== this.#changes) this.#redeal()
    const isUsed = this.#noteUse()
    if (this.#expired) this.#reclaim(from)
    const more = this.#work(from) || this.#expired
    const to = performance.now()
    this.#busy += to - from
    memory.write(this.#index, Row.busyMs, Math.floor(this.#busy))
    this.#lastRound = from
    if (more) return 0
    return isUsed ? this.#pause() : this.#rest()
  }

  /** All upkeep that there is, until none is left or somebody is in the way. For requests; some milliseconds, 200 at most. */
  workOff(): void {
    this.#redeal()
    const until = performance.now() + 100
    do this.#reclaim(performance.now())
    while (this.#expired && performance.now() < until)
    while (this.#work(performance.now()) && performance.now() < until);
  }

  /** Gives everything back. */
  end(): void {
    this.#memory.end(this.#index, this.#epoch)
    this.#engine.detach()
  }

  #work(from: number): boolean {
    let more = false
    const elapsed = Math.max(1, from - this.#lastRound)
    for (const holding of this.#holdings) {
      const opened = holding.words[Shard.sequence >> 2] as number
      // Half of the last, half of all before.
      holding.pace = (holding.pace + ((opened - holding.opened) | 0) / elapsed) / 2
      holding.opened = opened
      const ahead = this.#ahead(holding)
      for (;;) {
        const free = holding.words[Shard.freeSegments >> 2]
        const tended = this.#engine.tend(holding.shard, ahead)
        if (tended === Tended.more || free !== holding.words[Shard.freeSegments >> 2]) this.#countTurn()
        if (tended !== Tended.more) break
        more = performance.now() - from > BUDGET_MS
        if (more) return true
      }
    }
    return more
  }

  #countTurn(): void {
    Atomics.add(this.#memory.words, this.#memory.at(this.#index, Row.turns), 1)
  }

  /** Free segments to keep beyond those at which callers begin to evict. */
  #ahead({ words, pace }: Holding): number {
    const most = Math.max(1, (words[Shard.segments >> 2] as number) >> 6)
    return Math.min(most, Math.ceil(pace * LEAD_MS))
  }

  /** In use: as long as a writer takes for half of what is kept ahead. */
  #pause(): number {
    let wait = ROUND_MS
    for (const holding of this.#holdings) {
      if (holding.pace > 0) wait = Math.min(wait, this.#ahead(holding) / holding.pace / 2)
    }
    return Math.max(SHORTEST_MS, wait)
  }

  /** Not in use: a while as if it were, then asleep, longer and longer. */
  #rest(): number {
    this.#idleRounds++
    if (this.#idleRounds < IDLE_ROUNDS) return ROUND_MS
    if (this.#idleRounds === IDLE_ROUNDS) {
      this.#memory.write(this.#index, Row.asleep, 1)
      if (this.#hasClock()) Atomics.store(this.#control, Control.clockAsleep >> 2, 1)
    }
    this.#nap = Math.min(this.#nap * 2, LONGEST_NAP_MS)
    return this.#nap
  }

  #noteUse(): boolean {
    const uses = this.#countUses()
    const isUsed = uses !== this.#uses
    this.#uses = uses
    if (isUsed && this.#idleRounds > 0) {
      this.#idleRounds = 0
      this.#nap = ROUND_MS
      this.#memory.write(this.#index, Row.asleep, 0)
    }
    // Also after somebody else's timer rested while this one works.
    if (isUsed && this.#hasClock()) Atomics.store(this.#control, Control.clockAsleep >> 2, 0)
    return isUsed
  }

  /** The clock is advanced with upkeep, so whoever has the first shard answers for it. */
  #hasClock(): boolean {
    return this.#holdings[0]?.shard === 0
  }

  /** A sum that moves whenever anybody uses the cache. */
  #countUses(): number {
    const lines = Math.min(Atomics.load(this.#control, Control.threadsEnd >> 2), THREADS)
    let sum = 0
    for (let line = 0; line < lines; line++) {
      const counters = (Control.counters >> 2) + line * COUNTERS * 2
      for (const use of USES) sum = (sum + (this.#control[counters + use * 2] as number)) | 0
    }
    return sum
  }

  /** False when nobody is left whom upkeep could serve. */
  #sweep(): boolean {
    this.#engine.reap()
    this.#redeal()
    if (((ticks() - this.#begun) | 0) > PROVEN_MS) this.#memory.write(this.#index, Row.failures, 0)
    this.#expired = true
    this.#lonely = this.#isAlone() ? this.#lonely + 1 : 0
    return this.#lonely < LONELY_SWEEPS
  }

  #reclaim(from: number): void {
    this.#expired = false
    for (const { shard } of this.#holdings) {
      while (this.#engine.reclaim(shard) === Tended.more) {
        this.#countTurn()
        this.#expired = performance.now() - from > BUDGET_MS
        if (this.#expired) return
      }
    }
  }

  #redeal(): void {
    this.#changes = this.#memory.changes
    const dealt = this.#memory.deal(this.#index, this.#epoch, this.#shards.length)
    const before = new Map(this.#holdings.map((holding) => [holding.shard, holding]))
    this.#holdings = dealt.map((shard) => {
      const words = this.#shards[shard] as Int32Array
      return before.get(shard) ?? { shard, words, opened: words[Shard.sequence >> 2] as number, pace: 0 }
    })
  }

  /** Whether all attached threads are owners. */
  #isAlone(): boolean {
    const owners = new Set<number>()
    for (let index = 0; index < this.#memory.count; index++) owners.add(this.#memory.read(index, Row.nodeThread))
    const lines = Math.min(Atomics.load(this.#control, Control.threadsEnd >> 2), THREADS)
    for (let line = 0; line < lines; line++) {
      const at = (Control.threads + line * THREAD_BYTES) >> 2
      const isTaken = Atomics.load(this.#control, at + (Thread.id >> 2)) !== 0
      if (isTaken && !owners.has(Atomics.load(this.#control, at + (Thread.nodeThread >> 2)))) return false
    }
    return true
  }
}
