// What a demo command line asks for, checked. May touch: the number of cores (reading).
import { type DemoSettings, defaultDemo, warmUpFor } from '../demo/run.js'
import { parseSize, sizeHint } from '../options/units.js'
import { type CommandInput, usageError, wholeNumber } from './command.js'
import { machine } from './machine.js'

export const demoOptions = {
  threads: { value: 'N', help: 'server threads (2, or up to 4 where there are cores for them)' },
  seconds: { value: 'N', help: `seconds of load for each contender (${defaultDemo.seconds}); 0 with --serve: none` },
  seed: { value: 'N', help: `seed of the workload (${defaultDemo.seed})` },
  'max-bytes': { value: 'SIZE', help: 'maxBytes of the shared cache; the others get as much memory (64mb)' },
  serve: { help: 'afterwards, keep a server up and tell how to ask it' },
} as const

export interface DemoPlan {
  readonly settings: DemoSettings
  readonly compare: boolean
  readonly serve: boolean
}

/** Beside the server threads, the clients and the origin want to run, too. */
function defaultThreads(): number {
  const { cores, coreQuota } = machine()
  return Math.max(2, Math.min(4, Math.floor(Math.min(cores, coreQuota ?? cores) / 2)))
}

/** Errors: OSTRAKA_ERR_USAGE. */
export function planDemo({ values }: CommandInput): DemoPlan {
  const whole = (name: keyof typeof demoOptions, least: number, most: number, otherwise: number): number => {
    const given = values[name]
    return typeof given === 'string' ? wholeNumber(`--${name}`, given, least, most) : otherwise
  }
  const serve = values['serve'] === true
  const seconds = whole('seconds', serve ? 0 : 1, 600, defaultDemo.seconds)
  const size = values['max-bytes']
  const maxBytes = size === undefined ? defaultDemo.maxBytes : parseSize(size)
  if (maxBytes === undefined || maxBytes < 4 * 2 ** 20 || maxBytes > 4 * 2 ** 30) {
    throw usageError(`--max-bytes ${size}: use from 4mb to 4gb, ${sizeHint}`)
  }
  return {
    settings: {
      ...defaultDemo,
      threads: whole('threads', 1, 32, defaultThreads()),
      seconds,
      seed: whole('seed', 0, 2 ** 32 - 1, defaultDemo.seed),
      maxBytes,
      warmUp: warmUpFor(maxBytes),
    },
    compare: seconds > 0,
    serve,
  }
}
