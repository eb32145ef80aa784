// Hot keys that were set together and so expire together, again and again, in front of a source that answers few queries at a time: how often
// it is asked, by how many at once, and how long callers wait. May touch: worker threads.
import { Worker } from 'node:worker_threads'
import { Caller } from '../../demo/calls.js'
import type { Row, Skipped } from '../results/result.js'
import { quantile } from '../statistics/samples.js'
import { askers } from './stampede-askers.js'
import { Source, type StampedeTask } from './stampede-protocol.js'
import type { StampedeAnswers } from './stampede-thread.js'
import { at, type Findings, type Suite, type SuiteContext, single } from './suite.js'

export const stampede: Suite = { name: 'stampede', title: 'Hot keys that expire together', run }

const queryMs = 20
const atOnce = 20
const perSecond = 8000

async function run(context: SuiteContext): Promise<Findings> {
  const keys = at(context, 20, 200, 200)
  const ttl = at(context, 100, 1000, 1000)
  const milliseconds = at(context, 150, 1500, 4000)
  const rows: Row[] = []
  const skipped: Skipped[] = []
  const wanted = new Set(context.field.rivals.map(({ package: from }) => from))
  // Loading caches that are no rivals elsewhere come with those that are.
  const others = ['cacheable', 'async-cache-dedupe']
  const names = Object.entries(askers)
    .filter(([, { ours, rival }]) => ours || wanted.has(rival) || (wanted.size > 0 && others.includes(rival!)))
    .map(([name]) => name)
  const taking =
    context.scale === 'smoke' ? names.filter((name) => ['ostraka', 'lru-cache fetch'].includes(name)) : names
  const counts = context.scale === 'full' ? [1, 2] : [2]
  for (const [index, threads] of counts.entries()) {
    for (const [step, name] of taking.entries()) {
      context.tell(
        `${name}, ${threads} thread${threads > 1 ? 's' : ''}`,
        (index + step / taking.length) / counts.length,
      )
      try {
        rows.push(await measure(name, threads, { keys, ttl }, milliseconds))
      } catch (error) {
        const { message } = error as Error
        if (!message.includes('npm install')) throw error
        if (index === 0) skipped.push({ what: name, reason: message })
      }
    }
  }
  return {
    rows,
    skipped,
    notes: [
      `${keys} keys that expire together every ${ttl} ms; ${perSecond.toLocaleString('en')} requests a second over all threads, for ${milliseconds} ms; a query takes ${queryMs} ms, and the source does ${atOnce} at once. Latencies count from when a request was due.`,
    ],
  }
}

async function measure(
  asker: string,
  threads: number,
  { keys, ttl }: { keys: number; ttl: number },
  milliseconds: number,
): Promise<Row> {
  const source = new Int32Array(new SharedArrayBuffer(64))
  const workerData: StampedeTask = { asker, threads, keys, ttl, queryMs, atOnce, source }
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./stampede-thread.js', import.meta.url), { workerData }),
  )
  const callers = workers.map((worker) => new Caller<StampedeAnswers>('a thread of the stampede', worker))
  try {
    await Promise.all(callers.map((caller) => caller.ask('open', undefined)))
    source.fill(0)
    const run = { milliseconds, perSecond: perSecond / threads, patience: 3000 }
    const latencies = (await Promise.all(callers.map((caller) => caller.ask('run', run)))).flatMap((list) => [...list])
    return {
      case: `${threads} thread${threads > 1 ? 's' : ''}`,
      subject: asker,
      ours: askers[asker]!.ours,
      measures: {
        queries: single(source[Source.queries]!, 'count', 'lower'),
        'most at once': single(source[Source.most]!, 'count', 'lower'),
        p50: single(quantile(latencies, 0.5), 'ms', 'lower'),
        p99: single(quantile(latencies, 0.99), 'ms', 'lower'),
        longest: single(quantile(latencies, 1), 'ms', 'lower'),
      },
    }
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}
