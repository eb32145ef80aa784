// How throughput grows with threads: over read share, skew, shards and engine, with the universal scalability law through the points.
// May touch: child processes with worker threads.
import { availableParallelism } from 'node:os'
import type { LineChart, Row, Skipped } from '../results/result.js'
import { type Rival, subjectOf } from '../rivals/rival.js'
import { runBenchmark } from '../runner/benchmark.js'
import { median } from '../statistics/samples.js'
import { fitScalability } from '../statistics/trend.js'
import { makeStream, type Stream } from '../workload/stream.js'
import { at, type Findings, type Suite, type SuiteContext, sampled, single } from './suite.js'

export const scaling: Suite = { name: 'scaling', title: 'Throughput over threads', run }

/** One way to set up the cache. What an axis is not asked to vary stays as createCache chooses it. */
interface Setting {
  readonly label: string
  readonly options: Readonly<Record<string, unknown>>
}

interface Axes {
  readonly reads: readonly number[]
  readonly skews: readonly number[]
  readonly settings: readonly Setting[]
}

function axes(context: SuiteContext): Axes {
  const plain: Setting = { label: '', options: {} }
  const alone: Setting = { label: ', no owner', options: { owners: 0 } }
  const shards = (count: number): Setting => ({ label: `, ${count} shards`, options: { shards: count } })
  return {
    reads: at(context, [0.95], [1, 0.9], [1, 0.95, 0.5]),
    skews: at(context, [0.99], [0.99], [0, 0.99]),
    settings: at(context, [plain], [plain, shards(4)], [plain, alone, shards(2), shards(4), shards(8)]),
  }
}

async function run(context: SuiteContext): Promise<Findings> {
  const { field, threads } = context
  const { reads, skews, settings } = axes(context)
  const entries = at(context, 500, 50_000, 200_000)
  const rows: Row[] = []
  const charts: LineChart[] = []
  const skipped: Skipped[] = []
  // One in each thread, as programs have it today: it shares nothing, and no thread sees what another has set.
  const alone = field.rivals.filter(({ name }) => name === 'lru-cache')
  const taking = [
    ...field.ours.flatMap((rival) => settings.map((setting) => ({ rival, setting }))),
    ...alone.map((rival) => ({ rival, setting: { label: ', one a thread', options: {} } })),
  ]
  let step = 0
  let own = Number.POSITIVE_INFINITY
  const steps = reads.length * skews.length * taking.length * threads.length
  for (const share of reads) {
    for (const skew of skews) {
      const what = `${Math.round(share * 100)} % reads, ${skew === 0 ? 'all keys alike' : `Zipf ${skew}`}`
      const stream = makeStream({
        requests: at(context, 5000, 200_000, 500_000),
        keys: entries,
        mix: { read: share, update: 1 - share },
        skew,
        seed: context.seed,
      })
      const series: { name: string; points: [number, number][] }[] = []
      for (const { rival, setting } of taking) {
        const name = `${rival.name}${setting.label}`
        const points: [number, number][] = []
        for (const count of threads) {
          context.tell(`${what}, ${name}, ${count} thread${count > 1 ? 's' : ''}`, step++ / steps)
          const { samples, ended, overhead } = await throughput(context, rival, setting, stream, entries, count)
          own = Math.min(own, overhead)
          points.push(...samples.map((sample): [number, number] => [count, sample]))
          const one = points.filter(([workers]) => workers === threads[0]).map(([, sample]) => sample)
          const gain = median(samples) / median(one)
          rows.push({
            case: `${what}, ${count} thread${count > 1 ? 's' : ''}`,
            subject: name,
            ours: rival.ours,
            ended,
            measures: {
              throughput: sampled(samples, '1/s', 'higher'),
              ...(count === threads[0] ? {} : { [`of ${threads[0]}`]: single(gain, '×', 'higher') }),
            },
          })
        }
        series.push({
          name,
          points: threads.map((count) => [
            count,
            median(points.filter(([workers]) => workers === count).map(([, sample]) => sample)),
          ]),
        })
        const law = fitScalability(points)
        if (law === undefined)
          skipped.push({ what: `${what}, ${name}: scalability law`, reason: 'needs two counts of threads' })
        else {
          rows.push({
            case: `${what}: scalability law`,
            subject: name,
            ours: rival.ours,
            measures: {
              contention: single(law.contention, 'ratio'),
              coherency: single(law.coherency, 'ratio'),
              'one thread': single(law.rate, '1/s'),
            },
          })
        }
      }
      charts.push({ title: what, x: { label: 'threads' }, y: { label: 'requests a second', unit: '1/s' }, series })
    }
  }
  return {
    rows,
    charts,
    skipped,
    notes: [
      `One cache, ${entries.toLocaleString('en')} strings of 100 bytes, near caches off; every thread sends requests as fast as it can; making keys and values takes ${Math.round(own)} ns of each. Nothing is evicted, so owners have little to do: "no owner" shows what having none changes.`,
      'The law: contention is the share of work that only one thread can do at a time, coherency what each pays for every other.',
      ...(Math.max(...threads) > availableParallelism()
        ? ['More threads than cores: beyond the cores, throughput can only stand still.']
        : []),
    ],
  }
}

async function throughput(
  context: SuiteContext,
  rival: Rival,
  setting: Setting,
  stream: Stream,
  entries: number,
  threads: number,
) {
  const budget = rival.bound === 'bytes' ? Math.max(2 ** 24, entries * 400) : entries * 2
  const { subjects, ended, overhead } = await runBenchmark({
    subjects: [subjectOf(rival, { mode: rival.ours ? 'copy' : 'reference', budget, ttl: 0, more: setting.options })],
    workload: stream,
    threads,
    slice: at(context, 10, 200, 500),
    ramp: at(context, 1, 20, 50),
    coolDown: at(context, 2, 20, 50),
    warmUp: at(context, 1, 500, 2000),
    precision: context.precision,
    budget: context.budget / 2,
    leastRounds: at(context, 2, 5, 5),
    mostRounds: at(context, 2, 20, 50),
    seed: context.seed,
  })
  return { samples: subjects[0]!.samples, ended, overhead }
}
