// Makes a trace for demonstrations: skewed popularity that drifts, scans in between, sizes as in web caches. The same
// seed gives the same trace everywhere. May touch: nothing outside its arguments.
import { TraceBuilder } from './build.js'
import { Operation, type Trace } from './trace.js'
import { rankOf, zipf } from './zipf.js'

export interface GenerateOptions {
  /** Requests. Default 500,000. */
  readonly requests?: number | undefined
  /** Keys that are popular at any one time. Default 50,000. */
  readonly keys?: number | undefined
  /** Exponent of the Zipf distribution; production caches lie around 0.9 to 1.2. Default 0.9. */
  readonly skew?: number | undefined
  /** Share of requests after which some key gives its popularity to one never seen. Default 0.02. */
  readonly churn?: number | undefined
  /** Share of requests that belong to scans, runs over keys that are seldom asked for again. Default 0.1. */
  readonly scans?: number | undefined
  /** Rows that one scan reads. Default 2,000. */
  readonly scanLength?: number | undefined
  /** Median size of a value in bytes; sizes are log-normal with sigma 1. Default 200. */
  readonly medianSize?: number | undefined
  /** Default 1. */
  readonly seed?: number | undefined
}

const smallest = 8
const largest = 64 * 1024

/** Uniform numbers in [0, 1) from a seed: a Weyl sequence through a 32-bit mixer. Not for secrets. */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e37_79b9) | 0
    let mixed = state ^ (state >>> 16)
    mixed = Math.imul(mixed, 0x21f0_aaad)
    mixed ^= mixed >>> 15
    mixed = Math.imul(mixed, 0x735a_2d97)
    mixed ^= mixed >>> 15
    return (mixed >>> 0) / 0x1_0000_0000
  }
}

/** A key always has the same size, drawn from its own number: log-normal with sigma 1 around the median. */
export function sizeOfKey(key: number, median: number): number {
  const random = randomFrom(Math.imul(key + 1, 0x85eb_ca6b))
  // Box and Muller's way from two uniform numbers to a normal one.
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Math.round(Math.min(Math.max(median * Math.exp(normal), smallest), largest))
}

/** Calls `ask` for each request in turn, with the number of an item or, in a scan, of a row. About 0.2 µs a request. */
export function generateRequests(options: GenerateOptions, ask: (prefix: 'item:' | 'row:', key: number) => void): void {
  const requests = options.requests ?? 500_000
  const keys = options.keys ?? 50_000
  const churn = options.churn ?? 0.02
  const scans = options.scans ?? 0.1
  const scanLength = options.scanLength ?? 2000
  const random = randomFrom(options.seed ?? 1)
  const upTo = zipf(keys, options.skew ?? 0.9)
  const keyAtRank = Uint32Array.from({ length: keys }, (_, rank) => rank)
  let nextKey = keys
  let nextScanned = 0
  let scanLeft = 0
  for (let i = 0; i < requests; i++) {
    if (scanLeft === 0 && random() < scans / scanLength) scanLeft = scanLength
    if (scanLeft > 0 && random() < 0.5) {
      scanLeft--
      ask('row:', nextScanned++ % (keys * 20))
      continue
    }
    if (random() < churn) keyAtRank[Math.floor(random() * keys)] = nextKey++
    ask('item:', keyAtRank[rankOf(upTo, random())]!)
  }
}

/** About 0.3 µs a request. */
export function generateTrace(options: GenerateOptions = {}): Trace {
  const medianSize = options.medianSize ?? 200
  const builder = new TraceBuilder()
  const text = Buffer.alloc(24)
  generateRequests(options, (prefix, key) => {
    const length = text.write(prefix + key, 'latin1')
    builder.request(text, 0, length, Operation.get, sizeOfKey(key, medianSize), 0, 0)
  })
  return builder.finish('generated', 'generated')
}
