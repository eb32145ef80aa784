// One process a path. Lock files are numbered, and only ever made anew with the next number: the highest one says who holds the path. Whoever finds its
// holder gone makes the next, which succeeds for one process only; nothing is ever taken away from under somebody. The highest stays behind when its holder
// leaves, so that numbers are never used twice. Touches the lock files of the folder.
import { randomUUID } from 'node:crypto'
import path from 'node:path'
import type { DiskIo } from './io.js'
import { type Life, lifeOf, type ProcessIdentity } from './process-identity.js'

const NAME = /^ostraka\.lock-(\d{1,15})$/
const MOST_BYTES = 4096
/** A holder that nobody can see says so often that it lives, and is taken for dead when it has not for so long. */
export const TOUCH_INTERVAL = 1000
export const SILENT_FOR = 10_000

interface Content extends ProcessIdentity {
  /** Tells several holders of one process apart. */
  readonly id: string
  readonly left?: boolean
}

export interface LockOptions {
  readonly io: DiskIo
  readonly folder: string
  readonly me: ProcessIdentity
  /** Of a clock that never goes back, in ms. */
  readonly now: () => number
  readonly life?: (other: ProcessIdentity, me: ProcessIdentity) => Life
}

export class PathLock {
  readonly #options: LockOptions
  readonly #id = randomUUID()
  #held: number | undefined
  #watched: { readonly file: string; readonly touched: number; readonly since: number } | undefined

  constructor(options: LockOptions) {
    this.#options = options
  }

  /** Undefined when it is held now, else who holds it. Rejects when the folder cannot be used. */
  async take(): Promise<ProcessIdentity | undefined> {
    const { io, folder, me } = this.#options
    const highest = Math.max(0, ...(await this.#numbers()))
    const holder = highest === 0 ? undefined : await this.#holder(highest)
    if (holder !== undefined) return holder
    const mine = highest + 1
    const content: Content = { ...me, id: this.#id }
    if (!(await io.create(this.#file(mine), encode(content)))) return me
    // Somebody may have looked before that and been slow: only the highest counts.
    const numbers = await this.#numbers()
    if (Math.max(...numbers) !== mine) {
      await io.remove(this.#file(mine))
      return me
    }
    this.#held = mine
    for (const number of numbers) if (number < mine) await io.remove(path.join(folder, `ostraka.lock-${number}`))
    return undefined
  }

  /** To be called every {@link TOUCH_INTERVAL} while it is held. False when somebody else holds it now. */
  async touch(): Promise<boolean> {
    if (this.#held === undefined) return false
    if (Math.max(...(await this.#numbers())) !== this.#held) return false
    await this.#options.io.touch(this.#file(this.#held))
    return true
  }

  async release(): Promise<void> {
    const held = this.#held
    this.#held = undefined
    if (held === undefined || Math.max(...(await this.#numbers())) !== held) return
    await this.#options.io.replace(this.#file(held), encode({ ...this.#options.me, id: this.#id, left: true }))
  }

  async #holder(number: number): Promise<ProcessIdentity | undefined> {
    const { io, me, now, life = lifeOf } = this.#options
    const file = this.#file(number)
    const content = decode(await io.readSmall(file, MOST_BYTES))
    if (content?.left) return undefined
    const alive = content === undefined ? 'unknown' : life(content, me)
    if (alive === 'dead') return undefined
    if (alive === 'unknown') {
      const touched = (await io.touched(file)) ?? 0
      if (this.#watched?.file !== file || this.#watched.touched !== touched) {
        this.#watched = { file, touched, since: now() }
      } else if (now() - this.#watched.since > SILENT_FOR) {
        return undefined
      }
    }
    return content ?? { ...me, pid: 0 }
  }

  #file(number: number): string {
    return path.join(this.#options.folder, `ostraka.lock-${number}`)
  }

  async #numbers(): Promise<number[]> {
    const names = await this.#options.io.list(this.#options.folder)
    return names.flatMap((name) => {
      const number = NAME.exec(name)?.[1]
      return number === undefined ? [] : [Number(number)]
    })
  }
}

function encode(content: Content): Uint8Array {
  return Buffer.from(JSON.stringify(content))
}

/** Undefined: it is being written, or was torn. */
function decode(bytes: Uint8Array | undefined): Content | undefined {
  try {
    const content = JSON.parse(Buffer.from(bytes ?? []).toString()) as Partial<Content> | null
    const whole =
      typeof content?.pid === 'number' && typeof content.boot === 'string' && typeof content.space === 'string'
    return whole ? (content as Content) : undefined
  } catch {
    return undefined
  }
}
