// The native engine against the pure-JavaScript one, operation by operation, in one process and in turn. May touch: caches of its own.
import { createCache } from '../../index.js'
import type { CacheOptions } from '../../options/cache-options.js'
import { randomFrom } from '../../traces/generate.js'
import type { Row } from '../results/result.js'
import { compareFunctions } from '../runner/functions.js'
import { keyOf } from '../runner/values.js'
import { pairedRatio } from '../statistics/difference.js'
import { at, type Findings, type Suite, type SuiteContext, sampled, single } from './suite.js'

type Cache = ReturnType<typeof createCache>

interface Case {
  readonly name: string
  readonly options?: (entries: number) => CacheOptions
  readonly fill?: (cache: Cache, key: string) => void
  readonly work: (cache: Cache, keyAt: (index: number) => string) => (index: number) => unknown
}

const text = 'v'.repeat(100)
const record = {
  id: 4217,
  name: 'Ada Lovelace',
  email: 'ada@example.org',
  roles: ['admin', 'user'],
  active: true,
  score: 12.5,
}
const setText = (cache: Cache, key: string) => cache.set(key, text)
const roomy = (entries: number): CacheOptions => ({ maxBytes: Math.max(2 ** 24, entries * 300), near: false })

const cases: readonly Case[] = [
  { name: 'get', work: (cache, keyAt) => (index) => cache.get(keyAt(index)) },
  { name: 'get of an absent key', work: (cache) => (index) => cache.get(`absent ${index & 1023}`) },
  { name: 'has', work: (cache, keyAt) => (index) => cache.has(keyAt(index)) },
  { name: 'set', work: (cache, keyAt) => (index) => cache.set(keyAt(index), text) },
  { name: 'set with ttl', work: (cache, keyAt) => (index) => cache.set(keyAt(index), text, { ttl: 60_000 }) },
  {
    name: 'set that evicts',
    options: () => ({ maxBytes: '4mb', near: false }),
    work: (cache) => (index) => cache.set(keyOf(index), text),
  },
  {
    name: 'getMany of 32, a batch',
    work: (cache, keyAt) => (index) => {
      const keys: string[] = []
      for (let one = 0; one < 32; one++) keys.push(keyAt(index * 32 + one))
      return cache.getMany(keys)
    },
  },
  {
    name: 'delete and set again',
    work: (cache, keyAt) => (index) => {
      const key = keyAt(index)
      return cache.delete(key) && cache.set(key, text)
    },
  },
  {
    name: 'increment',
    fill: (cache, key) => cache.set(key, 1),
    work: (cache, keyAt) => (index) => cache.increment(keyAt(index)),
  },
  {
    name: 'get of an object, a copy',
    fill: (cache, key) => cache.set(key, record),
    work: (cache, keyAt) => (index) => cache.get(keyAt(index)),
  },
  {
    name: 'get of an object, near',
    options: (entries) => ({ ...roomy(entries), near: { maxEntries: entries * 2, maxBytes: '1gb' } }),
    fill: (cache, key) => cache.set(key, record),
    work: (cache, keyAt) => (index) => cache.get(keyAt(index)),
  },
  {
    name: 'set of an object',
    fill: (cache, key) => cache.set(key, record),
    work: (cache, keyAt) => (index) => cache.set(keyAt(index), record),
  },
]

export const engines: Suite = { name: 'engines', title: 'The native engine against pure JavaScript', run }

async function run(context: SuiteContext): Promise<Findings> {
  const missing = ['native', 'js'].filter(
    (engine) => !context.field.ours.some(({ name }) => name === `ostraka ${engine}`),
  )
  if (missing.length > 0) {
    return {
      rows: [],
      skipped: [{ what: 'all cases', reason: `needs both engines; not here or not asked for: ${missing.join(', ')}` }],
    }
  }
  const entries = at(context, 500, 50_000, 200_000)
  const random = randomFrom(context.seed)
  const order = Uint32Array.from({ length: 2 ** 16 }, () => Math.floor(random() * entries))
  const keyAt = (index: number) => keyOf(order[index & 0xffff]!)
  const rows: Row[] = []
  let own = Number.POSITIVE_INFINITY
  for (const [step, { name, options = roomy, fill = setText, work }] of cases.entries()) {
    context.tell(name, step / cases.length)
    const caches = (['native', 'js'] as const).map((engine) =>
      createCache({ ...options(entries), name: `engines-${step}-${engine}`, engine }),
    )
    try {
      for (const cache of caches) for (let key = 0; key < entries; key++) fill(cache, keyOf(key))
      const { functions, ended, overhead } = await compareFunctions({
        functions: caches.map((cache, which) => ({ name: ['native', 'js'][which]!, run: work(cache, keyAt) })),
        precision: context.precision,
        budget: context.budget,
        batch: at(context, 0.5, 5, 10),
        warmUp: at(context, 5, 300, 500),
        leastRounds: at(context, 2, 7, 9),
        mostRounds: at(context, 2, 100, 300),
      })
      const [native, js] = functions as [(typeof functions)[0], (typeof functions)[0]]
      own = Math.min(own, overhead)
      const { ratio } = pairedRatio(native.samples, js.samples)
      rows.push(
        {
          case: name,
          subject: 'ostraka native',
          ours: true,
          ended,
          measures: { time: sampled(native.samples, 'ns', 'lower'), 'of js': single(ratio, '×', 'lower') },
        },
        {
          case: name,
          subject: 'ostraka js',
          ours: true,
          ended,
          measures: { time: sampled(js.samples, 'ns', 'lower') },
        },
      )
    } finally {
      for (const cache of caches) await cache.close()
    }
  }
  return {
    rows,
    notes: [
      `${entries.toLocaleString('en')} entries; keys built anew for each call; 100-byte strings where nothing else is said. A call of an empty function takes ${own.toFixed(1)} ns in the same loop, which is part of every figure.`,
    ],
  }
}
