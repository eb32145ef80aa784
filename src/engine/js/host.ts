// What the engine asks of the operating system: which thread am I, does that thread still live. May touch: /proc, never shared memory.
// Called when a thread attaches and when something of another thread's stands in the way, never on a hit.

import { readFileSync, readlinkSync } from 'node:fs'
import { threadId } from 'node:worker_threads'

const isLinux = process.platform === 'linux'

/**
 * The calling thread's id, not 0. On Linux the kernel's own; elsewhere Node's, and only a worker's reported exit proves its death
 * (exits.ts).
 */
export function osThreadId(): number {
  if (isLinux) {
    try {
      return Number(readlinkSync('/proc/thread-self').split('/').at(-1)) || threadId + 1
    } catch {
      // No /proc here: as on the other systems.
    }
  }
  return threadId + 1
}

/** When a thread was started, in the kernel's unit; 0 when unknown. */
export function threadStart(id: number): number {
  if (!isLinux) return 0
  try {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
    // The name in field 2 may hold spaces and brackets; fields are counted behind its last bracket. The start is field 22.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) || 0
  } catch {
    return 0
  }
}

/** False only when it is certain that the thread is gone: slow, stopped or starved threads are alive. */
export function isAlive(id: number, start: number): boolean {
  if (!isLinux) return true
  try {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'latin1')
    if (start === 0) return true
    const now = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    // The number may belong to a newer thread by now.
    return !(now > 0) || now === start
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    // ESRCH: it went while it was read. ENOENT: it is not there, if there is a /proc at all.
    return code === 'ESRCH' ? false : code !== 'ENOENT' || !hasProc()
  }
}

function hasProc(): boolean {
  try {
    readlinkSync('/proc/thread-self')
    return true
  } catch {
    return false
  }
}
