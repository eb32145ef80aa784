// Bounds how many loads run at once in this thread, and how many wait for their turn. Touches its own two lists.
import type { Engine } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'
import type { LoadBounds } from '../options/cache-options.js'

/** A load's place: it waits, runs or has left. */
export interface Turn {
  readonly start: (turn: Turn) => void
  background: boolean
  state: 'waiting' | 'running' | 'left'
}

/** So many namespaces may come and go before idle queues are forgotten. */
const MOST_QUEUES = 1024
const queuesOfEngines = new WeakMap<Engine, Map<string, LoadQueue>>()

/** The queue of a cache, or of one of its namespaces, in this thread: handles with the same bounds share it. */
export function queueOf(engine: Engine, scope: string, bounds: LoadBounds): LoadQueue {
  let queues = queuesOfEngines.get(engine)
  if (queues === undefined) {
    queues = new Map()
    queuesOfEngines.set(engine, queues)
  }
  const name = `${bounds.concurrency} ${bounds.queue} ${scope}`
  let queue = queues.get(name)
  if (queue === undefined) {
    if (queues.size >= MOST_QUEUES) forgetIdle(queues)
    queue = new LoadQueue(bounds)
    queues.set(name, queue)
  }
  return queue
}

/** Views that hold one go on using it; a later one of the same name begins with a new one. */
function forgetIdle(queues: Map<string, LoadQueue>): void {
  for (const [name, { running, waiting }] of queues) if (running + waiting === 0) queues.delete(name)
}

export class LoadQueue {
  readonly bounds: LoadBounds
  /** How often a load was refused because the queue was full. */
  refused = 0
  #running = 0
  // Sets keep the order of arrival and let one leave from the middle.
  readonly #waiting = new Set<Turn>()
  readonly #waitingBackground = new Set<Turn>()
  #advancing = false

  constructor(bounds: LoadBounds) {
    this.bounds = bounds
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting.size + this.#waitingBackground.size
  }

  /**
   * Calls `start` when it is this load's turn: at once, before it returns, if there is room. Loads that nobody waits for come after all others. Throws
   * OSTRAKA_ERR_LOAD_QUEUE_FULL when as many wait as may.
   */
  enter(start: (turn: Turn) => void, background: boolean): Turn {
    const turn: Turn = { start, background, state: 'waiting' }
    if (this.#running < this.bounds.concurrency) {
      this.#begin(turn)
      return turn
    }
    if (this.waiting >= this.bounds.queue) {
      this.refused++
      throw new OstrakaError(
        'OSTRAKA_ERR_LOAD_QUEUE_FULL',
        `${this.bounds.concurrency} loads run and ${this.bounds.queue} wait in this thread; shed load, or raise loads.concurrency or loads.queue`,
      )
    }
    const list = background ? this.#waitingBackground : this.#waiting
    list.add(turn)
    return turn
  }

  /** Starts a waiting load now, beyond the bound: something that runs depends on it. */
  promote(turn: Turn): void {
    if (turn.state !== 'waiting') return
    this.#forget(turn)
    this.#begin(turn)
  }

  /** Somebody waits for a load that was in the background: it takes its place among the others. */
  hurry(turn: Turn): void {
    if (turn.state !== 'waiting' || !turn.background) return
    turn.background = false
    this.#waitingBackground.delete(turn)
    this.#waiting.add(turn)
  }

  /** The load is over, or is no longer wanted. Idempotent. */
  leave(turn: Turn): void {
    const { state } = turn
    if (state === 'left') return
    turn.state = 'left'
    if (state === 'waiting') {
      this.#forget(turn)
      return
    }
    this.#running--
    this.#advance()
  }

  #begin(turn: Turn): void {
    turn.state = 'running'
    this.#running++
    turn.start(turn)
  }

  #forget(turn: Turn): void {
    this.#waiting.delete(turn)
    this.#waitingBackground.delete(turn)
  }

  // A loop, not a recursion: a load that ends while it starts calls `leave` from within.
  #advance(): void {
    if (this.#advancing) return
    this.#advancing = true
    try {
      while (this.#running < this.bounds.concurrency) {
        const next = first(this.#waiting) ?? first(this.#waitingBackground)
        if (next === undefined) return
        this.#forget(next)
        this.#begin(next)
      }
    } finally {
      this.#advancing = false
    }
  }
}

function first(turns: Set<Turn>): Turn | undefined {
  for (const turn of turns) return turn
  return undefined
}
