// Collects requests into the compact form that replays share between threads.
// May touch: nothing outside its arguments.
import { KeyTable } from './intern.js'
import type { RequestSink, Trace } from './trace.js'

type Column = Uint32Array | Uint8Array | Float64Array

export interface BuildOptions {
  /** Only the first so many requests. */
  readonly limit?: number | undefined
  /** Keep the time of each request: eight bytes a request. */
  readonly keepTimes?: boolean | undefined
  /** Called every 65,536 requests. */
  readonly onProgress?: ((requests: number) => void) | undefined
}

export class TraceBuilder implements RequestSink {
  readonly #limit: number
  readonly #keepTimes: boolean
  readonly #onProgress: ((requests: number) => void) | undefined
  readonly #keys = new KeyTable()
  #capacity = 1 << 14
  #count = 0
  #ids: Uint32Array = new Uint32Array(this.#capacity)
  // Made at the first request that has a value for them: most traces need none, and a long one would double.
  #sizes: Uint32Array | undefined
  #operations: Uint8Array | undefined
  #ttls: Uint32Array | undefined
  #times: Float64Array | undefined

  constructor(options: BuildOptions = {}) {
    this.#limit = options.limit ?? Number.POSITIVE_INFINITY
    this.#keepTimes = options.keepTimes ?? false
    this.#onProgress = options.onProgress
  }

  get full(): boolean {
    return this.#count >= this.#limit
  }

  request(
    bytes: Uint8Array,
    start: number,
    end: number,
    operation: number,
    size: number,
    ttl: number,
    time: number,
  ): boolean {
    const at = this.#count
    if (at >= this.#limit) return false
    if (at === this.#capacity) this.#grow()
    if ((at & 0xffff) === 0) this.#onProgress?.(at)
    this.#ids[at] = this.#keys.intern(bytes, start, end)
    if (size !== 0) {
      this.#sizes ??= new Uint32Array(this.#capacity)
      this.#sizes[at] = size
    }
    if (operation !== 0) {
      this.#operations ??= new Uint8Array(this.#capacity)
      this.#operations[at] = operation
    }
    if (ttl !== 0) {
      this.#ttls ??= new Uint32Array(this.#capacity)
      this.#ttls[at] = ttl
    }
    if (time !== 0 && this.#keepTimes) {
      this.#times ??= new Float64Array(this.#capacity)
      this.#times[at] = time
    }
    this.#count = at + 1
    return this.#count < this.#limit
  }

  /** The trace so far; the builder must not be used afterwards. */
  finish(name: string, format: Trace['format']): Trace {
    const requests = this.#count
    return {
      name,
      format,
      requests,
      keys: this.#keys.count,
      ...this.#keys.shared(),
      ids: shared(this.#ids, requests),
      sizes: this.#sizes && shared(this.#sizes, requests),
      operations: this.#operations && shared(this.#operations, requests),
      ttls: this.#ttls && shared(this.#ttls, requests),
      times: this.#times && shared(this.#times, requests),
    }
  }

  #grow(): void {
    // By half, not twice: a trace of 12.7 million requests then never needs two arrays of 64 MiB at once.
    const capacity = Math.ceil((this.#capacity * 1.5) / 4096) * 4096
    this.#ids = copied(this.#ids, new Uint32Array(capacity))
    if (this.#sizes) this.#sizes = copied(this.#sizes, new Uint32Array(capacity))
    if (this.#operations) this.#operations = copied(this.#operations, new Uint8Array(capacity))
    if (this.#ttls) this.#ttls = copied(this.#ttls, new Uint32Array(capacity))
    if (this.#times) this.#times = copied(this.#times, new Float64Array(capacity))
    this.#capacity = capacity
  }
}

function copied<C extends Column>(from: C, to: C): C {
  to.set(from)
  return to
}

function shared<C extends Column>(column: C, length: number): C {
  const memory = new SharedArrayBuffer(length * column.BYTES_PER_ELEMENT)
  const result = new (column.constructor as new (memory: SharedArrayBuffer) => C)(memory)
  result.set(column.subarray(0, length))
  return result
}
