// Makes a function whose results are kept: the same name, arguments and results, and a key made of its arguments. Touches the loading it is
// given.
import { types } from 'node:util'
import { invalidArgument } from '../cache/arguments.js'
import { OstrakaError } from '../errors.js'
import { type Duration, durationHint, parseDuration } from '../options/units.js'
import { invalidOptions, show } from '../options/validate.js'
import { Batch } from './batch.js'
import { canonicalKey, canonicalName } from './canonical-key.js'
import type { KeepOptions, Loader, LoadOptions, LoadSettings } from './load-options.js'
import { type Loading, MOST_IN_BATCH } from './loading.js'

/** Options of wrap. */
export interface WrapOptions<Arguments extends readonly unknown[], Result> extends KeepOptions {
  /** Tags of a result, or what makes them of it and the arguments. */
  tags?: readonly string[] | ((result: Result, ...args: Arguments) => readonly string[]) | undefined
  /** The key of a call, in place of one made of all arguments. */
  key?: ((...args: Arguments) => string) | undefined
  /** Runs calls that come together as one. */
  batch?: BatchOptions<Arguments, Result> | undefined
}

export interface BatchOptions<Arguments extends readonly unknown[], Result> {
  /** The results of these calls, in their order; an Error in place of one that failed. A single call runs the function itself. */
  load: (
    calls: Arguments[],
    context: { readonly signal: AbortSignal },
  ) => readonly (Result | Error)[] | PromiseLike<readonly (Result | Error)[]>
  /** How long to wait for more calls. Default 0: until the promises that are settled have had their say. */
  window?: Duration | undefined
  /** Most calls in one. Default 100. */
  size?: number | undefined
}

/** Options of a single call, over those of the wrapped function. */
export interface CallOptions<Result> extends KeepOptions {
  tags?: readonly string[] | ((result: Result) => readonly string[]) | undefined
  signal?: AbortSignal | undefined
}

/** A function whose results are kept. */
export interface Wrapped<This, Arguments extends readonly unknown[], Result> {
  (this: This, ...args: Arguments): Promise<Result>
  /** The key of this call in the cache that it was wrapped by. */
  key(...args: Arguments): string
  /** What is in memory for this call, without running anything. */
  peek(...args: Arguments): Result | undefined
  /** Forgets the result of this call. */
  invalidate(...args: Arguments): Promise<void>
  /** The function with other options for a call: `getUser.with({ signal })('42')`. */
  with(options: CallOptions<Result>): (this: This, ...args: Arguments) => Promise<Result>
}

type AnyFunction = (...args: unknown[]) => unknown
export type AnyWrapOptions = WrapOptions<readonly unknown[], unknown>

const MOST_CALLS = 100

export function wrapFunction(
  loading: Loading,
  peek: (key: string) => unknown,
  name: string,
  work: AnyFunction,
  options: AnyWrapOptions = {},
): Wrapped<unknown, unknown[], unknown> {
  checkArguments(name, work, options)
  const { key: makeKey, batch, ...rest } = options
  const wrapping = new Wrapping(loading, name, work, rest, makeKey, batchOf(loading, work, batch))
  const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    return wrapping.call(this, args, undefined)
  }
  const { keyOf } = wrapping
  const members = {
    key: (...args: unknown[]) => keyOf(args),
    peek: (...args: unknown[]) => peek(keyOf(args)),
    invalidate: async (...args: unknown[]) => loading.invalidate(keyOf(args)),
    with: (other: CallOptions<unknown>) => {
      const settings = loading.settings({ ...rest, ...withoutUndefined(other) } as LoadOptions<never>)
      return function (this: unknown, ...args: unknown[]): Promise<unknown> {
        return wrapping.call(this, args, settings)
      }
    },
  }
  Object.defineProperty(wrapped, 'name', { value: work.name || name, configurable: true })
  Object.defineProperty(wrapped, 'length', { value: work.length, configurable: true })
  return Object.assign(wrapped, members)
}

class Wrapping {
  readonly keyOf: (args: readonly unknown[]) => string
  readonly #loading: Loading
  readonly #work: AnyFunction
  readonly #settings: LoadSettings
  readonly #batch: Batch<unknown[]> | undefined

  constructor(
    loading: Loading,
    name: string,
    work: AnyFunction,
    options: object,
    makeKey: AnyWrapOptions['key'],
    batch: Batch<unknown[]> | undefined,
  ) {
    this.#loading = loading
    this.#work = work
    this.#settings = loading.settings(options as LoadOptions<never>)
    this.#batch = batch
    const canonical = canonicalName(name)
    this.keyOf =
      makeKey === undefined
        ? (args) => canonicalKey(canonical, args)
        : (args) => `${canonical}:${checkedKey(makeKey(...args), name)}`
  }

  /** Never throws: what is wrong rejects. */
  call(self: unknown, args: unknown[], other: LoadSettings | undefined): Promise<unknown> {
    try {
      const key = this.keyOf(args)
      const batch = this.#batch
      const loader: Loader<unknown> =
        batch === undefined
          ? () => finite(Reflect.apply(this.#work, self, args))
          : (context) => batch.add(args, context)
      const settings = withArguments(other ?? this.#settings, args)
      return this.#loading.load(this.#loading.encode(key), key, loader, settings, batch !== undefined)
    } catch (error) {
      return Promise.reject(error)
    }
  }
}

function withArguments(settings: LoadSettings, args: readonly unknown[]): LoadSettings {
  if (typeof settings.tags !== 'function') return settings
  const tags = settings.tags as (value: unknown, ...args: readonly unknown[]) => readonly string[]
  return { ...settings, tags: (value) => tags(value, ...args) }
}

function checkArguments(name: unknown, work: unknown, options: unknown): void {
  if (typeof name !== 'string' || name === '') throw invalidArgument(`wrap takes a name first, got ${show(name)}`)
  if (typeof work !== 'function') throw invalidArgument(`wrap takes a function after the name, got ${show(work)}`)
  if (types.isGeneratorFunction(work)) throw iteratorError(name)
  if (typeof options !== 'object' || options === null) {
    throw invalidOptions([{ path: '(options)', message: `got ${show(options)}; use an object such as { ttl: '5m' }` }])
  }
  const { key } = options as AnyWrapOptions
  if (key !== undefined && typeof key !== 'function') {
    throw invalidOptions([
      { path: 'key', message: `got ${show(key)}; use a function that makes a string of the arguments` },
    ])
  }
}

function batchOf(loading: Loading, work: AnyFunction, batch: AnyWrapOptions['batch']): Batch<unknown[]> | undefined {
  if (batch === undefined) return undefined
  if (typeof batch !== 'object' || batch === null) {
    throw invalidOptions([{ path: 'batch', message: `got ${show(batch)}; use { load, window, size }` }])
  }
  const { load, window = 0, size = MOST_CALLS } = batch
  const faults = []
  if (typeof load !== 'function')
    faults.push({
      path: 'batch.load',
      message: `got ${show(load)}; use a function that takes a list of argument lists`,
    })
  const milliseconds = parseDuration(window)
  if (milliseconds === undefined || milliseconds > 60_000)
    faults.push({ path: 'batch.window', message: `got ${show(window)}; use ${durationHint}, at most a minute` })
  if (!Number.isInteger(size) || size < 1 || size > MOST_IN_BATCH)
    faults.push({ path: 'batch.size', message: `got ${show(size)}; use a whole number from 1 to ${MOST_IN_BATCH}` })
  if (faults.length > 0) throw invalidOptions(faults)
  const together = async (calls: unknown[][], signal: AbortSignal) => {
    const [only] = calls
    return calls.length === 1 && only !== undefined ? [await finite(work(...only))] : load(calls, { signal })
  }
  return new Batch(together, loading.view.queue, size, milliseconds)
}

function checkedKey(key: unknown, name: string): string {
  if (typeof key === 'string') return key
  throw invalidArgument(`the key function of '${name}' must return a string, got ${show(key)}`)
}

/** Refuses what can be read only once. */
function finite(result: unknown): unknown {
  if (typeof result !== 'object' || result === null) return result
  if (Symbol.asyncIterator in result || isGenerator(result)) throw iteratorError('the function')
  return 'then' in result && typeof result.then === 'function'
    ? Promise.resolve(result as PromiseLike<unknown>).then(finite)
    : result
}

function isGenerator(value: object): boolean {
  return (
    types.isGeneratorObject(value) || (Symbol.iterator in value && 'next' in value && typeof value.next === 'function')
  )
}

function iteratorError(name: string): OstrakaError {
  const message = `What '${name}' returns can be read only once, so it cannot be kept; collect it into an array, or read a stream to its end, first`
  return new OstrakaError('OSTRAKA_ERR_INVALID_VALUE', message)
}

function withoutUndefined(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}
