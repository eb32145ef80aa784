// The options of one load as callers write them, and the settings they become: all times in milliseconds, −1 for none. Touches nothing.
import type { OstrakaFault } from '../errors.js'
import { suggest } from '../options/suggest.js'
import { type Duration, durationHint, parseDuration } from '../options/units.js'
import { invalidOptions, show } from '../options/validate.js'
import { tagFault } from './tags.js'

/** What a loader is given. */
export interface LoadContext {
  /** The key, as the caller gave it. */
  readonly key: string
  /** Aborts when nobody waits for the load any more, when it ran out of time, and when the cache is closed. */
  readonly signal: AbortSignal
  /** The value that the load replaces, if there is one: stale, or about to be. */
  readonly stale: unknown
  /** Sets how long the value lives, in place of the option. 0: it is given to the callers and not kept. */
  setTtl(ttl: Duration): void
  /** Sets the tags of the value, in place of the option. */
  setTags(tags: readonly string[]): void
  /** Keeps nothing; every caller gets undefined. Returned so that `return context.skip()` reads well. */
  skip(): undefined
}

/** Makes the value of a key. `undefined` means that there is none; nothing is kept then. `null` is a value. */
export type Loader<T> = (context: LoadContext) => T | PromiseLike<T>

/** What is kept of a loaded value, and how long its callers wait for it. */
export interface KeepOptions {
  /** How long the value is fresh. Default: the cache's `ttl`. 0: nothing is kept. */
  ttl?: Duration | undefined
  /** The entry expires when it was not used for so long. Default: the cache's `idle`. */
  idle?: Duration | undefined
  /** Shortens the ttl by a random share of up to this much, 0 to 1. Default: the cache's `ttlJitter`. */
  ttlJitter?: number | undefined
  /** How long after its ttl the value may still be served, when it cannot be renewed or not soon enough. Default: not at all. */
  grace?: Duration | undefined
  /** How long a caller waits for a load where there is a value in grace; then it gets that one and the load goes on. Default: until the load ends. */
  softTimeout?: Duration | undefined
  /** How long a load may take. Then its callers get OSTRAKA_ERR_LOAD_TIMEOUT, or the value in grace. Default '30s'. */
  hardTimeout?: Duration | undefined
  /** Renews in the background, when a value is asked for that is fresh for less than this: a share of its ttl (below 1), or a duration. */
  refreshAhead?: number | string | undefined
  /**
   * Renews in the background a little before expiry, at a moment drawn at random by each caller, the earlier the longer a load takes (XFetch).
   * `true` is 1; higher numbers renew earlier.
   */
  earlyExpiry?: boolean | number | undefined
}

/** Options of getOrSet. */
export interface LoadOptions<T = unknown> extends KeepOptions {
  /** Tags of the value, or what makes them of it. */
  tags?: readonly string[] | ((value: T) => readonly string[]) | undefined
  /** Rejects this caller at once when it aborts. The load itself is aborted when its last caller has left. */
  signal?: AbortSignal | undefined
}

/** Options of getOrSetMany, whose tags are made of each value and its key. */
export interface LoadManyOptions<T = unknown> extends KeepOptions {
  tags?: readonly string[] | ((value: T, key: string) => readonly string[]) | undefined
  signal?: AbortSignal | undefined
}

export type TagsOf = (value: unknown) => readonly string[]

/** Options, checked and in milliseconds. */
export interface LoadSettings {
  readonly ttl: number
  readonly idle: number
  readonly ttlJitter: number
  readonly tags: readonly string[] | TagsOf | undefined
  /** 0: stale values are not served. */
  readonly grace: number
  readonly softTimeout: number
  readonly hardTimeout: number
  /** Milliseconds before expiry, 0 for none. */
  readonly refreshAhead: number
  /** XFetch's beta, 0 for none. */
  readonly earlyExpiry: number
  readonly signal: AbortSignal | undefined
}

/** What holds where a call says nothing: of the cache, or of a namespace. */
export interface LoadDefaults {
  readonly ttl: number
  readonly idle: number
  readonly ttlJitter: number
}

const DEFAULT_HARD_TIMEOUT = 30_000
/** The longest that timers of the platform count. */
const LONGEST_TIMEOUT = 2 ** 31 - 1
/** Beyond this a time is as good as none; engines count in 48 bits. */
const ENDLESS = 2 ** 47

const names = [
  'ttl',
  'idle',
  'ttlJitter',
  'tags',
  'grace',
  'softTimeout',
  'hardTimeout',
  'refreshAhead',
  'earlyExpiry',
  'signal',
] as const
type Name = (typeof names)[number]

/** Settings where a call gives no options. */
export function plainSettings(defaults: LoadDefaults): LoadSettings {
  return {
    ttl: defaults.ttl,
    idle: defaults.idle,
    ttlJitter: defaults.ttlJitter,
    tags: undefined,
    grace: 0,
    softTimeout: -1,
    hardTimeout: DEFAULT_HARD_TIMEOUT,
    refreshAhead: 0,
    earlyExpiry: 0,
    signal: undefined,
  }
}

/**
 * The settings that these options mean. Throws OSTRAKA_ERR_INVALID_OPTION with all faults at once. `more` are names that the caller has
 * read itself. About 0.3 µs.
 */
export function readLoadOptions(
  options: LoadOptions<never> | undefined,
  defaults: LoadDefaults,
  more: readonly string[] = [],
): LoadSettings {
  if (options === undefined) return plainSettings(defaults)
  if (typeof options !== 'object' || options === null) {
    throw invalidOptions([{ path: '(options)', message: `got ${show(options)}; use an object such as { ttl: '5m' }` }])
  }
  return new OptionReader(options as Record<string, unknown>, defaults, more).read()
}

class OptionReader {
  readonly #options: Record<string, unknown>
  readonly #defaults: LoadDefaults
  readonly #more: readonly string[]
  readonly #faults: OstrakaFault[] = []

  constructor(options: Record<string, unknown>, defaults: LoadDefaults, more: readonly string[]) {
    this.#options = options
    this.#defaults = defaults
    this.#more = more
  }

  read(): LoadSettings {
    const ttl = endless(this.#duration('ttl', 0, Infinity, this.#defaults.ttl))
    const settings: LoadSettings = {
      ttl,
      idle: endless(this.#duration('idle', 1, Infinity, this.#defaults.idle)),
      ttlJitter: this.#number('ttlJitter', 0, 1, this.#defaults.ttlJitter),
      tags: this.#tags(),
      grace: this.#duration('grace', 0, Infinity, 0),
      softTimeout: this.#duration('softTimeout', 0, LONGEST_TIMEOUT, -1),
      hardTimeout: this.#duration('hardTimeout', 1, LONGEST_TIMEOUT, DEFAULT_HARD_TIMEOUT),
      refreshAhead: this.#refreshAhead(ttl),
      earlyExpiry: this.#earlyExpiry(),
      signal: this.#signal(),
    }
    this.#unknown()
    if (this.#faults.length > 0) throw invalidOptions(this.#faults)
    return settings
  }

  #fault(path: Name, hint: string): void {
    this.#faults.push({ path, message: `got ${show(this.#options[path])}; use ${hint}` })
  }

  #duration(name: Name, least: number, most: number, otherwise: number): number {
    const given = this.#options[name]
    if (given === undefined) return otherwise
    const milliseconds = parseDuration(given)
    if (milliseconds !== undefined && milliseconds >= least && milliseconds <= most) return Math.floor(milliseconds)
    const bounds = most === Infinity ? (least > 0 ? `, at least ${least}` : '') : `, from ${least} to ${most}`
    this.#fault(name, `${durationHint}${bounds}`)
    return otherwise
  }

  #number(name: Name, least: number, most: number, otherwise: number): number {
    const given = this.#options[name]
    if (given === undefined) return otherwise
    if (typeof given === 'number' && given >= least && given <= most) return given
    this.#fault(name, `a number from ${least} to ${most}`)
    return otherwise
  }

  #tags(): LoadSettings['tags'] {
    const tags = this.#options['tags']
    if (tags === undefined || typeof tags === 'function') return tags as TagsOf | undefined
    const fault = tagFault(tags)
    if (fault !== undefined)
      this.#faults.push({ path: 'tags', message: `${fault}, or a function that makes one of the value` })
    return tags as readonly string[]
  }

  #refreshAhead(ttl: number): number {
    const given = this.#options['refreshAhead']
    if (given === undefined) return 0
    const milliseconds = parseDuration(given)
    if (milliseconds !== undefined && milliseconds > 0 && milliseconds < Infinity) {
      if (milliseconds >= 1) return milliseconds
      return ttl < 0 ? 0 : milliseconds * ttl
    }
    this.#fault('refreshAhead', "a share of the ttl below 1, or a duration such as '10s'")
    return 0
  }

  #earlyExpiry(): number {
    const given = this.#options['earlyExpiry']
    if (given === undefined || given === false) return 0
    if (given === true) return 1
    if (typeof given === 'number' && given >= 0 && given <= 1000) return given
    this.#fault('earlyExpiry', 'true, false, or a number from 0 to 1000 (1 is usual, higher is earlier)')
    return 0
  }

  #signal(): AbortSignal | undefined {
    const given = this.#options['signal']
    if (given === undefined || given instanceof AbortSignal) return given
    this.#fault('signal', 'an AbortSignal')
    return undefined
  }

  #unknown(): void {
    for (const name of Object.keys(this.#options)) {
      if ((names as readonly string[]).includes(name) || this.#more.includes(name)) continue
      const known = [...names, ...this.#more]
      const meant = suggest(name, known)
      const cure = meant === undefined ? `known are ${known.join(', ')}` : `did you mean '${meant}'?`
      this.#faults.push({ path: name, message: `unknown option; ${cure}` })
    }
  }
}

/** Milliseconds as engines take them, −1 for none. */
export function endless(milliseconds: number): number {
  return milliseconds >= ENDLESS ? -1 : milliseconds
}

/** Milliseconds of a ttl that a loader sets; throws OSTRAKA_ERR_INVALID_OPTION. */
export function readTtlSet(ttl: unknown): number {
  const milliseconds = parseDuration(ttl)
  if (milliseconds === undefined) {
    throw invalidOptions([{ path: 'setTtl', message: `got ${show(ttl)}; use ${durationHint}` }])
  }
  return endless(Math.floor(milliseconds))
}
