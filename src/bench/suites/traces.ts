// Real access traces, or a generated one where none are given: hit ratio and speed at several sizes of the cache. May touch: trace files
// (reading), worker threads of the replay.
import { availableParallelism } from 'node:os'
import { OstrakaError } from '../../errors.js'
import { replayTrace } from '../../replay/run.js'
import { generateTrace } from '../../traces/generate.js'
import { loadTrace } from '../../traces/load.js'
import { decodeKey } from '../../traces/read.js'
import { Operation, type Trace } from '../../traces/trace.js'
import type { LineChart, Row, Skipped } from '../results/result.js'
import { type Rival, subjectOf } from '../rivals/rival.js'
import { openSubject } from '../runner/load.js'
import type { BenchmarkCache } from '../runner/target.js'
import { at, type Findings, type Suite, type SuiteContext, single } from './suite.js'

export const traces: Suite = { name: 'traces', title: 'Access traces', run }

/** Capacities, as shares of a trace's keys. */
const shares = [0.01, 0.05, 0.2]

async function run(context: SuiteContext): Promise<Findings> {
  const rows: Row[] = []
  const charts: LineChart[] = []
  const limit = at(context, 5000, 200_000, 20_000_000)
  const files: (string | undefined)[] =
    context.scale === 'smoke' || context.traces.length === 0 ? [undefined] : [...context.traces]
  // By entries and at once is how traces are compared in the literature.
  const taking = context.field.rivals.filter(({ bound, asynchronous }) => bound === 'entries' && !asynchronous)
  const skipped: Skipped[] = context.field.rivals
    .filter((rival) => !taking.includes(rival))
    .map(({ name, bound }) => ({
      what: name,
      reason: bound === 'entries' ? 'it answers later: traces are replayed in order' : 'it is not bounded in entries',
    }))
  for (const [step, file] of files.entries()) {
    context.tell(file ?? 'a generated trace', step / files.length)
    let trace: Trace
    try {
      trace = file === undefined ? generated(context, limit) : await loadTrace(file, { limit })
    } catch (error) {
      // One file that is no trace must not cost what the others tell.
      if (!(error instanceof OstrakaError)) throw error
      skipped.push({ what: file ?? 'a generated trace', reason: error.message })
      continue
    }
    const points = new Map<string, [number, number][]>()
    for (const share of at(context, shares.slice(1, 2), shares, shares)) {
      const capacity = Math.max(50, Math.round(trace.keys * share))
      const name = `${trace.name}, ${capacity.toLocaleString('en')} entries`
      for (const rival of [...context.field.ours, ...taking]) {
        context.tell(`${name}, ${rival.name}`, step / files.length)
        const measured = rival.ours ? await ours(context, rival, trace, capacity) : await theirs(rival, trace, capacity)
        points.set(rival.name, [...(points.get(rival.name) ?? []), [capacity, measured.hitRatio]])
        rows.push({
          case: name,
          subject: rival.name,
          ours: rival.ours,
          measures: {
            'hit ratio': single(measured.hitRatio, 'ratio', 'higher'),
            speed: single(measured.perSecond, '1/s', 'higher'),
          },
        })
      }
    }
    charts.push({
      title: `${trace.name}: ${trace.requests.toLocaleString('en')} requests, ${trace.keys.toLocaleString('en')} keys`,
      x: { label: 'entries', log: true },
      y: { label: 'hit ratio', unit: 'ratio' },
      series: [...points].map(([name, list]) => ({ name, points: list })),
    })
  }
  return {
    rows,
    charts,
    skipped,
    notes: [
      `One thread of ${availableParallelism()}; bounded by entries; a get that misses is followed by a set.${files[0] === undefined ? ' Give --traces PATH for real ones: this one is generated (Zipf 0.9, drifting, with scans).' : ''}`,
    ],
  }
}

function generated(context: SuiteContext, limit: number): Trace {
  const keys = at(context, 500, 30_000, 100_000)
  return generateTrace({ requests: Math.min(limit, 1_000_000), keys, seed: context.seed })
}

async function ours(context: SuiteContext, rival: Rival, trace: Trace, capacity: number) {
  const engine = rival.more?.['engine'] as 'native' | 'js'
  const { hitRatio, operationsPerSecond } = await replayTrace(trace, {
    cache: {
      engine,
      maxEntries: capacity,
      near: false,
      seed: context.seed,
      ...(trace.ttls ? { clock: 'manual' } : {}),
    },
    threads: 1,
    valueBytes: 64,
  })
  return { hitRatio, perSecond: operationsPerSecond }
}

async function theirs(rival: Rival, trace: Trace, capacity: number) {
  const subject = subjectOf(rival, { mode: 'reference', budget: capacity, ttl: 0 })
  const cache = (await openSubject(subject, { thread: 0, threads: 1, connections: 1, seed: 1 })) as BenchmarkCache
  const { ids, operations, requests, keyBytes, keyOffsets } = trace
  const keys = Array.from({ length: trace.keys }, (_, id) => decodeKey(keyBytes, keyOffsets[id]!, keyOffsets[id + 1]!))
  const value = 'v'.repeat(64)
  let gets = 0
  let hits = 0
  let done = 0
  const begun = performance.now()
  for (let index = 0; index < requests; index++) {
    const key = keys[ids[index]!]!
    const operation = operations?.[index] ?? Operation.get
    done++
    if (operation === Operation.delete) cache.delete!(key)
    else if (operation !== Operation.get) cache.set(key, value, 0)
    else {
      gets++
      if (cache.get(key) !== undefined) hits++
      else {
        cache.set(key, value, 0)
        done++
      }
    }
  }
  const seconds = (performance.now() - begun) / 1000
  await cache.close?.()
  return { hitRatio: hits / gets, perSecond: done / seconds }
}
