// What `cache.changes()` gives: changes of all threads as an asynchronous iterator of batches. Touches its reader, and a timer that keeps no process
// alive.
import { OstrakaError } from '../errors.js'
import { durationHint, parseDuration } from '../options/units.js'
import { show } from '../options/validate.js'
import { ChangeReader, type ChangeType, changeTypes } from './changes.js'
import type { Observer } from './observer.js'

/** One change, in some thread. Those of one thread come in their order. */
export interface Change {
  readonly type: ChangeType
  /** As its user writes it; of 'invalidateTag' the tag, of 'clear' empty. */
  readonly key: string
  readonly namespace: string | undefined
  /** False where `key` is cut: together with its namespace it is longer than 88 bytes. */
  readonly whole: boolean
  /** In ms since 1970. */
  readonly at: number
  /** `threadId` of the thread that made it. */
  readonly thread: number
}

export interface ChangeBatch {
  readonly changes: readonly Change[]
  /** How many more there were since the batch before, which came faster than they were read. */
  readonly lost: number
}

export interface ChangesOptions {
  /** How long changes are gathered. From 10 ms to a minute, default 50 ms. */
  every?: number | string | undefined
  /** Only these. */
  types?: readonly ChangeType[] | undefined
  /** Only keys that begin with it. */
  prefix?: string | undefined
}

export class ChangeFeed implements AsyncIterableIterator<ChangeBatch> {
  readonly #observer: Observer
  readonly #reader: ChangeReader
  readonly #every: number
  readonly #types: ReadonlySet<ChangeType>
  readonly #prefix: string
  readonly #isOpen: () => boolean
  #closed = false
  #wake: (() => void) | undefined

  constructor(observer: Observer, options: ChangesOptions, isOpen: () => boolean) {
    const { every = 50, types = changeTypes, prefix = '' } = options
    const milliseconds = parseDuration(every)
    if (milliseconds === undefined || milliseconds < 10 || milliseconds > 60_000) {
      throw invalid(`every is from 10 ms to a minute, got ${show(every)}; use ${durationHint}`)
    }
    if (!Array.isArray(types) || types.some((type) => !changeTypes.includes(type))) {
      throw invalid(`types is a list of ${changeTypes.map(show).join(', ')}, got ${show(types)}`)
    }
    if (typeof prefix !== 'string') throw invalid(`prefix is a string, got ${show(prefix)}`)
    this.#observer = observer
    this.#every = milliseconds
    this.#types = new Set(types)
    this.#prefix = prefix
    this.#isOpen = isOpen
    this.#reader = new ChangeReader(observer.observed, observer.changes)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  /** The next batch with anything in it. */
  async next(): Promise<IteratorResult<ChangeBatch>> {
    while (!this.#closed && this.#isOpen()) {
      const batch = this.#collect()
      if (batch.changes.length > 0 || batch.lost > 0) return { done: false, value: batch }
      await this.#pause()
    }
    await this.return()
    return { done: true, value: undefined }
  }

  async return(): Promise<IteratorResult<ChangeBatch>> {
    this.#closed = true
    this.#wake?.()
    this.#reader.close()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#every).unref()
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #collect(): ChangeBatch {
    // This thread's own come without delay.
    this.#observer.changes.turn()
    const { records, lost } = this.#reader.take()
    const changes: Change[] = []
    for (const { type: number, key: stored, whole, at, thread } of records) {
      const type = changeTypes[number]
      if (type === undefined || !this.#types.has(type)) continue
      const names =
        type === 'invalidateTag' ? { key: stored, namespace: undefined } : this.#observer.about.split(stored)
      if (names.key.startsWith(this.#prefix)) changes.push({ type, ...names, whole, at, thread })
    }
    return { changes, lost }
  }
}

function invalid(message: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', message)
}
