// A worker under a test's command: every command is answered, or the test's own time limit ends it.
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads'

export interface Opened {
  readonly created: boolean
  readonly incarnation: number
  readonly options: Record<string, unknown>
  /** What the creator wrote into the shared memory: tells memories apart. */
  readonly mark: number
  readonly ms: number
  /** Of the error, when it could not be opened. */
  readonly code?: string
  readonly message?: string
}

interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly failure?: string
}

interface Line {
  postMessage(message: unknown, transfer?: readonly MessagePort[]): void
  on(event: 'message', listener: (reply: Reply) => void): unknown
}

export class Peer {
  readonly worker: Worker | undefined
  readonly #line: Line
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #last = 0

  constructor(line?: MessagePort) {
    this.worker = line ? undefined : new Worker(new URL('./fixtures/member.mjs', import.meta.url))
    this.#line = line ?? (this.worker as Line)
    this.#line.on('message', ({ id, value, failure }) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (failure === undefined) waiting?.resolve(value)
      else waiting?.reject(new Error(failure))
    })
    this.worker?.on('error', (error) => {
      for (const { reject } of this.#waiting.values()) reject(error as Error)
    })
  }

  /** A peer that has imported the package. */
  static async loaded(): Promise<Peer> {
    const peer = new Peer()
    await peer.call('import')
    return peer
  }

  call<T = unknown>(command: string, args: object = {}, transfer: readonly MessagePort[] = []): Promise<T> {
    const id = ++this.#last
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#line.postMessage({ id, command, args }, transfer)
    })
  }

  open(name: string, options?: Record<string, unknown>): Promise<Opened> {
    return this.call<Opened>('open', { name, options })
  }

  /** A worker of this worker. */
  async spawn(): Promise<Peer> {
    const { port1, port2 } = new MessageChannel()
    await this.call('spawn', { port: port2 }, [port2])
    return new Peer(port1)
  }

  async end(): Promise<void> {
    await this.worker?.terminate()
  }
}

/** A switch that a blocked thread waits for. */
export class Switch {
  readonly words = new Int32Array(new SharedArrayBuffer(8))

  on(): void {
    Atomics.store(this.words, 0, 1)
    Atomics.notify(this.words, 0)
  }

  /** Resolves when a thread has blocked on it. */
  async blocked(): Promise<void> {
    while (Atomics.load(this.words, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
