// One thread's connection to the other threads: what it knows of roots and caches, how it hears and answers. One object a thread,
// shared by all copies of the package in it. May touch: BroadcastChannel, environment data, the root memory.
import { subscribe } from 'node:diagnostics_channel'
import {
  BroadcastChannel,
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  type Worker,
} from 'node:worker_threads'
import { Election, pause } from './election.js'
import { attachTimeout, tooManyThreads } from './failure.js'
import { isAlone, take } from './presence.js'
import { RootTable } from './root-table.js'
import { ownLifeSign, stand, stands } from './thread-life.js'
import { type Inheritance, KEY, type KnownCache, type Message } from './wire.js'

/** How long importing the package may block when other threads are just electing. */
const IMPORT_BOUND_MS = 50
/** An answer usually takes 1 ms. Who claimed an ask may have died since: then ask again. */
const ASK_AGAIN_MS = 20
/** How long threads that may have heard of a root get to say so before a new one is made. */
const HEARSAY_MS = 5
/** So long after the last election nobody is dying any more: who does not answer is blocked. */
const CALM_MS = 1_000
/** How many caches, the newest, are handed over unasked. */
const LIKELY = 4
/** Bound of upkeep that nobody waits for. */
const UPKEEP_MS = 2

interface KnownRoot {
  readonly table: RootTable
  readonly caches: Map<number, KnownCache>
}

/** The root that this thread has joined. */
export interface Joined extends KnownRoot {
  readonly line: number
  /** Handles of this thread per incarnation. */
  readonly holds: Map<number, number>
}

export class ThreadPort {
  readonly #channel = new BroadcastChannel(KEY)
  readonly #heard = new Map<string, KnownRoot>()
  /** Threads that won an election, as they said. */
  readonly #claims = new Set<number>()
  #claimedAt = Number.NEGATIVE_INFINITY
  readonly #election: Election
  #joined: Joined | undefined
  #ask: { readonly answered: Int32Array; readonly at: number } | undefined
  #name = ''

  constructor() {
    this.#channel.onmessage = (event) => this.#take((event as { data: unknown }).data)
    // After the handler: setting one takes hold of the event loop.
    this.#channel.unref()
    this.#election = new Election({
      thread: threadId,
      drain: () => {
        this.drain()
        this.#askAgain('root')
      },
      knowsRoot: () => this.#living() !== undefined,
      tie: (node, to) => this.#post({ type: 'tie', node, from: threadId, to }),
      tell: () => {
        const known = this.#living()
        if (known !== undefined) this.#post({ type: 'root', root: known.table.buffer })
      },
    })
    this.#inherit()
    // The parent of a dead worker settles what it held, at once and without anybody asking for a cache.
    subscribe('worker_threads', (message) => {
      ;(message as { worker: Worker }).worker.once('exit', () => this.#settleDeaths())
    })
    if (isMainThread || this.#heard.size > 0) {
      try {
        this.join(performance.now() + IMPORT_BOUND_MS)
      } catch {
        // Somebody else is at it; opening a cache tries again and tells.
      }
    } else {
      // The answer is under way while this thread loads the rest of its program.
      this.#askAgain('root')
    }
  }

  /**
   * The root of this process: found, or made if there is none. Throws at the deadline (performance.now()); only while others keep
   * winning elections and dying, so that nobody is blocked, it goes on until `limit`.
   */
  join(deadline: number, limit: number = deadline): Joined {
    let until = deadline
    this.drain()
    if (this.#joined !== undefined) return this.#joined
    let listened = false
    for (;;) {
      // The newest first: an older one may have been given up since.
      for (const known of [...this.#heard.values()].reverse()) {
        const joined = this.#adopt(known, false, until)
        if (joined !== undefined) return joined
        this.#heard.delete(known.table.id)
      }
      if (!listened) this.#askAgain('root')
      if (!listened && !isAlone(this.#channel, KEY)) {
        listened = true
        const heardBy = Math.min(performance.now() + HEARSAY_MS, until)
        while (this.#living() === undefined && performance.now() < heardBy) this.awaitAnswer('root')
        if (this.#living() !== undefined) continue
      }
      const outcome = this.#election.contend(until)
      if (outcome === 'won') {
        // In this order, while who carries an older root on says so and then looks for claims: one of the two sees the other.
        this.#post({ type: 'claim', from: threadId })
        this.drain()
        if (this.#living() !== undefined) continue
        const made = { table: RootTable.create(), caches: new Map() }
        const joined = this.#adopt(made, true, until) as Joined
        this.#post({ type: 'root', root: made.table.buffer })
        return joined
      } else if (outcome === 'timeout') {
        const longer = Math.min(this.#claimedAt + CALM_MS, limit)
        if (longer > performance.now()) {
          until = longer
          continue
        }
        // Flags stay up until the loop turns, for another try in the same turn.
        setImmediate(() => {
          if (this.#joined === undefined) this.#election.withdraw()
        }).unref()
        throw attachTimeout(this.#name)
      }
    }
  }

  get hasJoined(): boolean {
    return this.#joined !== undefined
  }

  /** A root that somebody living has joined. */
  #living(): KnownRoot | undefined {
    return [...this.#heard.values()].find(({ table }) => !table.orphaned && (table.stands || table.isInhabited(-1)))
  }

  /** Joins a root, if a living thread is there already or this one has just made it. */
  #adopt(known: KnownRoot, made: boolean, deadline: number): Joined | undefined {
    const { table } = known
    const line = table.claimLine(ownLifeSign())
    if (line < 0) throw tooManyThreads()
    if (!table.lock(line, deadline)) {
      table.freeLine(line)
      throw attachTimeout(this.#name)
    }
    const admitted = table.admit(line, threadId, made)
    this.unlock(table)
    if (!admitted) {
      table.freeLine(line)
      return undefined
    }
    if (!table.stands) {
      // Not before: who is not admitted contends, and a flag of its own at the top would stand in the way of the others.
      this.#election.raise()
      // After the others, so that it falls before them: while it is seen, they stand.
      stand()
      if (!made && !this.#isTheOne(known, line, deadline)) {
        table.freeLine(line)
        return undefined
      }
      if (isMainThread) table.setStands()
    }
    this.#joined = { ...known, line, holds: new Map() }
    this.#heard.clear()
    this.#heard.set(table.id, known)
    this.#election.settle()
    this.#bequeath()
    return this.#joined
  }

  /**
   * With this thread's flags up: whether those of somebody who joined before were up until then. If not, its last thread has just
   * died, and others may have elected a new root meanwhile; unless they have, this thread carries the old one on.
   */
  #isTheOne(known: KnownRoot, line: number, deadline: number): boolean {
    const { table } = known
    const anotherLives = () =>
      [...this.#heard.values()].some((other) => other.table.id !== table.id && other.table.isInhabited(-1))
    if (!table.isInhabited(line) && !this.#election.isAlone()) {
      this.#post({ type: 'root', root: table.buffer })
      this.drain()
      while (!anotherLives() && [...this.#claims].some((thread) => stands(thread) && !table.hasJoined(thread))) {
        if (performance.now() > deadline) {
          table.freeLine(line)
          throw attachTimeout(this.#name)
        }
        pause(0.1)
        this.drain()
      }
    } else this.drain()
    return !anotherLives()
  }

  /** Takes the lock of the root; throws at the deadline. */
  lock(joined: Joined, deadline: number): void {
    if (!joined.table.lock(joined.line, deadline)) throw attachTimeout(this.#name)
  }

  /** Gives the lock back and tells everybody which caches have ended under it. */
  unlock(table: RootTable): void {
    const freed = table.takeFreed()
    table.unlock()
    const caches = this.#heard.get(table.id)?.caches
    for (const incarnation of freed) {
      caches?.delete(incarnation)
      this.#post({ type: 'gone', rootId: table.id, incarnation })
    }
    if (freed.length > 0) this.#bequeath()
  }

  /** Takes in all messages that have come, without the event loop. */
  drain(): void {
    for (;;) {
      const received = take(this.#channel)
      if (received === undefined) return
      this.#take(received.message)
    }
  }

  /** Asks, once in a while, and blocks for a millisecond at most; then takes in what has come. */
  awaitAnswer(need: 'root' | 'cache'): void {
    this.#askAgain(need)
    const answered = this.#ask?.answered
    if (answered === undefined) pause(1)
    else Atomics.wait(answered, 0, Atomics.load(answered, 0) === 1 ? 1 : 0, 1)
    this.drain()
    if (answered !== undefined && Atomics.load(answered, 0) === 2) this.#ask = undefined
  }

  /** What the next question is about. */
  askFor(name: string): void {
    this.#name = name
    // What was asked for another name tells nothing; without a root the question under way is for one.
    if (this.#joined !== undefined) this.#ask = undefined
  }

  #askAgain(need: 'root' | 'cache'): void {
    const now = performance.now()
    if (this.#ask !== undefined && now - this.#ask.at < ASK_AGAIN_MS) return
    const answered = new Int32Array(new SharedArrayBuffer(4))
    this.#ask = { answered, at: now }
    this.#post({ type: 'ask', need, name: this.#name, answered })
  }

  /** Makes a cache known to all threads, present and future. Throws what the clone throws. */
  announce(cache: KnownCache): void {
    const joined = this.#joined as Joined
    this.#post({ type: 'cache', root: joined.table.buffer, cache })
    joined.caches.set(cache.incarnation, cache)
    this.#bequeath()
  }

  #post(message: Message): void {
    this.#channel.postMessage(message)
  }

  #take(data: unknown): void {
    const message = data as Message
    switch (message?.type) {
      case 'root':
        this.#hear(message.root)
        break
      case 'cache': {
        const known = this.#hear(message.root)
        // An answer may come late: what is closed already must not be held again.
        if (known?.table.isCurrent(message.cache.slot, message.cache.incarnation)) {
          const before = known.caches.get(message.cache.incarnation)
          if (before !== undefined) break
          known.caches.set(message.cache.incarnation, message.cache)
          this.#bequeath()
        }
        break
      }
      case 'gone':
        if (this.#heard.get(message.rootId)?.caches.delete(message.incarnation)) this.#bequeath()
        break
      case 'ask':
        this.#answer(message)
        break
      case 'claim':
        this.#claims.add(message.from)
        this.#claimedAt = performance.now()
        break
      case 'tie':
        this.#election.heard(message.node, message.from, message.to)
        break
      default:
    }
  }

  #hear(root: unknown): KnownRoot | undefined {
    if (!RootTable.isOne(root)) return undefined
    const table = new RootTable(root)
    const known = this.#heard.get(table.id)
    if (table.orphaned) return undefined
    // Once joined, the root does not change while this thread lives.
    if (known !== undefined || this.#joined !== undefined) return known
    const fresh: KnownRoot = { table, caches: new Map() }
    this.#heard.set(table.id, fresh)
    this.#bequeath()
    return fresh
  }

  #answer(ask: Message & { type: 'ask' }): void {
    const known = [...this.#heard.values()].pop()
    if (known === undefined || known.table.orphaned) return
    const cache = [...known.caches.values()].reverse().find((candidate) => candidate.name === ask.name)
    if (cache === undefined && ask.need === 'cache') return
    // One answer is enough: with many threads everybody's answer to everybody would be a storm.
    if (Atomics.compareExchange(ask.answered, 0, 0, 1) !== 0) return
    const root = known.table.buffer
    if (cache !== undefined) this.#post({ type: 'cache', root, cache })
    else {
      this.#post({ type: 'root', root })
      // Asked while loading, when no name was known yet: it will be one of these.
      const likely = ask.name === '' ? [...known.caches.values()].slice(-LIKELY) : []
      for (const each of likely) this.#post({ type: 'cache', root, cache: each })
    }
    Atomics.store(ask.answered, 0, 2)
    Atomics.notify(ask.answered, 0)
  }

  #inherit(): void {
    const inherited = getEnvironmentData(KEY) as unknown as Inheritance | undefined
    for (const { root, caches } of inherited?.roots ?? []) {
      const known = this.#hear(root)
      for (const cache of caches) {
        if (known?.table.isCurrent(cache.slot, cache.incarnation)) known.caches.set(cache.incarnation, cache)
      }
    }
    this.#bequeath()
  }

  /** Workers started by this thread from now on inherit this. */
  #bequeath(): void {
    const roots = [...this.#heard.values()].map(({ table, caches }) => {
      for (const { slot, incarnation } of [...caches.values()]) {
        if (!table.isCurrent(slot, incarnation)) caches.delete(incarnation)
      }
      return { root: table.buffer, caches: [...caches.values()] }
    })
    setEnvironmentData(KEY, (roots.length === 0 ? undefined : { roots }) as never)
  }

  #settleDeaths(): void {
    const joined = this.#joined
    if (joined === undefined || !joined.table.lock(joined.line, performance.now() + UPKEEP_MS)) return
    joined.table.settle(joined.line)
    this.unlock(joined.table)
  }
}
