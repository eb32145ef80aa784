// What a cache that is compared has to tell about itself. Each lies in a file of its own, which is also the module that threads and
// processes of a benchmark open. May touch: nothing but types, and whether a package is there.
import type { Subject } from '../runner/target.js'

/** Whether a get hands out what the cache itself holds, or a copy of the caller's own. */
export type Mode = 'reference' | 'copy'

/** Options of a subject that is one of these. */
export interface RivalOptions {
  readonly mode: Mode
  /** Bytes or entries, as the rival is bounded; 0 for one without a bound. */
  readonly budget: number
  /** Milliseconds, as a default; 0: none. */
  readonly ttl: number
  /** Time comes from the workload. */
  readonly follow?: boolean
  /** Where a server listens that was started for it. */
  readonly socket?: string
  /** What else it was asked to be set up with; of the shared caches: options of createCache. */
  readonly more?: Readonly<Record<string, unknown>>
  /** Of a cache that threads find by its name: one for each subject. */
  readonly id?: string
}

export interface Rival {
  readonly name: string
  readonly ours: boolean
  /** What has to be installed; absent for what Node or this package brings. */
  readonly package?: string
  /** A file URL that exports `open`. */
  readonly module: string
  readonly modes: readonly Mode[]
  readonly bound: 'bytes' | 'entries' | 'none'
  /** One for all threads of a process, or one in each. */
  readonly shared: boolean
  readonly asynchronous: boolean
  /** Whether its time can come from the workload. */
  readonly follows: boolean
  /** What it takes for an entry beside key and value: a first guess for budgets, which measuring then corrects. */
  readonly guessedOverhead: number
  /** What it is always set up with. */
  readonly more?: Readonly<Record<string, unknown>>
  /** Fails when it cannot run here; starts what it needs beside this process. */
  prepare?(budget: number): Promise<Prepared>
}

export interface Prepared {
  readonly socket: string
  stop(): Promise<void>
}

/** A rival is not there, as against having failed. */
export class RivalMissing extends Error {}

/** Packages that nobody has to install who does not want to compare with them. */
export async function imported<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    const { code, message } = cause as { code?: unknown; message?: unknown }
    if (code === 'ERR_MODULE_NOT_FOUND')
      throw new RivalMissing(`not installed; to compare: npm install ${name}`, { cause })
    throw new RivalMissing(`cannot be loaded: ${String(message)}`, { cause })
  }
}

let subjects = 0

export function subjectOf(rival: Rival, options: RivalOptions, name = titleOf(rival, options.mode)): Subject {
  const own = { ...options, more: { ...rival.more, ...options.more }, id: `bench-${process.pid}-${++subjects}` }
  return { name, module: rival.module, options: own satisfies RivalOptions }
}

/** Ours by reference are those with a near cache, which hands out the same frozen object again. */
export function titleOf(rival: Rival, mode: Mode): string {
  if (rival.modes.length === 1) return rival.name
  return mode === 'copy' ? `${rival.name}, copies` : rival.name
}
