// A thread's side of the channel: one link to each owner that it has asked for something, one timer, and the promise that the process lives as long
// as requests are pending, and no longer. May touch: the lanes of this thread, one timer.
import { clearInterval, setInterval } from 'node:timers'
import { OstrakaError } from '../errors.js'
import type { OwnerMemory } from '../owners/owner-memory.js'
import type { Answer, OwnerChannel, RequestOptions } from './channel.js'
import { ChannelMemory } from './channel-memory.js'
import { clock } from './clock.js'
import { Link } from './link.js'
import { type Account, Pending } from './pending.js'

const DEFAULT_TIMEOUT_MS = 1_000
const LONGEST_TIMEOUT_MS = 24 * 3_600_000
const DEFAULT_ROOM = 1_024
/** Between looks at deadlines and at whether owners live. */
const SWEEP_MS = 20
/** Sweeps without anything pending after which the timer ends, and lanes are given back for other threads. */
const IDLE_SWEEPS = 50
const NOTHING = new Uint8Array(0)

export class ChannelClient implements OwnerChannel, Account {
  readonly #memory: ChannelMemory
  readonly #owners: OwnerMemory
  readonly #links = new Map<number, Link>()
  #pending = 0
  #closed = false
  #timer: NodeJS.Timeout | undefined
  #idleSweeps = 0

  constructor(buffer: SharedArrayBuffer, owners: OwnerMemory) {
    this.#memory = new ChannelMemory(buffer)
    this.#owners = owners
  }

  get pending(): number {
    return this.#pending
  }

  request(
    owner: number,
    kind: number,
    payload: Uint8Array | undefined = NOTHING,
    { timeout = DEFAULT_TIMEOUT_MS, signal, room }: RequestOptions = {},
  ): Promise<Answer> {
    if (this.#closed) return Promise.reject(closed())
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (!(owner >= 0 && owner < this.#memory.shape.owners)) {
      return Promise.reject(new OstrakaError('OSTRAKA_ERR_OWNER_GONE', `There is no owner ${owner}`))
    }
    const deadline = (clock() + Math.min(Math.max(1, Math.ceil(timeout)), LONGEST_TIMEOUT_MS)) | 0
    return new Promise((resolve, reject) => {
      const wanted = room ?? Math.max(DEFAULT_ROOM, payload.length)
      const pending = new Pending(kind, payload, wanted, deadline, resolve, reject, signal, this)
      this.#keepAlive()
      this.#linkTo(owner).submit(pending)
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    for (const link of this.#links.values()) link.close(closed())
    this.#stop()
  }

  #linkTo(owner: number): Link {
    let link = this.#links.get(owner)
    if (link === undefined) {
      link = new Link(this.#memory, this.#owners, owner)
      this.#links.set(owner, link)
    }
    return link
  }

  #keepAlive(): void {
    if (this.#pending++ > 0) return
    this.#idleSweeps = 0
    if (this.#timer === undefined) this.#timer = setInterval(() => this.#sweep(), SWEEP_MS)
    else this.#timer.ref()
  }

  /** For what this client has sent. */
  settled(): void {
    if (--this.#pending === 0) this.#timer?.unref()
  }

  #sweep(): void {
    for (const link of this.#links.values()) link.sweep()
    if (this.#pending > 0) this.#idleSweeps = 0
    else if (++this.#idleSweeps > IDLE_SWEEPS) {
      for (const link of this.#links.values()) link.rest()
      this.#stop()
    }
  }

  #stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }
}

function closed(): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_CLOSED', 'The cache was closed before the request was answered')
}
