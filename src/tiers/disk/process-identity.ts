// Which process this is, in words that another one can check later: its number alone is given anew. Touches /proc where there is one, and signal 0.
import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'

export interface ProcessIdentity {
  readonly pid: number
  /** When it started, in the words of its system. */
  readonly started: string
  /** The run of the machine where it has a name (Linux), and within it the space in which process numbers mean something. */
  readonly boot: string
  readonly space: string
  readonly host: string
}

/** 'unknown': it may live where this process cannot see it. */
export type Life = 'alive' | 'dead' | 'unknown'

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return ''
  }
}

/** Names this run of the machine; undefined where only Linux could say. */
export function bootId(): string | undefined {
  return read('/proc/sys/kernel/random/boot_id') || undefined
}

/** The 22nd field, behind the name in parentheses, which may hold anything. */
function startOf(pid: number): string {
  const stat = read(`/proc/${pid}/stat`)
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}

export function thisProcess(): ProcessIdentity {
  let space = ''
  try {
    space = readlinkSync('/proc/self/ns/pid')
  } catch {
    // Where there are no such spaces, all processes of the machine share one.
  }
  return { pid: process.pid, started: startOf(process.pid), boot: bootId() ?? '', space, host: os.hostname() }
}

export function lifeOf(other: ProcessIdentity, me: ProcessIdentity): Life {
  if (other.boot !== me.boot) return other.host === me.host ? 'dead' : 'unknown'
  if (other.space !== me.space) return 'unknown'
  try {
    process.kill(other.pid, 0)
  } catch (error) {
    // No permission: there is one, and it is somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'dead'
  }
  return startOf(other.pid) === other.started ? 'alive' : 'dead'
}
