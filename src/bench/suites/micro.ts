// Single operations on one thread, down to nanoseconds: strings, where nothing has to be copied, and objects, by reference and as copies.
// May touch: the caches that it compares, in this process.

import { randomFrom } from '../../traces/generate.js'
import type { Row } from '../results/result.js'
import { type Mode, type Prepared, type Rival, type RivalOptions, subjectOf, titleOf } from '../rivals/rival.js'
import { compareFunctions } from '../runner/functions.js'
import { openSubject } from '../runner/load.js'
import type { BenchmarkCache } from '../runner/target.js'
import { keyOf, makeValue } from '../runner/values.js'
import { at, type Findings, type Suite, type SuiteContext, sampled } from './suite.js'

interface Contender {
  readonly rival: Rival
  readonly name: string
  readonly copies: boolean
  readonly cache: BenchmarkCache
}

type Work = (contender: BenchmarkCache, order: Uint32Array) => ((index: number) => unknown) | undefined

const text = 'v'.repeat(100)
/** Made before: what is timed is keeping them. */
const objects = Array.from({ length: 256 }, (_, key) => makeValue('object', key, 400))
const mask = (order: Uint32Array) => order.length - 1

const stringCases: readonly (readonly [string, Work])[] = [
  ['get', (cache, order) => (index) => cache.get(keyOf(order[index & mask(order)]!))],
  ['set', (cache, order) => (index) => cache.set(keyOf(order[index & mask(order)]!), text, 0)],
  ['get of an absent key', (cache) => (index) => cache.get(keyOf(50_000_000 + (index & 1023)))],
  [
    'getMany of 32, a batch',
    (cache, order) =>
      cache.getMany &&
      ((index) => {
        const keys: string[] = []
        for (let one = 0; one < 32; one++) keys.push(keyOf(order[(index * 32 + one) & mask(order)]!))
        return cache.getMany!(keys)
      }),
  ],
]

const objectCases: readonly (readonly [string, Work])[] = [
  ['get of an object', (cache, order) => (index) => cache.get(keyOf(order[index & mask(order)]!))],
  [
    'set of an object',
    (cache, order) => (index) => {
      const key = order[index & mask(order)]!
      return cache.set(keyOf(key), objects[key & 255], 0)
    },
  ],
]

export const micro: Suite = { name: 'micro', title: 'Single operations on one thread', run }

async function run(context: SuiteContext): Promise<Findings> {
  const sizes = at(context, [1000], [10_000, 200_000], [10_000, 100_000, 1_000_000])
  const rows: Row[] = []
  let overhead = Number.POSITIVE_INFINITY
  const plan: (readonly [number, 'string' | 'object'])[] = sizes.flatMap((entries) => [
    [entries, 'string'] as const,
    [entries, 'object'] as const,
  ])
  for (const [step, [entries, kind]] of plan.entries()) {
    // A million records of ten fields in each of a dozen caches is more than a machine of 16 GiB has.
    if (kind === 'object' && entries > 100_000) continue
    const { contenders, close } = await open(context, entries, kind)
    try {
      const order = shuffled(entries, context.seed)
      for (const [name, work] of kind === 'string' ? stringCases : objectCases) {
        context.tell(`${name}, ${entries.toLocaleString('en')} entries`, step / plan.length)
        const functions = contenders.flatMap(({ name, cache }) => {
          const run = work(cache, order)
          return run ? [{ name, run }] : []
        })
        const result = await compareFunctions({
          functions,
          precision: context.precision,
          budget: context.budget,
          batch: at(context, 0.5, 5, 10),
          warmUp: at(context, 5, 200, 500),
          leastRounds: at(context, 2, 7, 7),
          mostRounds: at(context, 2, 100, 300),
        })
        overhead = Math.min(overhead, result.overhead)
        for (const { name: subject, samples } of result.functions) {
          const { rival, copies } = contenders.find((contender) => contender.name === subject)!
          rows.push({
            case: `${name}, ${entries.toLocaleString('en')} entries`,
            subject,
            ours: rival.ours,
            copies,
            ended: result.ended,
            measures: { time: sampled(samples, 'ns', 'lower') },
          })
        }
      }
    } finally {
      await close()
    }
  }
  return {
    rows,
    notes: [
      `A call of an empty function takes ${overhead.toFixed(1)} ns in the same loop; that is part of every figure, and so is building the key, as servers do for each request.`,
      'Map has no bound and no expiry: it is the price of keeping anything. lru-cache has a ttl, as ours can; quick-lru has none here.',
      'A set of lmdb only queues the write for a transaction of its own thread; for Redis and bentocache each call is awaited.',
      'lru-cache, quick-lru, Map and bentocache hand out references; "copies" of them are JSON text, parsed for each get. Ours by reference hands out a frozen object from its near cache, and a copy where near is off.',
    ],
  }
}

async function open(context: SuiteContext, entries: number, kind: 'string' | 'object') {
  const { field } = context
  const prepared: Prepared[] = []
  const contenders: Contender[] = []
  const close = async () => {
    for (const { cache } of contenders) await cache.close?.()
    for (const one of prepared) await one.stop()
  }
  try {
    for (const rival of [...field.ours, ...field.rivals]) {
      for (const mode of modesOf(rival, kind)) {
        const ready = await rival.prepare?.(0)
        if (ready) prepared.push(ready)
        // Roomy: nothing is evicted while single operations are timed.
        const bytes = Math.max(2 ** 24, entries * (kind === 'string' ? 240 : 900) * 1.5)
        const options: RivalOptions = {
          mode,
          budget: rival.bound === 'bytes' ? (rival.ours ? Math.ceil(bytes) : 0) : entries * 2,
          ttl: 0,
          ...(ready ? { socket: ready.socket } : {}),
        }
        const cache = (await openSubject(subjectOf(rival, options), {
          thread: 0,
          threads: 1,
          connections: 1,
          seed: 1,
        })) as BenchmarkCache
        const copies = kind === 'object' && mode === 'copy'
        contenders.push({ rival, name: kind === 'string' ? rival.name : titleOf(rival, mode), copies, cache })
        for (let key = 0; key < entries; key++) {
          const kept = cache.set(keyOf(key), kind === 'string' ? text : makeValue('object', key, 400), 0)
          if ((key & 1023) === 1023) await (kept ?? new Promise(setImmediate))
        }
        await cache.size?.()
        // What keeps decoded values has to have read each once: warming up by random keys would take for steady what is still filling.
        if (!cache.asynchronous) for (let key = 0; key < entries; key++) cache.get(keyOf(key))
      }
    }
  } catch (error) {
    await close()
    throw error
  }
  return { contenders, close }
}

/** A string is handed out as it is by all: one row each, ours without the near cache, which has nothing to save there. */
export function modesOf(rival: Rival, kind: 'string' | 'object'): readonly Mode[] {
  if (kind === 'object') return rival.modes
  return [rival.ours || !rival.modes.includes('reference') ? 'copy' : 'reference']
}

/** Keys in an order without pattern, 65,536 of them or the power of two below. */
function shuffled(entries: number, seed: number): Uint32Array {
  const random = randomFrom(seed)
  const length = 2 ** Math.floor(Math.log2(Math.min(entries * 4, 2 ** 18)))
  return Uint32Array.from({ length }, () => Math.floor(random() * entries))
}
