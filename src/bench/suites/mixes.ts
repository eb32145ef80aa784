// Whole workloads at equal resident memory, a cache that cannot hold everything, a process each: YCSB A to F; requests as Twitter's clusters
// got them, with times to live and deletes; and what brings caches down. May touch: child processes.
import type { Row, Skipped } from '../results/result.js'
import { type Budget, findBudget, type MemoryTask } from '../rivals/equal-memory.js'
import { type Mode, type Rival, type RivalOptions, subjectOf, titleOf } from '../rivals/rival.js'
import { type BenchmarkResult, runBenchmark } from '../runner/benchmark.js'
import type { Subject } from '../runner/target.js'
import { keyOf, type ValueKind } from '../runner/values.js'
import { adversaries } from '../workload/adversaries.js'
import type { Stream } from '../workload/stream.js'
import { makeStream } from '../workload/stream.js'
import { twitterClusters, twitterStream } from '../workload/twitter.js'
import { ycsbMixes, ycsbRecordBytes, ycsbStream } from '../workload/ycsb.js'
import { modesOf } from './micro.js'
import { at, type Findings, type Suite, type SuiteContext, sampled, single } from './suite.js'

export const mixes: Suite = { name: 'mixes', title: 'Workloads at equal resident memory', run }

/** Milliseconds that a load takes which a hit saves: an answer of a near database. */
const missCost = 1

interface Contender {
  readonly rival: Rival
  readonly mode: Mode
  /** What it takes for an entry beside key and value, measured; undefined where its budget is bytes. */
  readonly overhead: number | undefined
}

async function run(context: SuiteContext): Promise<Findings> {
  const memory = at(context, 2 ** 21, 12 * 2 ** 20, 2 ** 26)
  const rows: Row[] = []
  const skipped: Skipped[] = []
  const bounded = (rival: Rival) => rival.bound !== 'none'
  const { ours, rivals } = context.field
  const all = [...ours, ...rivals.filter(bounded)]
  for (const rival of rivals.filter((rival) => !bounded(rival))) {
    skipped.push({ what: rival.name, reason: 'it has no bound: it would hold everything' })
  }
  const taking = context.scale === 'smoke' ? [...ours.slice(0, 1), ...rivals.filter(({ follows }) => follows)] : all

  const objects = await contenders(context, taking, 'object', memory, 0)
  let overhead = Number.POSITIVE_INFINITY
  const ycsb = at(context, ycsbMixes.slice(0, 1), ycsbMixes, ycsbMixes)
  for (const [step, of] of ycsb.entries()) {
    context.tell(of.name, 0.2 + (0.3 * step) / ycsb.length)
    // Three times as many records as there is room for.
    const keys = Math.floor((memory * 3) / (ycsbRecordBytes + 100))
    const stream = ycsbStream(of, at(context, 5000, 200_000, 500_000), keys, context.seed)
    const result = await throughput(context, stream, objects, memory)
    overhead = Math.min(overhead, result.overhead)
    rows.push(...rowsOf(`${of.name}: ${of.what}`, result, objects))
  }

  const strings = await contenders(context, taking, 'string', memory, 0.5)
  const floods = at(context, adversaries.slice(0, 1), adversaries, adversaries)
  for (const [step, of] of floods.entries()) {
    context.tell(of.name, 0.6 + (0.15 * step) / floods.length)
    const keys = Math.floor((memory * 2) / 300)
    const stream = of.make(at(context, 5000, 300_000, 2_000_000), keys, context.seed)
    rows.push(...hitRows(`${of.name}: ${of.what}`, await once(context, stream, strings, memory, false), strings))
  }

  const following = strings.filter(({ rival }) => rival.follows)
  for (const { rival } of strings.filter(({ rival }) => !rival.follows)) {
    skipped.push({ what: `${rival.name}, Twitter's clusters`, reason: 'its time cannot come from the workload' })
  }
  const clusters = at(context, twitterClusters.slice(0, 1), twitterClusters, twitterClusters)
  for (const [step, of] of clusters.entries()) {
    context.tell(`Twitter ${of.cluster}`, 0.75 + (0.25 * step) / clusters.length)
    const requests = at(context, 5000, 300_000, 2_000_000)
    // Keys of the week, so that the stream is a good part of it and holds more than there is room for.
    const keys = Math.max(
      1000,
      Math.round(Math.max((memory * 4) / (of.valueBytes + 100), requests / of.meanFrequency / 2)),
    )
    const stream = twitterStream(of, requests, keys, context.seed)
    rows.push(
      ...hitRows(
        `Twitter ${of.cluster}: values of ${of.valueBytes} bytes`,
        await once(context, stream, following, memory, true),
        following,
      ),
    )
  }
  return {
    rows,
    skipped,
    notes: [
      `Budgets at which each takes ${Math.round(memory / 2 ** 20)} MiB of resident memory, found by measuring; "memory" is what it then took in each case. A read that misses is followed by a set. Of the time of a request of YCSB, making keys and records takes ${Math.round(overhead)} ns.`,
      `"with loads" adds ${missCost} ms for every read that misses: what a request costs behind a source that takes so long.`,
      "Twitter's clusters run on the workload's own clock, which the cache follows: hours of it pass in seconds, and times to live count.",
    ],
  }
}

/** Each of ours and of the rivals in every mode, with what an entry of it takes. */
async function contenders(
  context: SuiteContext,
  taking: readonly Rival[],
  kind: ValueKind,
  memory: number,
  done: number,
): Promise<Contender[]> {
  const valueBytes = kind === 'object' ? ycsbRecordBytes : 200
  const keys = Math.floor((memory * 3) / (valueBytes + 100))
  const stream = makeStream({
    requests: 50_000,
    keys,
    mix: { read: 1 },
    skew: 0.5,
    sizes: { law: 'fixed', bytes: valueBytes },
  })
  const task: MemoryTask = { stream, values: kind, filling: keys * 2, ttl: 0 }
  const found: Contender[] = []
  for (const [step, rival] of taking.entries()) {
    const modes = kind === 'object' ? rival.modes : modesOf(rival, 'string')
    for (const mode of context.scale === 'smoke' ? modes.slice(0, 1) : modes) {
      context.tell(`memory of ${titleOf(rival, mode)}`, done + (0.2 * step) / taking.length)
      if (rival.bound === 'bytes') found.push({ rival, mode, overhead: undefined })
      else if (context.scale === 'smoke') found.push({ rival, mode, overhead: rival.guessedOverhead })
      else {
        const budget: Budget = await findBudget(
          rival,
          mode,
          memory,
          valueBytes + keyOf(0).length,
          task,
          at(context, 0, 1, 2),
        )
        found.push({ rival, mode, overhead: memory / budget.budget - valueBytes - keyOf(0).length })
      }
    }
  }
  return found
}

/** Strings are handed out as they are by all: there are no copies to speak of. */
const nameOf = ({ rival, mode }: Contender, kind: ValueKind) => (kind === 'object' ? titleOf(rival, mode) : rival.name)

async function withSubjects(
  stream: Stream,
  kind: ValueKind,
  taking: readonly Contender[],
  memory: number,
  follow: boolean,
  use: (subjects: Subject[]) => Promise<BenchmarkResult>,
): Promise<BenchmarkResult> {
  const meanBytes = stream.sizes.reduce((sum, bytes) => sum + bytes, 0) / stream.length + keyOf(0).length
  const stops: (() => Promise<void>)[] = []
  try {
    const subjects: Subject[] = []
    for (const { rival, mode, overhead } of taking) {
      const budget =
        overhead === undefined ? memory : Math.max(1, Math.floor(memory / (meanBytes + Math.max(overhead, 0))))
      const prepared = await rival.prepare?.(rival.bound === 'bytes' ? budget : 0)
      if (prepared) stops.push(() => prepared.stop())
      const options: RivalOptions = {
        mode,
        budget,
        ttl: 0,
        ...(follow ? { follow: true } : {}),
        ...(prepared ? { socket: prepared.socket } : {}),
        // The near cache is memory, too: an eighth of what there is.
        ...(rival.ours && mode === 'reference'
          ? {
              budget: Math.floor(memory * 0.8),
              more: { near: { maxEntries: 100_000, maxBytes: Math.floor(memory / 8) } },
            }
          : {}),
      }
      subjects.push(subjectOf(rival, options, nameOf({ rival, mode, overhead }, kind)))
    }
    return await use(subjects)
  } finally {
    for (const stop of stops) await stop()
  }
}

/** In turn, until it is sure who is faster. */
function throughput(
  context: SuiteContext,
  stream: Stream,
  taking: readonly Contender[],
  memory: number,
): Promise<BenchmarkResult> {
  return withSubjects(stream, 'object', taking, memory, false, (subjects) =>
    runBenchmark({
      subjects,
      workload: stream,
      values: 'object',
      isolate: true,
      connections: 8,
      depth: 4,
      slice: at(context, 10, 150, 400),
      ramp: at(context, 1, 10, 20),
      warmUp: at(context, 1, 1000, 4000),
      precision: context.precision,
      budget: context.budget,
      leastRounds: at(context, 2, 5, 5),
      mostRounds: at(context, 2, 10, 40),
      seed: context.seed,
    }),
  )
}

/** The whole stream once, from empty: what is hit is the question, not how fast. */
function once(
  context: SuiteContext,
  stream: Stream,
  taking: readonly Contender[],
  memory: number,
  follow: boolean,
): Promise<BenchmarkResult> {
  return withSubjects(stream, 'string', taking, memory, follow, (subjects) =>
    runBenchmark({
      subjects,
      workload: stream,
      values: 'string',
      isolate: true,
      connections: 8,
      depth: 4,
      prefill: false,
      requests: stream.length,
      warmUp: 0,
      leastRounds: 1,
      mostRounds: 1,
      seed: context.seed,
    }),
  )
}

function rowsOf(name: string, { subjects, ended }: BenchmarkResult, taking: readonly Contender[]): Row[] {
  return subjects.map((subject, index) => {
    const { latencies, hitRatio, memory } = subject
    const misses = 1 - hitRatio
    return {
      case: name,
      subject: subject.name,
      ours: taking[index]!.rival.ours,
      copies: taking[index]!.mode === 'copy',
      ended,
      measures: {
        throughput: sampled(subject.samples, '1/s', 'higher'),
        'hit ratio': single(hitRatio, 'ratio', 'higher'),
        'with loads': single(1e9 / subject.throughput.median + misses * missCost * 1e6, 'ns', 'lower'),
        p99: single(latencies.p99, 'ns', 'lower'),
        'p99.9': single(latencies.p999, 'ns', 'lower'),
        memory: single(memory!.resident + memory!.outside, 'bytes'),
      },
      ...faults(subject.counts),
    }
  })
}

function hitRows(name: string, { subjects }: BenchmarkResult, taking: readonly Contender[]): Row[] {
  return subjects.map((subject, index) => ({
    case: name,
    subject: subject.name,
    ours: taking[index]!.rival.ours,
    measures: {
      'hit ratio': single(subject.hitRatio, 'ratio', 'higher'),
      throughput: single(subject.throughput.median, '1/s', 'higher'),
      memory: single(subject.memory!.resident + subject.memory!.outside, 'bytes'),
      entries: single(subject.memory!.entries, 'count'),
    },
    ...faults(subject.counts),
  }))
}

function faults({ wrong, failed }: { wrong: number; failed: number }): { note: string } | Record<never, never> {
  return wrong + failed > 0 ? { note: `${wrong} wrong values, ${failed} failed requests` } : {}
}
