// How the threads of a process agree on one root memory when none exists yet, although they share nothing, some may be blocked
// and any may die. May touch: presence groups and, through the ballot, the channel.
//
// A group of flags (presence.ts) can tell a thread only "nobody else is here" or "somebody is". So every place in the contest is
// built to have at most two contenders:
//   1. Everybody raises a flag in `gate`. Who then sees nobody else is the one *fast* thread: at most one living thread can.
//   2. All others play a tournament, a binary tree over thread ids; each node has at most one contender from each side.
//   3. The fast thread and the tournament's winner meet in `top`.
// In a place for two: raise the flag, look. Nobody there: won, since the other will see this flag. Somebody there: post a tie *after*
// looking. If the other had won it posts none and will answer with its root; if it too saw somebody, that was me, so my flag stood
// when it posted and its tie reaches me: the lower thread id wins. A thread that dies takes its flags down, and who waits sees that.
// Whoever knows a root keeps its flags in `gate` and `top`, hence nobody can win anew while the root lives.
import { Presence, presenceWorks } from './presence.js'
import { KEY } from './wire.js'

/** What the contest needs of the channel. */
export interface Ballot {
  readonly thread: number
  /** Takes in all messages that have come. */
  drain(): void
  knowsRoot(): boolean
  /** Posts a tie for a node. */
  tie(node: string, reply: boolean): void
}

export type Outcome = 'won' | 'known' | 'timeout'

/** Levels of the tournament: thread ids below 2^32. Only contended elections enter it. */
const LEVELS = 32
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
  readonly #rivals = new Map<string, Set<number>>()
  #contested: string | undefined
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
  heard(node: string, from: number, reply: boolean): void {
    if (node !== this.#contested) return
    let rivals = this.#rivals.get(node)
    if (rivals === undefined) {
      rivals = new Set()
      this.#rivals.set(node, rivals)
    }
    rivals.add(from)
    // It may have been left over from before this thread looked; the other then waits for ours and we for its newest.
    if (!reply) this.#ballot.tie(node, true)
  }

  /** Raises the flags of a thread that knows a root. */
  raise(): void {
    this.#flag('gate')
    this.#flag('top')
  }

  /** Whether nobody else knows a root or contends for the last place. After `raise`. */
  aloneAtTop(): boolean {
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

  /** Contends until this thread has won, a root is known, or the deadline (performance.now()) has passed. */
  contend(deadline: number): Outcome {
    if (!this.#flagsWork()) return this.#listen(deadline)
    this.#fast ||= this.#flag('gate').alone()
    if (!this.#fast) {
      for (let level = 1; level <= LEVELS; level++) {
        const outcome = this.#win(`${level}/${Math.floor(this.#ballot.thread / 2 ** level)}`, deadline)
        if (outcome !== 'won') return outcome
      }
    }
    const outcome = this.#win('top', deadline)
    if (outcome !== 'won') return outcome
    // A root that was announced before the other left the place is in the queue by now.
    this.#ballot.drain()
    return this.#ballot.knowsRoot() ? 'known' : 'won'
  }

  #win(node: string, deadline: number): Outcome {
    // Still standing there since an earlier try: nobody can have won it since.
    if (this.#won.has(node)) return 'won'
    const flag = this.#flag(node)
    this.#ballot.drain()
    this.#rivals.delete(node)
    this.#contested = node
    try {
      for (let tries = 0; ; tries++) {
        if (flag.alone()) break
        if (tries === 0) this.#ballot.tie(node, false)
        this.#ballot.drain()
        if (this.#ballot.knowsRoot()) return 'known'
        const rivals = this.#rivals.get(node)
        if (rivals !== undefined && this.#ballot.thread < Math.min(...rivals)) break
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
    const node = 'listen'
    const until = Math.min(performance.now() + LISTEN_MS, deadline)
    this.#rivals.delete(node)
    this.#contested = node
    try {
      this.#ballot.tie(node, false)
      for (;;) {
        this.#ballot.drain()
        if (this.#ballot.knowsRoot()) return 'known'
        const rivals = this.#rivals.get(node)
        const first = rivals === undefined || this.#ballot.thread < Math.min(...rivals)
        if (first && performance.now() > until) return 'won'
        if (performance.now() > deadline) return 'timeout'
        pause(1)
      }
    } finally {
      this.#contested = undefined
    }
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
