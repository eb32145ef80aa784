// What a thread has to do with the owners of a cache that it has open: looks after them, and can ask them. Touches what those do; the channel's client
// only once it is used.
import type { OwnerChannel } from '../channel/channel.js'
import { RequestKind } from '../channel/channel.js'
import { ChannelClient } from '../channel/client.js'
import { type OwnerStatus, type Supervised, Supervisor } from '../owners/supervisor.js'

/** An owner that does not answer for so long is down, for now, to whoever waits until the cache is ready. */
const ANSWER_BOUND_MS = 5_000

export class ThreadOwners {
  readonly #supervisor: Supervisor
  readonly #memory: SharedArrayBuffer | undefined
  #channel: ChannelClient | undefined

  constructor(cache: Supervised) {
    this.#supervisor = new Supervisor(cache)
    this.#memory = cache.regions.channel
  }

  /** This thread's side of the channel; undefined where the owners have nothing to be asked for. */
  get channel(): OwnerChannel | undefined {
    if (this.#memory === undefined) return undefined
    this.#channel ??= new ChannelClient(this.#memory, this.#supervisor.memory)
    return this.#channel
  }

  get failure(): string | undefined {
    return this.#supervisor.failure
  }

  status(): OwnerStatus[] {
    return this.#supervisor.status()
  }

  /** Resolves when every owner that could be started answers, or is known not to: after 10 s at the latest. */
  async ready(): Promise<void> {
    await this.#supervisor.ready()
    const { channel } = this
    if (channel === undefined) return
    const ask = ({ index }: OwnerStatus) =>
      channel.request(index, RequestKind.ping, undefined, { timeout: ANSWER_BOUND_MS }).catch(() => undefined)
    await Promise.all(this.status().map(ask))
  }

  /** The thread has closed its last handle. */
  leave(): void {
    this.#channel?.close()
    this.#supervisor.leave()
  }

  /** The cache is closed for all: its owners end. */
  async end(): Promise<void> {
    await this.#supervisor.end()
  }
}
