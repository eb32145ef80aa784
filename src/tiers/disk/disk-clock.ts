// What time it is on the disk: expiries are kept in wall-clock time, because they outlive the process, but the wall clock may jump. Within a process time
// goes by uptime alone. From one process to the next it never goes back as long as the machine runs; across a restart of the machine a clock that was
// set back is noticed, and what expires is then not believed any more. Touches the clocks of the machine.
import os from 'node:os'
import { bootId } from './process-identity.js'

export interface ClockSource {
  /** Milliseconds since 1970, as somebody has set it. */
  wall(): number
  /** Milliseconds since the machine started; never goes back. */
  uptime(): number
  /** Names this run of the machine. */
  readonly boot: string
}

export function systemClock(): ClockSource {
  return {
    wall: () => Date.now(),
    uptime: () => Number(process.hrtime.bigint() / 1000n) / 1000,
    boot: bootName(),
  }
}

/** Elsewhere the time at which the machine started names its run well enough: where it does not, the disk starts cold, as after a loss of power. */
function bootName(): string {
  return bootId() ?? `${os.hostname().slice(0, 32)}-${Math.round((Date.now() / 1000 - os.uptime()) / 30)}`
}

/** What an earlier owner has left of its time. */
export interface LeftTime {
  readonly wall: number
  readonly uptime: number
  readonly boot: string
  /** The latest time that stands anywhere on the disk. */
  readonly latest: number
}

/** So much later than now may stand on the disk without the clock having been set back: clocks are corrected a little all the time. */
const TOLERANCE = 2000

export class DiskClock {
  /** The clock was set back, nobody knows by how much: what is to expire may be older than it seems. */
  readonly setBack: boolean
  readonly #source: ClockSource
  readonly #base: number

  constructor(source: ClockSource, left: LeftTime | undefined) {
    const wall = source.wall()
    const uptime = source.uptime()
    const known = left !== undefined && left.boot === source.boot ? left.wall + (uptime - left.uptime) : -Infinity
    const start = Math.max(wall, known)
    this.#source = source
    this.#base = start - uptime
    this.setBack = left !== undefined && start < left.latest - TOLERANCE
  }

  /** The machine's, in ms. */
  uptime(): number {
    return this.#source.uptime()
  }

  now(): number {
    return this.#base + this.#source.uptime()
  }
}
