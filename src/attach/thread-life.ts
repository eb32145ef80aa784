// Proof that a thread is dead. A slow, paused or blocked thread is never taken for dead. May touch: /proc on Linux, presence groups
// elsewhere (or where /proc may not be read).
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { threadId } from 'node:worker_threads'
import { isEmpty, Presence, presenceWorks } from './presence.js'
import { KEY } from './wire.js'

/** What a thread leaves in shared memory so that others can tell whether it lives. */
export interface LifeSign {
  /** Above 0: the OS thread's id. Below 0: −(worker_threads.threadId + 1), proven by a presence group. Never 0. */
  readonly word: number
  /** The OS thread's start time in clock ticks since boot, low and high half; 0 when unknown. Thread ids are used again. */
  readonly startLow: number
  readonly startHigh: number
}

let own: LifeSign | undefined
// Never left: these flags fall with the thread.
const flags = new Set<Presence>()

export function ownLifeSign(): LifeSign {
  own ??= operatingSystemSign() ?? groupSign()
  return own
}

/** The sign that needs no operating system. */
export function groupSign(): LifeSign {
  stand()
  return { word: -(threadId + 1), startLow: 0, startHigh: 0 }
}

/** Raises this thread's own flag. */
export function stand(): void {
  if (flags.size === 0) flags.add(new Presence(aliveGroup(threadId)))
}

/**
 * Whether the flag of a thread (worker_threads.threadId) is up. It falls when the thread is torn down: together with the flags that
 * it raised before, and some milliseconds before the operating system's thread is gone.
 */
export function stands(thread: number): boolean {
  // The main thread goes with the process.
  return thread === 0 || thread === threadId || !presenceWorks() || !isEmpty(aliveGroup(thread))
}

function operatingSystemSign(): LifeSign | undefined {
  if (process.platform !== 'linux') return undefined
  try {
    const id = Number(readlinkSync('/proc/thread-self').split('/').pop())
    if (!Number.isInteger(id) || id <= 0) return undefined
    const { start } = readThread(id)
    return { word: id, startLow: start | 0, startHigh: Math.floor(start / 2 ** 32) | 0 }
  } catch {
    return undefined
  }
}

/** True only with proof. Linux 15 µs. */
export function isGone(sign: LifeSign): boolean {
  if (sign.word < 0) return !stands(-sign.word - 1)
  // First without an exception, which would cost more than all else here.
  if (!existsSync(`/proc/self/task/${sign.word}`)) return existsSync('/proc/self/task')
  try {
    const { state, start } = readThread(sign.word)
    if (state === 'X' || state === 'Z') return true
    const known = sign.startLow !== 0 || sign.startHigh !== 0
    return known && ((start | 0) !== sign.startLow || (Math.floor(start / 2 ** 32) | 0) !== sign.startHigh)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOENT' || code === 'ESRCH'
  }
}

function readThread(id: number): { state: string; start: number } {
  const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
  // The name, in parentheses, may hold spaces and parentheses itself; fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0] ?? '', start: Number(fields[19]) }
}

function aliveGroup(id: number): string {
  return `${KEY}/alive/${id}`
}
