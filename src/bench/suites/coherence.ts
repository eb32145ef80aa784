// How late threads see what another has set: reads that still yield something older after the set has returned, and the time until the new
// one is seen. May touch: worker threads.
import { Worker } from 'node:worker_threads'
import { Caller } from '../../demo/calls.js'
import type { Row } from '../results/result.js'
import { type Mode, type Rival, type RivalOptions, subjectOf, titleOf } from '../rivals/rival.js'
import { quantile } from '../statistics/samples.js'
import { type CoherenceTask, type Seen, Word } from './coherence-protocol.js'
import type { CoherenceAnswers } from './coherence-thread.js'
import { at, type Findings, type Suite, type SuiteContext, single } from './suite.js'

export const coherence: Suite = { name: 'coherence', title: 'How late threads see what another has set', run }

async function run(context: SuiteContext): Promise<Findings> {
  const { ours, rivals } = context.field
  const rows: Row[] = []
  // Rivals that threads share, and one that they do not, for what that means.
  const others = rivals.filter(({ shared, name }) => (shared && name !== 'lmdb') || name === 'lru-cache')
  const all =
    context.scale === 'smoke' ? [...ours.slice(0, 1), ...others.filter(({ shared }) => !shared)] : [...ours, ...others]
  for (const [step, rival] of all.entries()) {
    for (const mode of rival.ours ? rival.modes : rival.modes.slice(0, 1)) {
      context.tell(titleOf(rival, mode), step / all.length)
      rows.push(await measure(context, rival, mode))
    }
  }
  return {
    rows,
    notes: [
      'One thread sets one key, two read it all the time. "Stale" are reads that began after the set had returned and yielded something older: ours promises that there is none. The lag is the time from then until a thread first saw the new value; where there are more threads than cores it is mostly the wait for a core.',
      ...(rivals.some(({ name }) => name === 'lru-cache')
        ? ['lru-cache is one in each thread: it hears of another thread never, until its time to live is over.']
        : []),
    ],
  }
}

async function measure(context: SuiteContext, rival: Rival, mode: Mode): Promise<Row> {
  const prepared = await rival.prepare?.(0)
  const readers = 2
  const workers: Worker[] = []
  try {
    const budget = rival.bound === 'bytes' ? 2 ** 22 : 1000
    const options: RivalOptions = { mode, budget, ttl: 0, ...(prepared ? { socket: prepared.socket } : {}) }
    const subject = subjectOf(rival, options)
    const words = new Int32Array(new SharedArrayBuffer(64))
    const since = new BigInt64Array(new SharedArrayBuffer(8))
    const callers = Array.from({ length: readers + 1 }, (_, thread) => {
      const workerData: CoherenceTask = { subject, thread, threads: readers + 1, words, since }
      const worker = new Worker(new URL('./coherence-thread.js', import.meta.url), { workerData })
      workers.push(worker)
      return new Caller<CoherenceAnswers>('a thread of the coherence suite', worker)
    })
    const [writer, ...others] = callers as [(typeof callers)[0], ...typeof callers]
    await Promise.all(callers.map((caller) => caller.ask('open', undefined)))
    const seen = others.map((caller) => caller.ask('read', undefined))
    await writer.ask('write', { versions: at(context, 20, 500, 2000), pause: 1 })
    return rowOf(rival, mode, await Promise.all(seen), words[Word.version]!)
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
    await prepared?.stop()
  }
}

function rowOf(rival: Rival, mode: Mode, seen: readonly Seen[], versions: number): Row {
  const sum = (field: 'reads' | 'stale') => seen.reduce((total, one) => total + one[field], 0)
  const lags = seen.flatMap(({ lags }) => lags)
  const lag = (share: number) =>
    lags.length === 0
      ? {}
      : { [share === 1 ? 'longest' : `lag p${share * 100}`]: single(quantile(lags, share), 'ms', 'lower') }
  return {
    case: 'one writer, two readers',
    subject: titleOf(rival, mode),
    ours: rival.ours,
    measures: {
      stale: single(sum('stale'), 'count', 'lower'),
      reads: single(sum('reads'), 'count'),
      'seen of': single(lags.length / seen.length / versions, 'ratio'),
      ...lag(0.5),
      ...lag(0.99),
      ...lag(1),
    },
  }
}
