// How the threads of a process agree on one root memory when none exists yet, although they share nothing, some may be blocked
// and any may die. May touch: presence groups and, through the ballot, the channel.
//
// A group of flags (presence.ts) can tell a thread only "nobody else is here" or "somebody is". So every place in the contest is
// built to have at most two contenders:
//   1. Everybody raises a flag in `gate`. Who then sees nobody else is the one *fast* thread: at most one living thread can.
//   2. All others play a tournament, a binary tree over thread ids; each node has at most one contender from each side.
//   3. The fast thread and the tournament's winner meet in `top`.
// In a place for two: raise the flag, look. Nobody there: won, since the other will see this flag. Somebody there: call. If the other
// has won it does not answer the call, but in time the question for the root; if it contends too it answers, and once each has an
// answer meant for itself, the lower thread id wins. Calls alone do not count: the caller may be gone, its side's next one in its
// place, and two would win. A thread that dies takes its flags down, and who waits sees that.
// Whoever knows a root keeps its flags in `gate` and `top`, hence nobody can win anew while the root lives.
import { Presence, presenceWorks } from './presence.js'
import { KEY } from './wire.js'

/** What the contest needs of the channel. */
export interface Ballot {
  readonly thread: number
  /** Takes in all messages that have come. */
  drain(): void
  knowsRoot(): boolean
  /** Posts a tie for a node, to a thread or to whoever contends there. */
  tie(node: string, to: number): void
  /** Posts the root that is known. */
  tell(): void
}

export type Outcome = 'won' | 'known' | 'timeout'

/** Levels of the tournament: thread ids below 2^32. Only contended elections enter it. */
const LEVELS = 32
const ANYBODY = -1
/** Where flags do not work (a future Node): how long to listen before winning. */
const LISTEN_MS = 200

const nap = new Int32Array(new SharedArrayBuffer(4))

/** Blocks this thread. */
export function pause(milliseconds: number): void {
  Atomics.wait(nap, 0, 0, milliseconds)
}

export class Election {
  readonly #ballot: Ballot
  readonly #flags = new Map<string, Presence>()
  readonly #won = new Set<string>()
  // Of the node that is contested now.
  #contested: string | undefined
  readonly #rivals = new Set<number>()
  readonly #told = new Set<number>()
  #answered = false
  #fast = false
  readonly #flagsWork: () => boolean
  readonly #groups: string

  /** `flagsWork` and `groups` (a prefix) are for tests: many elections in one process, and without flags. */
  constructor(ballot: Ballot, flagsWork: () => boolean = presenceWorks, groups: string = KEY) {
    this.#ballot = ballot
    this.#flagsWork = flagsWork
    this.#groups = groups
  }

  /** A tie that has come from another thread. */
  heard(node: string, from: number, to: number): void {
    if (node !== this.#contested || (to !== ANYBODY && to !== this.#ballot.thread)) return
    // An answer would let the other win, although this contest has ended.
    if (this.#ballot.knowsRoot()) {
      this.#ballot.tell()
      return
    }
    this.#rivals.add(from)
    if (to !== ANYBODY) this.#answered = true
    // A call is always answered: it may be the other's second contest. An answer only if it does not answer ours.
    if (to === ANYBODY || !this.#told.has(from)) {
      this.#told.add(from)
      this.#ballot.tie(node, from)
    }
  }

  /** Raises the flags of a thread that knows a root. */
  raise(): void {
    this.#flag('gate')
    this.#flag('top')
  }

  /** Whether nobody else knows a root or contends for the last place. After `raise`. */
  isAlone(): boolean {
    return this.#flagsWork() && this.#flag('top').alone()
  }

  /** Gives up all but the flags of a thread that knows a root. */
  settle(): void {
    for (const [node, flag] of this.#flags) {
      if (node === 'gate' || node === 'top') flag.settle()
      else {
        flag.leave()
        this.#flags.delete(node)
      }
    }
    this.#won.clear()
  }

  /** Leaves everything, after a contest that ran out of time, so that others are not held up. */
  withdraw(): void {
    for (const flag of this.#flags.values()) flag.leave()
    this.#flags.clear()
    this.#won.clear()
    this.#fast = false
  }

  /** Contends until this thread has won (it must then look once more for a root), a root is known, or the deadline (performance.now()) has passed. */
  contend(deadline: number): Outcome {
    if (!this.#flagsWork()) return this.#listen(deadline)
    this.#fast ||= this.#flag('gate').alone()
    if (!this.#fast) {
      for (let level = 1; level <= LEVELS; level++) {
        const outcome = this.#win(`${level}/${Math.floor(this.#ballot.thread / 2 ** level)}`, deadline)
        if (outcome !== 'won') return outcome
      }
    }
    return this.#win('top', deadline)
  }

  #win(node: string, deadline: number): Outcome {
    // Still standing there since an earlier try: nobody can have won it since.
    if (this.#won.has(node)) return 'won'
    const flag = this.#flag(node)
    this.#enter(node)
    try {
      for (let tries = 0; !flag.alone(); tries++) {
        if (tries === 0) this.#ballot.tie(node, ANYBODY)
        this.#ballot.drain()
        if (this.#ballot.knowsRoot()) return 'known'
        if (this.#answered && this.#isFirst()) break
        if (performance.now() > deadline) return 'timeout'
        pause(tries < 20 ? 0.05 : 1)
      }
    } finally {
      this.#contested = undefined
    }
    this.#won.add(node)
    return 'won'
  }

  /** Without flags: safe only while no thread that knows a root, and none that contends, is blocked for LISTEN_MS. */
  #listen(deadline: number): Outcome {
    const until = Math.min(performance.now() + LISTEN_MS, deadline)
    this.#enter('listen')
    try {
      this.#ballot.tie('listen', ANYBODY)
      for (;;) {
        this.#ballot.drain()
        if (this.#ballot.knowsRoot()) return 'known'
        if (this.#isFirst() && performance.now() > until) return 'won'
        if (performance.now() > deadline) return 'timeout'
        pause(1)
      }
    } finally {
      this.#contested = undefined
    }
  }

  #enter(node: string): void {
    // What has come before belongs to an earlier contest.
    this.#ballot.drain()
    this.#rivals.clear()
    this.#told.clear()
    this.#answered = false
    this.#contested = node
  }

  #isFirst(): boolean {
    return this.#ballot.thread < Math.min(...this.#rivals)
  }

  #flag(node: string): Presence {
    let flag = this.#flags.get(node)
    if (flag === undefined) {
      flag = new Presence(`${this.#groups}/${node}`)
      this.#flags.set(node, flag)
    }
    return flag
  }
}
