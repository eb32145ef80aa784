// A request that its caller waits for, and how it ends: once. Touches the caller's promise and signal only.
import type { Answer } from './channel.js'

/** Who keeps count of the requests that are pending. */
export interface Account {
  settled(): void
}

/** Who tells the owner that nobody waits for a request any more. */
export interface Carrier {
  cancel(pending: Pending): void
}

export class Pending {
  readonly kind: number
  readonly payload: Uint8Array
  readonly deadline: number
  /** Bytes set aside for the answer; more after an answer that did not fit. */
  room: number
  /** What it is called in its lane, and where its staging memory lies; −1 while it waits for a place. */
  id = -1
  offset = -1
  taken = 0
  isSettled = false
  hasGrown = false
  /** The link that has sent it. */
  carrier: Carrier | undefined
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (reason: unknown) => void
  readonly #signal: AbortSignal | undefined
  readonly #account: Account
  readonly #listener: (() => void) | undefined

  constructor(
    kind: number,
    payload: Uint8Array,
    room: number,
    deadline: number,
    resolve: (answer: Answer) => void,
    reject: (reason: unknown) => void,
    signal: AbortSignal | undefined,
    account: Account,
  ) {
    this.kind = kind
    this.payload = payload
    this.room = room
    this.deadline = deadline
    this.#resolve = resolve
    this.#reject = reject
    this.#signal = signal
    this.#account = account
    if (signal === undefined) return
    this.#listener = () => {
      this.fail(signal.reason)
      this.carrier?.cancel(this)
    }
    signal.addEventListener('abort', this.#listener, { once: true })
  }

  answer(answer: Answer): void {
    if (this.#settle()) this.#resolve(answer)
  }

  fail(reason: unknown): void {
    if (this.#settle()) this.#reject(reason)
  }

  #settle(): boolean {
    if (this.isSettled) return false
    this.isSettled = true
    if (this.#listener !== undefined) this.#signal?.removeEventListener('abort', this.#listener)
    this.#account.settled()
    return true
  }
}
