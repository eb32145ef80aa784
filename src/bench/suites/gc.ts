// What a cache costs the garbage collector: a full collection with the cache filled, and the pauses while entries come and go. Each
// contender in a process of its own. May touch: child processes.
import type { Row } from '../results/result.js'
import { nothing } from '../rivals/nothing.js'
import { type Rival, subjectOf, titleOf } from '../rivals/rival.js'
import { startProcess } from '../runner/host.js'
import { makeStream } from '../workload/stream.js'
import { at, type Findings, type Suite, type SuiteContext, sampled, single } from './suite.js'

export const gc: Suite = { name: 'gc', title: 'Garbage collection', run }

async function run(context: SuiteContext): Promise<Findings> {
  const { field } = context
  const entries = at(context, 5000, 200_000, 1_000_000)
  // What lies in another process costs this collector nothing, and says nothing about a cache in this one.
  const all = [nothing, ...field.ours, ...field.rivals.filter(({ name }) => !name.startsWith('Redis'))]
  const taking = context.scale === 'smoke' ? all.slice(0, 2) : all
  const rows: Row[] = []
  for (const [step, rival] of taking.entries()) {
    context.tell(rival.name, step / taking.length)
    for (const mode of rival.modes) {
      // Copies of theirs are text in V8's heap: one string an entry in place of an object, which strings of their own would be, too.
      if (mode === 'copy' && rival.modes.length > 1 && !rival.ours) continue
      rows.push(...(await measure(context, rival, mode, entries)))
    }
  }
  return {
    rows,
    notes: [
      `${entries.toLocaleString('en')} entries, records of ten fields and 200 bytes. The empty process does the same work without keeping anything. Ours by reference keeps decoded objects in its near cache, up to a tenth of the entries here; its copies have none.`,
    ],
  }
}

async function measure(
  context: SuiteContext,
  rival: Rival,
  mode: 'copy' | 'reference',
  entries: number,
): Promise<Row[]> {
  const stream = makeStream({
    requests: Math.min(2 ** 20, entries * 2),
    keys: entries,
    mix: { read: 0.5, update: 0.5 },
    skew: 0,
    sizes: { law: 'fixed', bytes: 200 },
    seed: context.seed,
  })
  const budget = rival.bound === 'bytes' ? entries * 500 + 2 ** 24 : entries
  const prepared = await rival.prepare?.(0)
  const near =
    rival.ours && mode === 'reference' ? { near: { maxEntries: Math.ceil(entries / 10), maxBytes: '1gb' } } : {}
  try {
    const host = await startProcess({
      subject: subjectOf(rival, { mode, budget, ttl: 0, more: near, ...(prepared ? { socket: prepared.socket } : {}) }),
      stream,
      requests: { values: 'object', fill: false, keys: 'fresh' },
      threads: 1,
      connections: 1,
      seed: context.seed,
    })
    try {
      if (rival !== nothing) await host.fill()
      const forced = await host.collections(at(context, 2, 5, 9))
      await host.pauses()
      await host.run({
        milliseconds: at(context, 20, 1000, 4000),
        ramp: 0,
        coolDown: 0,
        drain: 0,
        atOnce: 1,
        sampleEvery: 1024,
        seed: 1,
      })
      const { longest, total, count } = await host.pauses()
      const of = { subject: titleOf(rival, mode), ours: rival.ours, copies: rival.modes.length > 1 && mode === 'copy' }
      return [
        { case: 'a full collection', ...of, measures: { time: sampled(forced, 'ms', 'lower') } },
        {
          case: 'pauses under reads and writes',
          ...of,
          measures: {
            longest: single(longest, 'ms', 'lower'),
            total: single(total, 'ms', 'lower'),
            pauses: single(count, 'count'),
          },
        },
      ]
    } finally {
      await host.close()
    }
  } finally {
    await prepared?.stop()
  }
}
