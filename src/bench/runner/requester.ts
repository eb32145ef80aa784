// Turns requests of a stream into calls, as an application before a cache makes them: what a read misses is loaded and set. Counts what
// came of it. May touch: the target it is given.
import { Ask, askNames, type Stream } from '../workload/stream.js'
import type { BenchmarkCache, BenchmarkRequest, Opened } from './target.js'
import { isRight, keyOf, makeValue, type ValueKind } from './values.js'

export interface RequestCounts {
  reads: number
  hits: number
  writes: number
  /** Writes that were not kept. */
  refused: number
  removes: number
  /** Values that were not those of the key: must be 0. */
  wrong: number
  /** Requests that ended in an error. */
  failed: number
}

export const noCounts = (): RequestCounts => ({
  reads: 0,
  hits: 0,
  writes: 0,
  refused: 0,
  removes: 0,
  wrong: 0,
  failed: 0,
})

export function addCounts(to: RequestCounts, from: RequestCounts): void {
  for (const name of Object.keys(to) as (keyof RequestCounts)[]) to[name] += from[name]
}

/** Keys of one batch: as many as a page shows, up to a hundred, by the key's own number. */
const batchOf = (key: number) => 1 + ((Math.imul(key + 1, 0x9e37_79b1) >>> 0) % 100)

export interface RequesterSettings {
  readonly values: ValueKind
  /** Set what a read has missed, as after a load. */
  readonly fill: boolean
  /** Keys built for each request as servers do, or once, so that their hashes are known. */
  readonly keys: 'fresh' | 'reused'
}

export type Requester = SyncRequester | AsyncRequester

export function requesterFor(opened: Opened, stream: Stream, settings: RequesterSettings): Requester {
  if (typeof opened === 'function') {
    // Its first answer tells whether it is to be waited for.
    const requester = new FunctionRequester(opened, stream, settings)
    const first = requester.probe()
    if (!isThenable(first)) return requester
    Promise.resolve(first).catch(() => {})
    return new AsyncFunctionRequester(opened, stream, settings)
  }
  return opened.asynchronous
    ? new AsyncCacheRequester(opened, stream, settings)
    : new CacheRequester(opened, stream, settings)
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

abstract class Requests {
  readonly stream: Stream
  readonly kind: ValueKind
  readonly fill: boolean
  readonly #keys: readonly string[] | undefined
  counts = noCounts()

  constructor(stream: Stream, { values, fill, keys }: RequesterSettings) {
    this.stream = stream
    this.kind = values
    this.fill = fill
    this.#keys = keys === 'reused' ? Array.from({ length: stream.keySpace }, (_, key) => keyOf(key)) : undefined
  }

  key(number: number): string {
    return this.#keys === undefined ? keyOf(number) : (this.#keys[number] ?? keyOf(number))
  }
}

export abstract class SyncRequester extends Requests {
  readonly asynchronous = false
  abstract ask(at: number): void
}

export abstract class AsyncRequester extends Requests {
  readonly asynchronous = true
  /** Never rejects. */
  abstract ask(at: number): Promise<void>
}

class CacheRequester extends SyncRequester {
  readonly #cache: BenchmarkCache
  #followed = Number.NEGATIVE_INFINITY

  constructor(cache: BenchmarkCache, stream: Stream, settings: RequesterSettings) {
    super(stream, settings)
    this.#cache = cache
    if (stream.times !== undefined && cache.follow === undefined) {
      throw new TypeError(`${stream.name} has a clock of its own, which this cache cannot follow`)
    }
  }

  ask(at: number): void {
    const { stream, counts } = this
    const index = at % stream.length
    if (stream.times !== undefined) this.#follow(at, stream.times)
    const number = stream.keys[index]!
    const key = this.key(number)
    const size = stream.sizes[index]!
    const ttl = stream.ttls === undefined ? 0 : stream.ttls[index]!
    switch (stream.asks[index]) {
      case Ask.read:
        this.#read(key, number, size, ttl)
        break
      case Ask.remove:
        counts.removes++
        this.#cache.delete?.(key)
        break
      case Ask.readMany:
        this.#readMany(number, size)
        break
      case Ask.readModifyWrite:
        this.#read(key, number, size, ttl)
        this.#write(key, number, size, ttl)
        break
      default:
        this.#write(key, number, size, ttl)
    }
  }

  #read(key: string, number: number, size: number, ttl: number): void {
    const { counts, kind } = this
    counts.reads++
    const found = this.#cache.get(key)
    if (found !== undefined) {
      counts.hits++
      if (!isRight(kind, number, size, found)) counts.wrong++
    } else if (this.fill) this.#write(key, number, size, ttl)
  }

  #write(key: string, number: number, size: number, ttl: number): void {
    const { counts } = this
    counts.writes++
    if (this.#cache.set(key, makeValue(this.kind, number, size), ttl) === false) counts.refused++
  }

  #readMany(number: number, size: number): void {
    const { counts } = this
    const batch = batchOf(number)
    const keys: string[] = []
    for (let at = 0; at < batch; at++) keys.push(this.key(number + at))
    counts.reads += batch
    const found = (this.#cache.getMany?.(keys) ?? keys.map((key) => this.#cache.get(key))) as unknown[]
    for (let at = 0; at < batch; at++) {
      if (found[at] !== undefined) counts.hits++
      else if (this.fill) this.#write(keys[at]!, number + at, size, 0)
    }
  }

  /** The stream's clock goes on when it begins again. */
  #follow(at: number, times: Float64Array): void {
    const { length } = this.stream
    const time = times[at % length]! + Math.floor(at / length) * times[length - 1]!
    // Advancing by less than a clock can tell is left for later.
    if (time - this.#followed < 1) return
    this.#followed = time
    this.#cache.follow!(time)
  }
}

class AsyncCacheRequester extends AsyncRequester {
  readonly #cache: BenchmarkCache

  constructor(cache: BenchmarkCache, stream: Stream, settings: RequesterSettings) {
    super(stream, settings)
    this.#cache = cache
    if (stream.times !== undefined)
      throw new TypeError(`${stream.name} has a clock of its own, which this cache cannot follow`)
  }

  async ask(at: number): Promise<void> {
    const { stream, counts } = this
    const index = at % stream.length
    const number = stream.keys[index]!
    const key = this.key(number)
    const size = stream.sizes[index]!
    const ttl = stream.ttls === undefined ? 0 : stream.ttls[index]!
    const ask = stream.asks[index]!
    try {
      if (ask === Ask.remove) {
        counts.removes++
        await this.#cache.delete?.(key)
      } else if (ask === Ask.readMany) await this.#readMany(number, size)
      else {
        if (ask === Ask.read || ask === Ask.readModifyWrite) await this.#read(key, number, size, ttl)
        if (ask !== Ask.read) await this.#write(key, number, size, ttl)
      }
    } catch {
      counts.failed++
    }
  }

  async #read(key: string, number: number, size: number, ttl: number): Promise<void> {
    const { counts, kind } = this
    counts.reads++
    const found = await this.#cache.get(key)
    if (found !== undefined) {
      counts.hits++
      if (!isRight(kind, number, size, found)) counts.wrong++
    } else if (this.fill) await this.#write(key, number, size, ttl)
  }

  async #write(key: string, number: number, size: number, ttl: number): Promise<void> {
    const { counts } = this
    counts.writes++
    if ((await this.#cache.set(key, makeValue(this.kind, number, size), ttl)) === false) counts.refused++
  }

  async #readMany(number: number, size: number): Promise<void> {
    const { counts } = this
    const batch = batchOf(number)
    const keys: string[] = []
    for (let at = 0; at < batch; at++) keys.push(this.key(number + at))
    counts.reads += batch
    const answers = this.#cache.getMany?.(keys) ?? Promise.all(keys.map((key) => this.#cache.get(key)))
    const found = (await answers) as unknown[]
    for (let at = 0; at < batch; at++) {
      if (found[at] !== undefined) counts.hits++
      else if (this.fill) await this.#write(keys[at]!, number + at, size, 0)
    }
  }
}

/** The last results of functions, kept where they could be read: a compiler must not leave out what made them. */
export const kept: unknown[] = new Array(64).fill(undefined)

function load(into: BenchmarkRequest, requests: Requests, at: number): BenchmarkRequest {
  const { stream } = requests
  const index = at % stream.length
  into.at = at
  into.key = requests.key(stream.keys[index]!)
  into.ask = askNames[stream.asks[index]!]!
  into.size = stream.sizes[index]!
  into.ttl = stream.ttls === undefined ? 0 : stream.ttls[index]!
  return into
}

const emptyRequest = (): BenchmarkRequest => ({ key: '', at: 0, ask: 'read', size: 0, ttl: 0 })

class FunctionRequester extends SyncRequester {
  readonly #work: (request: BenchmarkRequest) => unknown
  readonly #request = emptyRequest()

  constructor(work: (request: BenchmarkRequest) => unknown, stream: Stream, settings: RequesterSettings) {
    super(stream, settings)
    this.#work = work
  }

  probe(): unknown {
    return this.#work(load(this.#request, this, 0))
  }

  ask(at: number): void {
    const { counts } = this
    counts.reads++
    try {
      const result = this.#work(load(this.#request, this, at))
      kept[at & 63] = result
      if (result !== undefined) counts.hits++
    } catch {
      counts.failed++
    }
  }
}

class AsyncFunctionRequester extends AsyncRequester {
  readonly #work: (request: BenchmarkRequest) => unknown

  constructor(work: (request: BenchmarkRequest) => unknown, stream: Stream, settings: RequesterSettings) {
    super(stream, settings)
    this.#work = work
  }

  async ask(at: number): Promise<void> {
    const { counts } = this
    counts.reads++
    try {
      const result = await this.#work(load(emptyRequest(), this, at))
      kept[at & 63] = result
      if (result !== undefined) counts.hits++
    } catch {
      counts.failed++
    }
  }
}
