// The mixes of the Yahoo! Cloud Serving Benchmark, A to F, as a cache sees them: records of 1,000 bytes in ten fields, Zipf 0.99.
// May touch: nothing outside its arguments.
import { type Mix, makeStream, type Stream } from './stream.js'

interface YcsbMix {
  readonly name: string
  readonly what: string
  readonly mix: Mix
  readonly latest?: boolean
}

export const ycsbMixes: readonly YcsbMix[] = [
  { name: 'YCSB A', what: 'half reads, half updates', mix: { read: 0.5, update: 0.5 } },
  { name: 'YCSB B', what: '95 % reads, 5 % updates', mix: { read: 0.95, update: 0.05 } },
  { name: 'YCSB C', what: 'reads only', mix: { read: 1 } },
  {
    name: 'YCSB D',
    what: '95 % reads of what was inserted last, 5 % inserts',
    mix: { read: 0.95, insert: 0.05 },
    latest: true,
  },
  // A cache keeps no order: the scan of E becomes one batch of neighbouring keys.
  { name: 'YCSB E', what: '95 % batches of up to 100 neighbours, 5 % inserts', mix: { readMany: 0.95, insert: 0.05 } },
  { name: 'YCSB F', what: 'half reads, half read-modify-writes', mix: { read: 0.5, readModifyWrite: 0.5 } },
]

export const ycsbRecordBytes = 1000

export function ycsbStream(
  { name, mix, latest = false }: YcsbMix,
  requests: number,
  keys: number,
  seed: number,
): Stream {
  return makeStream({
    name,
    requests,
    keys,
    mix,
    latest,
    skew: 0.99,
    sizes: { law: 'fixed', bytes: ycsbRecordBytes },
    seed,
  })
}
