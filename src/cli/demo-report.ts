// What the demo has measured, for people, in 80 columns. May touch: nothing but its arguments.
import { defaultOrigin } from '../demo/origin.js'
import { type ContenderResult, type DemoResult, type DemoSettings, rounds } from '../demo/run.js'
import type { ContenderName } from '../demo/store.js'
import { workload } from '../demo/workload.js'
import { bold, count, dim, duration, fields, short, size, table, wrap, yellow } from './text.js'

const share = (part: number) => `${part * 100} %`

export function settingsReport(settings: DemoSettings): string {
  const { threads, seconds, seed, warmUp, connections } = settings
  const { items, skew, churn, scans, medianBytes } = workload
  const { median, concurrency } = defaultOrigin
  return `${bold(`ostraka demo: an HTTP server on ${threads} worker thread${threads > 1 ? 's' : ''} before a slow origin`)}\n${fields(
    [
      [
        'workload',
        `Zipf ${skew} over ${count(items)} items, ${share(churn)} of requests bring a new one, ${share(scans)} are scans; ` +
          `bodies of ${medianBytes} bytes (median, log-normal); seed ${seed}`,
      ],
      ['origin', `a thread that takes ${median} ms a load (median, log-normal) and does ${concurrency} at once`],
      [
        'load',
        `${connections} keep-alive connections on 127.0.0.1; ${rounds} rounds of ${seconds / rounds} s against each ` +
          `contender in turn, all filled before with the same ${short(warmUp)} requests`,
      ],
    ],
  )}\n`
}

const name = (contender: ContenderName, threads: number): string =>
  ({ native: 'shared, native', js: 'shared, pure JS', 'lru-cache': `lru-cache × ${threads}`, none: 'no cache' })[
    contender
  ]

const mebibytes = (bytes: number) => String(Math.round(bytes / 2 ** 20))

/** Milliseconds with as many digits as mean something. */
const milliseconds = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(value < 9.95 ? 1 : 0))

export function demoReport(result: DemoResult): string {
  const { contenders, settings } = result
  const parts = [
    comparisonTable(result),
    legend(result),
    conclusion(contenders),
    singleThreadReport(result),
    dim(
      `In all ${Math.round(result.seconds)} s. More: ostraka demo --serve, --threads ${settings.threads * 2}; docs/guarantees.md`,
    ),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function comparisonTable({ contenders, skipped, settings }: DemoResult): string {
  const header = ['', '>req/s', '>p50', '>p99', '>p99.9', '>hit %', '>loads', '>/1000', '>pause', '>MiB', '>peak']
  const rows = contenders.map((row) => [
    name(row.contender, settings.threads),
    count(row.requestsPerSecond),
    milliseconds(row.latency.p50),
    milliseconds(row.latency.p99),
    milliseconds(row.latency.p999),
    (row.hitRatio * 100).toFixed(1),
    count(row.originLoads),
    row.loadsPerThousand.toFixed(0),
    milliseconds(row.longestPause),
    mebibytes(row.resident),
    mebibytes(row.residentPeak),
  ])
  const left = skipped.flatMap(({ contender, reason }) =>
    wrap(`${name(contender, settings.threads)}: left out, ${reason}`, 80).map(yellow),
  )
  return [table(header, rows), ...left].join('\n')
}

function legend({ calibrations, settings }: DemoResult): string {
  const budgets = calibrations.map(({ contender, budget, resident }) => {
    const given = contender === 'lru-cache' ? `${count(budget)} entries each` : size(budget)
    return `${name(contender, settings.threads)} with ${given} took ${mebibytes(resident)} MiB`
  })
  return fields([
    ['p50 …', 'milliseconds until a client has its answer'],
    ['loads', 'that the origin did, in all and for 1,000 requests'],
    ['pause', 'milliseconds for which a server thread stood still at most'],
    ['MiB', 'resident memory of the process at the end, without garbage'],
    ['peak', 'MiB under load, with garbage that V8 has not collected yet'],
    ...(budgets.length > 0
      ? [['budget', `measured in processes of their own before: ${budgets.join('; ')}`] as const]
      : []),
  ])
}

function conclusion(contenders: readonly ContenderResult[]): string {
  const lru = contenders.find(({ contender }) => contender === 'lru-cache')
  const shared = contenders.find(({ contender }) => contender === 'native' || contender === 'js')
  const about =
    'A client asks again as soon as it is answered: who answers more keeps the cores busier, which shows in p50.'
  if (lru === undefined || shared === undefined) return wrap(about, 80).join('\n')
  const times = (ratio: number) => bold(`${ratio.toFixed(2)}×`)
  return wrap(
    `In the same memory, one shared cache made ${times(shared.loadsPerThousand / lru.loadsPerThousand)} the origin loads of one ` +
      `lru-cache per thread, and answered ${times(shared.requestsPerSecond / lru.requestsPerSecond)} the requests. ${about}`,
    80,
  ).join('\n')
}

function singleThreadReport({ singleThread: { objects, times } }: DemoResult): string {
  const lru = times.find(({ contender }) => contender === 'lru-cache')
  const ratio = (own: number, other: number | undefined) =>
    other === undefined || own === other ? '' : `${(own / other).toFixed(1)}×`
  const rows = times.map(({ contender, get, set }) => [
    contender === 'lru-cache' ? 'lru-cache' : name(contender, 1),
    duration(get),
    ratio(get, lru?.get),
    duration(set),
    ratio(set, lru?.set),
  ])
  const slower = lru !== undefined && times.some(({ get, set }) => get > lru.get || set > lru.set)
  const title = slower ? 'Where sharing does not pay' : 'Where sharing has least to offer'
  const advice = slower ? '\nA program like this one has no use for a shared cache: take lru-cache.' : ''
  const heading = bold(`${title}: one thread, ${count(objects)} hot objects`)
  return `${heading}\n${table(['', '>get', '>', '>set', '>'], rows)}${advice}`
}
