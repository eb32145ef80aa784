// Questions and answers between the processes and threads of the demo, over any pipe of messages that is a worker's or a child's.
// May touch: the pipe it is given.
import type { ChildProcess } from 'node:child_process'
import type { EventEmitter } from 'node:events'
import { type MessagePort, Worker } from 'node:worker_threads'
import { OstrakaError, type OstrakaErrorCode } from '../errors.js'

/** What one side can be asked: the name of each question, what goes with it, and its answer. */
export type Questions = Record<string, (given: never) => unknown>

type Given<Q extends Questions, K extends keyof Q> = Parameters<Q[K]>[0]
type Answer<Q extends Questions, K extends keyof Q> = Awaited<ReturnType<Q[K]>>

interface Question {
  readonly question: number
  readonly name: string
  readonly given: unknown
}

interface Reply {
  readonly question: number
  readonly answer?: unknown
  readonly error?: { readonly message: string; readonly code: string | undefined }
}

/** The asking side. Its questions are rejected when the other side ends, with the code of the error that ended it, if any. */
export class Caller<Q extends Questions> {
  readonly #post: (message: unknown) => void
  readonly #waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  #last = 0
  #ended: Error | undefined
  readonly exited: Promise<void>

  constructor(what: string, other: Worker | ChildProcess) {
    this.#post =
      other instanceof Worker ? (message) => other.postMessage(message) : (message) => other.send(message as object)
    const pipe: EventEmitter = other
    pipe.on('message', ({ question, answer, error }: Reply) => {
      const waiting = this.#waiting.get(question)
      this.#waiting.delete(question)
      if (error) waiting?.reject(toError(error))
      else waiting?.resolve(answer)
    })
    pipe.on('error', (error: Error) => this.#end(error))
    this.exited = new Promise((resolve) => {
      pipe.on('exit', (code: number | null) => {
        this.#end(new Error(`${what} ended before it had answered (exit code ${code})`))
        resolve()
      })
    })
  }

  ask<K extends keyof Q & string>(name: K, given: Given<Q, K>): Promise<Answer<Q, K>> {
    return new Promise((resolve, reject) => {
      if (this.#ended) {
        reject(this.#ended)
        return
      }
      const question = ++this.#last
      this.#waiting.set(question, { resolve: resolve as (answer: unknown) => void, reject })
      try {
        this.#post({ question, name, given })
      } catch (error) {
        this.#waiting.delete(question)
        reject(error)
      }
    })
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(this.#ended)
    this.#waiting.clear()
  }
}

/** The answering side, in a worker or in a child process. */
export function answer(asker: MessagePort | NodeJS.Process, answers: Questions): void {
  const pipe = asker as EventEmitter
  pipe.on('message', async ({ question, name, given }: Question) => {
    let reply: Reply
    try {
      reply = { question, answer: await (answers[name] as (given: unknown) => unknown)(given) }
    } catch (error) {
      const { message, code } = error as { message?: unknown; code?: unknown }
      reply = {
        question,
        error: { message: String(message ?? error), code: typeof code === 'string' ? code : undefined },
      }
    }
    if ('postMessage' in asker) asker.postMessage(reply)
    else asker.send?.(reply)
  })
}

function toError({ message, code }: { message: string; code: string | undefined }): Error {
  if (code?.startsWith('OSTRAKA_ERR_')) return new OstrakaError(code as OstrakaErrorCode, message)
  return Object.assign(new Error(message), code === undefined ? {} : { code })
}
