// Turns what a user passed to createCache into settings, or throws one error that lists every fault with its path and what would
// be right. Reads the environment variable OSTRAKA_ENGINE; touches nothing else.
import * as v from 'valibot'
import { OstrakaError, type OstrakaFault } from '../errors.js'
import { levels } from '../stats/level.js'
import {
  type CacheSettings,
  cachePolicies,
  defaultLoads,
  defaultName,
  defaultNear,
  defaultShared,
  type NearSettings,
  type SharedSettings,
} from './cache-options.js'
import { type Codec, moduleCodec, ownCodecs } from './codec.js'
import { suggest } from './suggest.js'
import { durationHint, parseDuration, parseSize, sizeHint } from './units.js'

const MAX_OWNERS = 32

const smallestCache = 2 ** 20
const largestCache = 2 ** 40

/** A schema from a function that returns `undefined` for what it does not accept. */
function accepts<T>(parse: (input: unknown) => T | undefined, hint: string) {
  return v.optional(
    v.pipe(
      v.unknown(),
      v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
        const result = parse(dataset.value)
        if (result !== undefined) return result
        addIssue({ message: `got ${show(dataset.value)}; use ${hint}` })
        return NEVER
      }),
    ),
  )
}

export function oneOf<const T extends readonly unknown[]>(values: T) {
  return accepts<T[number]>(
    (input) => (values.includes(input) ? (input as T[number]) : undefined),
    values.map(show).join(' or '),
  )
}

function size(least: number, most: number, bounds: string) {
  return accepts((input) => within(parseSize(input), least, most), `${sizeHint}; ${bounds}`)
}

function integer(least: number, most: number) {
  return accepts(
    (input) => (Number.isInteger(input) ? within(input as number, least, most) : undefined),
    `a whole number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}`,
  )
}

function unavailable(hint: string) {
  return v.optional(v.custom<never>(() => false, `not available in this version; ${hint}`))
}

function within(value: number | undefined, least: number, most: number): number | undefined {
  return value !== undefined && value >= least && value <= most ? value : undefined
}

export const nearEntries = {
  maxEntries: integer(1, 2 ** 24),
  maxBytes: size(1, 2 ** 40, 'at least 1'),
  maxValueBytes: size(1, 2 ** 30, 'at least 1'),
  values: oneOf(['frozen', 'reference', 'copy']),
}

export const nearSchema = v.object(nearEntries, `use false or { ${Object.keys(nearEntries).join(', ')} }`)

export const loadsEntries = { concurrency: integer(1, 2 ** 16), queue: integer(0, 2 ** 24) }

const codecHint = "'auto', 'json', 'msgpack', 'v8', or { module } with a file URL, absolute path or package name"

function parseCodec(input: unknown): Codec | undefined {
  const own = ownCodecs.find((codec) => codec === input)
  if (own !== undefined) return own
  if (typeof input !== 'object' || input === null || Object.keys(input).join() !== 'module') return undefined
  return moduleCodec((input as { module: unknown }).module)
}

/** What a cache and its namespaces both take. */
export const defaultsEntries = {
  ttl: accepts(parseDuration, durationHint),
  idle: accepts((input) => within(parseDuration(input), Number.MIN_VALUE, Infinity), `${durationHint}, above 0`),
  ttlJitter: accepts(
    (input) => (typeof input === 'number' ? within(input, 0, 1) : undefined),
    'a number from 0 (none) to 1 (up to the whole ttl)',
  ),
  // Not a union, which would hide the paths of the faults inside the object.
  near: v.optional(v.lazy((input) => (input === false ? v.literal(false) : nearSchema))),
  codec: accepts<Codec>(parseCodec, codecHint),
  loads: v.optional(v.object(loadsEntries, `use { ${Object.keys(loadsEntries).join(', ')} }`)),
}

const entries = {
  name: accepts(
    (input) => (typeof input === 'string' && input !== '' && input.length <= 255 ? input : undefined),
    'a non-empty string of at most 255 characters',
  ),
  maxBytes: size(smallestCache, largestCache, "at least '1mb', at most '1tb'"),
  maxEntries: integer(1, 2 ** 30),
  entryBytes: size(32, 2 ** 20, "at least 32, at most '1mb'"),
  shards: accepts<number | 'auto'>(
    (input) => (input === 'auto' || isPowerOfTwo(input) ? input : undefined),
    "'auto' or a power of two from 1 to 256",
  ),
  owners: accepts<number | 'auto'>(
    (input) => (input === 'auto' || isOwnerCount(input) ? input : undefined),
    `'auto' or a whole number from 0 (none) to ${MAX_OWNERS}`,
  ),
  engine: oneOf(['auto', 'native', 'js']),
  ...defaultsEntries,
  policy: oneOf(cachePolicies),
  hugePages: accepts<boolean>((input) => (typeof input === 'boolean' ? input : undefined), 'true or false'),
  stats: oneOf(levels),
  clock: oneOf(['system', 'manual']),
  seed: accepts(parseSeed, 'a whole number from 0 on, below 2^53, or a bigint below 2^64'),
  disk: unavailable('leave it out: this version caches in memory only'),
  remote: unavailable('leave it out: this version caches in memory only'),
}

const optionsSchema = v.object(entries, 'use an object with options, or nothing')

/**
 * The settings that these options mean. Throws OSTRAKA_ERR_INVALID_OPTION with all faults at once. About 50 µs; called once a
 * createCache.
 */
export function readOptions(options: unknown, environment: NodeJS.ProcessEnv = process.env): CacheSettings {
  const input = options === undefined ? {} : options
  const { faults, output } = check(optionsSchema, Object.keys(entries), input)
  const override = environment['OSTRAKA_ENGINE'] || undefined
  const engine = v.safeParse(entries.engine, override)
  if (engine.issues) {
    faults.push({ path: 'OSTRAKA_ENGINE (environment)', message: engine.issues[0].message })
  }
  if (output === undefined || !engine.success) throw invalidOptions(faults)
  return settings(output, engine.output)
}

/** All faults of an object with options, unknown names included; its output when there are none. */
export function check<T>(
  schema: v.GenericSchema<unknown, T>,
  known: readonly string[],
  input: unknown,
): { faults: OstrakaFault[]; output: T | undefined } {
  const faults: OstrakaFault[] = []
  const parsed = v.safeParse(schema, input)
  for (const issue of parsed.issues ?? []) {
    faults.push({ path: v.getDotPath(issue as v.GenericIssue) ?? '(options)', message: issue.message })
  }
  if (isObject(input)) {
    faults.push(...unknownOptions(input, known, ''))
    if (isObject(input['near'])) faults.push(...unknownOptions(input['near'], Object.keys(nearEntries), 'near.'))
    if (isObject(input['loads'])) faults.push(...unknownOptions(input['loads'], Object.keys(loadsEntries), 'loads.'))
  }
  return { faults, output: faults.length === 0 && parsed.success ? parsed.output : undefined }
}

/** The options that were named, as engines spell them: endless is what "none" means, and −1 how they say it. */
export function namedOptions(given: object): [string, unknown][] {
  return Object.entries(given)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, value === Infinity ? -1 : value])
}

function settings(
  given: v.InferOutput<typeof optionsSchema>,
  override: CacheSettings['engine'] | undefined,
): CacheSettings {
  const { name, engine, near, loads, disk: _disk, remote: _remote, ...rest } = given
  const named = namedOptions(rest)
  return {
    name: name ?? defaultName,
    shared: { ...defaultShared, ...(Object.fromEntries(named) as Partial<SharedSettings>) },
    given: new Set(named.map(([key]) => key as keyof SharedSettings)),
    engine: override ?? engine ?? 'auto',
    near: nearSettings(near, defaultNear),
    loads: { ...defaultLoads, ...withoutUndefined(loads ?? {}) },
  }
}

/** What `near` means where `otherwise` holds without it; undefined is off. */
export function nearSettings(
  near: v.InferOutput<typeof nearSchema> | false | undefined,
  otherwise: NearSettings | undefined,
): NearSettings | undefined {
  if (near === false) return undefined
  return near === undefined ? otherwise : { ...(otherwise ?? defaultNear), ...withoutUndefined(near) }
}

export function withoutUndefined<T extends object>(input: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const named = Object.entries(input).filter(([, value]) => value !== undefined)
  return Object.fromEntries(named) as { [K in keyof T]: Exclude<T[K], undefined> }
}

function unknownOptions(input: object, known: readonly string[], prefix: string): OstrakaFault[] {
  return Object.keys(input)
    .filter((key) => !known.includes(key))
    .map((key) => {
      const meant = suggest(key, known)
      const cure = meant === undefined ? `known are ${known.join(', ')}` : `did you mean '${prefix}${meant}'?`
      return { path: `${prefix}${key}`, message: `unknown option; ${cure}` }
    })
}

/** One error for a list of faults; also used for the options of single calls. */
export function invalidOptions(faults: readonly OstrakaFault[]): OstrakaError {
  const [first] = faults
  const message =
    faults.length === 1 && first
      ? `Invalid option ${first.path}: ${first.message}`
      : `${faults.length} invalid options:\n${faults.map((fault) => `  ${fault.path}: ${fault.message}`).join('\n')}`
  return new OstrakaError('OSTRAKA_ERR_INVALID_OPTION', message, { faults })
}

function parseSeed(input: unknown): bigint | undefined {
  if (typeof input === 'number' && Number.isSafeInteger(input) && input >= 0) return BigInt(input)
  return typeof input === 'bigint' && input >= 0n && input < 2n ** 64n ? input : undefined
}

function isPowerOfTwo(input: unknown): input is number {
  return typeof input === 'number' && input >= 1 && input <= 256 && Number.isInteger(Math.log2(input))
}

function isOwnerCount(input: unknown): input is number {
  return typeof input === 'number' && Number.isInteger(input) && input >= 0 && input <= MAX_OWNERS
}

function isObject(input: unknown): input is Record<string, unknown> {
  return typeof input === 'object' && input !== null
}

/** A value as it may stand in a message: short, and never the inside of objects, which may hold secrets. */
export function show(value: unknown): string {
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 37)}…` : value}'`
  if (typeof value === 'bigint') return `${value}n`
  if (typeof value === 'function') return 'a function'
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  return String(value)
}
