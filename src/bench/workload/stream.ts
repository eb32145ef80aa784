// What is asked for, request by request, in typed arrays: made before the clock starts, the same for every contender.
// May touch: nothing outside its arguments.
import { randomFrom } from '../../traces/generate.js'
import { rankOf, zipf } from '../../traces/zipf.js'
import { type SizeLaw, sizeLaw } from './sizes.js'

/** What a request asks for; the number is how a stream stores it. */
export const Ask = { read: 0, update: 1, insert: 2, remove: 3, readMany: 4, readModifyWrite: 5 } as const
export type AskName = keyof typeof Ask
export const askNames: readonly AskName[] = ['read', 'update', 'insert', 'remove', 'readMany', 'readModifyWrite']

/** Requests in typed arrays over shared memory, so that threads read them without a copy. Key `n` is the number of a key. */
export interface Stream {
  readonly name: string
  readonly length: number
  readonly asks: Uint8Array
  readonly keys: Uint32Array
  /** Bytes of the value that belongs to the key. */
  readonly sizes: Uint32Array
  /** Milliseconds; 0: none. Absent where no request has one. */
  readonly ttls: Uint32Array | undefined
  /** Milliseconds of a clock of its own, which then all contenders follow in place of the real one. */
  readonly times: Float64Array | undefined
  /** Numbers of keys from 0 that occur. */
  readonly keySpace: number
}

/** Shares of requests, which need not add up to 1. */
export type Mix = { readonly [name in AskName]?: number }

export interface StreamSettings {
  readonly name?: string
  readonly requests: number
  /** Keys that are there from the beginning; inserts add to them. */
  readonly keys: number
  readonly mix: Mix
  /** Exponent of the Zipf law by which keys are chosen; 0: all alike. Default 0.99, as in YCSB. */
  readonly skew?: number
  /** The popular ones are those inserted last, rather than always the same. Default false. */
  readonly latest?: boolean
  /** Default 100 bytes each. */
  readonly sizes?: SizeLaw
  /** Milliseconds that what is written lives; 0 for ever. Default 0. */
  readonly ttl?: number
  /** Default 1. */
  readonly seed?: number
}

/** About 0.2 µs a request. The same settings give the same stream everywhere. */
export function makeStream(settings: StreamSettings): Stream {
  const { requests, keys, mix, skew = 0.99, latest = false, sizes = { law: 'fixed', bytes: 100 }, ttl = 0 } = settings
  const random = randomFrom(settings.seed ?? 1)
  const builder = new StreamBuilder(settings.name ?? 'mix', requests, sizeLaw(sizes))
  const upTo = zipf(keys, skew)
  const scattered = scatter(keys)
  const asks = askNames.map((name) => mix[name] ?? 0)
  const whole = asks.reduce((sum, share) => sum + share, 0)
  if (!(whole > 0)) throw new RangeError('the shares of a mix add up to nothing')
  let next = keys
  for (let at = 0; at < requests; at++) {
    let left = random() * whole
    let ask = asks.findIndex((share) => {
      left -= share
      return left < 0
    })
    if (ask < 0) ask = asks.findLastIndex((share) => share > 0)
    const rank = rankOf(upTo, random())
    const key = ask === Ask.insert ? next++ : latest ? next - 1 - rank : scattered(rank)
    builder.add(ask, key, ask === Ask.read ? 0 : ttl)
  }
  return builder.finish()
}

/**
 * Ranks scattered over the keys: neighbours in popularity are no neighbours in number. Multiplying by a number without a common divisor
 * with the count of keys (up to 2 ** 26) visits each key once.
 */
export function scatter(keys: number): (rank: number) => number {
  let factor = Math.max(1, Math.floor(keys * 0.618) | 1)
  while (common(factor, keys) !== 1) factor += 2
  return (rank) => (rank * factor) % keys
}

function common(a: number, b: number): number {
  return b === 0 ? a : common(b, a % b)
}

/** Collects requests one by one. */
export class StreamBuilder {
  readonly #name: string
  readonly #sizeOf: (key: number) => number
  readonly #asks: Uint8Array
  readonly #keys: Uint32Array
  readonly #sizes: Uint32Array
  #ttls: Uint32Array | undefined
  #times: Float64Array | undefined
  #count = 0
  #keySpace = 0

  constructor(name: string, most: number, sizeOf: (key: number) => number) {
    this.#name = name
    this.#sizeOf = sizeOf
    this.#asks = new Uint8Array(new SharedArrayBuffer(most))
    this.#keys = new Uint32Array(new SharedArrayBuffer(most * 4))
    this.#sizes = new Uint32Array(new SharedArrayBuffer(most * 4))
  }

  get full(): boolean {
    return this.#count === this.#asks.length
  }

  /** `time` in milliseconds of the stream's own clock. */
  add(ask: number, key: number, ttl = 0, time?: number): void {
    const at = this.#count++
    this.#asks[at] = ask
    this.#keys[at] = key
    this.#sizes[at] = this.#sizeOf(key)
    if (key >= this.#keySpace) this.#keySpace = key + 1
    if (ttl > 0) {
      this.#ttls ??= new Uint32Array(new SharedArrayBuffer(this.#asks.length * 4))
      this.#ttls[at] = ttl
    }
    if (time !== undefined) {
      this.#times ??= new Float64Array(new SharedArrayBuffer(this.#asks.length * 8))
      this.#times[at] = time
    }
  }

  finish(): Stream {
    const length = this.#count
    return {
      name: this.#name,
      length,
      asks: this.#asks.subarray(0, length),
      keys: this.#keys.subarray(0, length),
      sizes: this.#sizes.subarray(0, length),
      ttls: this.#ttls?.subarray(0, length),
      times: this.#times?.subarray(0, length),
      keySpace: this.#keySpace,
    }
  }
}
