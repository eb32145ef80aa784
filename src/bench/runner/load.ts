// One thread's part of a benchmark: opens the subject, fills it, drives slices. In the calling thread, or in a worker of its own.
// May touch: the subject.
import { pathToFileURL } from 'node:url'
import { OstrakaError } from '../../errors.js'
import type { Stream } from '../workload/stream.js'
import { systemClock } from './clock.js'
import { drive, type Position, type Slice, type SliceResult } from './drive.js'
import { type Requester, type RequesterSettings, requesterFor } from './requester.js'
import type { Open, OpenContext, Opened, Subject } from './target.js'
import { keyOf, makeValue } from './values.js'

export interface LoadTask {
  readonly subject: Subject
  readonly stream: Stream
  readonly requests: RequesterSettings
  readonly context: OpenContext
}

/** Errors: OSTRAKA_ERR_INVALID_OPTION when the module has no `open`; those of the subject. */
export async function openSubject(subject: Subject, context: OpenContext): Promise<Opened> {
  const open = subject.open ?? (await openOf(subject))
  return open(subject.options, context)
}

async function openOf({ name, module }: Subject): Promise<Open> {
  if (module === undefined) throw fault(`subject ${name} has neither open nor module`)
  const found = (await import(module.startsWith('/') ? pathToFileURL(module).href : module)) as { open?: unknown }
  if (typeof found.open !== 'function')
    throw fault(`${module}, the module of subject ${name}, exports no function open`)
  return found.open as Open
}

const fault = (message: string) => new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', message)

export class Load {
  readonly #task: LoadTask
  readonly #opened: Opened
  readonly #requester: Requester
  readonly #position: Position

  private constructor(task: LoadTask, opened: Opened) {
    this.#task = task
    this.#opened = opened
    this.#requester = requesterFor(opened, task.stream, task.requests)
    const { thread, threads } = task.context
    // Each thread begins elsewhere, so that no two ask for the same at once all the time.
    this.#position = { next: Math.floor((task.stream.length / threads) * thread) }
  }

  static async open(task: LoadTask): Promise<Load> {
    return new Load(task, await openSubject(task.subject, task.context))
  }

  /** Sets every key from `first` on, in steps, so that threads share the work. */
  async fill(first: number, step: number): Promise<void> {
    const opened = this.#opened
    if (typeof opened === 'function') return
    const { stream, requests } = this.#task
    const sizes = new Uint32Array(stream.keySpace)
    for (let at = 0; at < stream.length; at++) sizes[stream.keys[at]!] = stream.sizes[at]!
    const middle = stream.sizes[0] ?? 0
    for (let key = first; key < stream.keySpace; key += step) {
      const kept = opened.set(keyOf(key), makeValue(requests.values, key, sizes[key] || middle), 0)
      if (opened.asynchronous) await kept
    }
  }

  run(slice: Slice): Promise<SliceResult> {
    return drive(this.#requester, slice, this.#position, systemClock)
  }

  /** Entries that this thread can reach, and bytes taken outside the process. */
  async state(): Promise<{ entries: number; outside: number }> {
    const opened = this.#opened
    if (typeof opened === 'function') return { entries: 0, outside: 0 }
    return { entries: (await opened.size?.()) ?? 0, outside: (await opened.outside?.()) ?? 0 }
  }

  async close(): Promise<void> {
    if (typeof this.#opened !== 'function') await this.#opened.close?.()
  }
}
