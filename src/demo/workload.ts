// What the demo's clients ask for and what its origin answers: the same for every contender and for the same seed everywhere.
// May touch: nothing outside its arguments.
import { Buffer } from 'node:buffer'
import { generateRequests, sizeOfKey } from '../traces/generate.js'

/** Zipf 0.9 over these items, as web caches see it; production lies around 0.9 to 1.2 for what sits behind no other cache. */
export const workload = {
  items: 100_000,
  skew: 0.9,
  /** Share of requests after which some item loses its place to one never seen. */
  churn: 0.01,
  /** Share of requests that read rows in sequence, hardly ever again. */
  scans: 0.05,
  /** Rows that one scan reads: short, so that every slice of load holds some. */
  scanLength: 100,
  /** Bytes of a body; log-normal with sigma 1. */
  medianBytes: 500,
} as const

/** The mean of the log-normal sizes. */
export const meanBytes = workload.medianBytes * Math.exp(0.5)

/** A request is the number of an item, or with this bit the number of a row. */
const rowBit = 0x8000_0000

export function demoRequests(count: number, seed: number): Uint32Array {
  const requests = new Uint32Array(count)
  let at = 0
  const { items, skew, churn, scans, scanLength } = workload
  generateRequests({ requests: count, keys: items, skew, churn, scans, scanLength, seed }, (prefix, key) => {
    requests[at++] = prefix === 'row:' ? (key | rowBit) >>> 0 : key
  })
  return requests
}

/** `item/17` or `row/17`: the key in the cache, and after a slash the path in the URL. */
export function keyOf(request: number): string {
  return request >= rowBit ? `row/${request - rowBit}` : `item/${request}`
}

const keyPattern = /^(?:item|row)\/(\d{1,10})$/

const filler = 'the quick brown fox jumps over the lazy dog and '
const scratch = Buffer.alloc(128 * 1024)

/** The JSON that stands at a key, of the size that is the key's own; `undefined` when nothing stands there. About 1 µs. */
export function bodyOf(key: string): string | undefined {
  const number = keyPattern.exec(key)?.[1]
  if (number === undefined) return undefined
  let end = scratch.write(`{"key":"${key}","text":"`, 'latin1')
  const size = Math.max(sizeOfKey(Number(number), workload.medianBytes), end + 2)
  scratch.fill(filler, end, size - 2, 'latin1')
  end = size - 2
  end += scratch.write('"}', end, 'latin1')
  // A string of its own: a slice or concatenation would hold on to its parts, and no cache could be measured by it.
  return scratch.toString('latin1', 0, end)
}
