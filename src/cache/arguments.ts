// Checks what callers pass to single operations: keys, expiry, lists. Touches nothing. On the way of every get and set, so that each
// check is one or two comparisons; everything else happens only once a fault is found.
import { OstrakaError } from '../errors.js'
import { tagFault } from '../loading/tags.js'
import { durationHint, parseDuration } from '../options/units.js'
import { invalidOptions, show } from '../options/validate.js'

/** Most bytes of a key, as WTF-8. */
export const MAX_KEY_BYTES = 65_535
/** A string of at most so many UTF-16 units is within the bound whatever it holds. */
const SURELY_SHORT = Math.floor(MAX_KEY_BYTES / 3)

/** Throws OSTRAKA_ERR_INVALID_KEY unless it is a non-empty string of at most 65,535 bytes. */
export function checkKey(key: string): void {
  if (typeof key !== 'string' || key.length === 0 || key.length > SURELY_SHORT) checkUnusualKey(key)
}

function checkUnusualKey(key: unknown): void {
  if (typeof key !== 'string') throw invalidKey(`a key must be a string, got ${show(key)}`)
  if (key.length === 0) throw invalidKey('a key must not be empty')
  const bytes = keyBytes(key)
  if (bytes > MAX_KEY_BYTES) throw invalidKeyOfLength(bytes, key)
}

/** Bytes as WTF-8: a lone surrogate counts as three, as many as the character that takes its place here. */
export function keyBytes(key: string): number {
  return Buffer.byteLength(key, 'utf8')
}

export function invalidKeyOfLength(bytes: number, key: string): OstrakaError {
  return invalidKey(
    `a key has at most ${MAX_KEY_BYTES} bytes, its namespace included, got ${bytes} (${show(key)}); hash long keys`,
  )
}

function invalidKey(why: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_INVALID_KEY', `Invalid key: ${why}`)
}

export function checkKeyList(keys: readonly string[]): void {
  if (!Array.isArray(keys)) throw invalidArgument(`keys must be an array of strings, got ${show(keys)}`)
}

export function invalidArgument(message: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_INVALID_ARGUMENT', message)
}

/** Expiry of one entry. */
export interface EntryOptions {
  /** Milliseconds or a string like '30s'; 0 keeps nothing, Infinity is none. Default: the cache's `ttl`. */
  ttl?: number | string | undefined
  /** The entry expires when it was not used for so long. Default: the cache's `idle`. */
  idle?: number | string | undefined
  /** `invalidateTags` with any of these makes the entry absent. Of `set`, `add` and `setMany`. */
  tags?: readonly string[] | undefined
  /** Milliseconds that it took to make the value, by which early expiry is timed. Of `set`, `add` and `setMany`. */
  cost?: number | undefined
}

const known = ['ttl', 'idle', 'tags', 'cost']

/** Beyond this (about 4,460 years) a time is as good as none; engines count in 48 bits. */
const ENDLESS = 2 ** 47

/** Whole milliseconds as engines take them: −1 for none; 0 means "do not keep". */
export function readTtl(options: EntryOptions, otherwise: number): number {
  checkEntryOptions(options)
  const given = options.ttl
  if (given === undefined) return otherwise
  const milliseconds = typeof given === 'number' && given >= 0 ? given : parseDuration(given)
  if (milliseconds === undefined) throw invalidEntryOption('ttl', given)
  return wholeMilliseconds(milliseconds)
}

/** As `readTtl`, except that 0 is refused. `readTtl` has checked the names. */
export function readIdle(options: EntryOptions, otherwise: number): number {
  const given = options.idle
  if (given === undefined) return otherwise
  const milliseconds = parseDuration(given)
  if (milliseconds === undefined || milliseconds < 1) throw invalidEntryOption('idle', given)
  return wholeMilliseconds(milliseconds)
}

/** Rounded down, so that nothing lives longer than was asked for. */
export function wholeMilliseconds(milliseconds: number): number {
  return milliseconds >= ENDLESS || milliseconds === -1 ? -1 : Math.floor(milliseconds)
}

/** Checked tags. */
export function readTags(options: EntryOptions): readonly string[] {
  const { tags } = options
  if (tags === undefined) return []
  const fault = tagFault(tags)
  if (fault !== undefined) throw invalidOptions([{ path: 'tags', message: fault }])
  return tags
}

/** Milliseconds, −1 where nothing is said. */
export function readCost(options: EntryOptions): number {
  const { cost } = options
  if (cost === undefined) return -1
  if (typeof cost === 'number' && cost >= 0) return cost
  throw invalidOptions([{ path: 'cost', message: `got ${show(cost)}; use milliseconds as a number from 0 on` }])
}

/** For operations that keep what an entry has: they can change its expiry, nothing else. */
export function refuseTags(options: EntryOptions | undefined, method: string): void {
  if (options?.tags === undefined && options?.cost === undefined) return
  const path = options.tags === undefined ? 'cost' : 'tags'
  throw invalidOptions([{ path, message: `not an option of ${method}; use set or getOrSet` }])
}

function checkEntryOptions(options: EntryOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidOptions([{ path: '(options)', message: `got ${show(options)}; use an object such as { ttl: '5m' }` }])
  }
  for (const name in options) {
    if (known.includes(name)) continue
    throw invalidOptions([{ path: name, message: `unknown option; known are ${known.join(', ')}` }])
  }
}

function invalidEntryOption(path: string, given: unknown): OstrakaError {
  return invalidOptions([{ path, message: `got ${show(given)}; use ${durationHint}` }])
}
