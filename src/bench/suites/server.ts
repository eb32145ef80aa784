// Caches behind a web server on worker threads and a slow origin, as in the demo: as many requests as it can answer, by autocannon, and
// latencies at a rate that it has no say in. May touch: child processes, ports of 127.0.0.1.
import { type CalibrationTask, findBudget, firstBudget, measureBudget } from '../../demo/calibrate.js'
import { defaultOrigin } from '../../demo/origin.js'
import { type Contender, startContender, stopContender } from '../../demo/processes.js'
import { type ContenderName, contenderNames, isMissing } from '../../demo/store.js'
import { demoRequests, keyOf } from '../../demo/workload.js'
import type { Row, Skipped } from '../results/result.js'
import { imported, RivalMissing } from '../rivals/rival.js'
import { runBenchmark } from '../runner/benchmark.js'
import type { Subject } from '../runner/target.js'
import type { HttpClientOptions } from './http-client.js'
import { at, type Findings, type Suite, type SuiteContext, sampled, single } from './suite.js'

export const server: Suite = { name: 'server', title: 'Behind a web server', run }

const connections = 48

interface Running {
  readonly name: ContenderName
  readonly contender: Contender
}

/** What is used of autocannon, which has no types of its own. */
type Autocannon = (options: object) => Promise<{
  readonly requests: { readonly total: number; readonly sent: number }
  readonly duration: number
  readonly errors: number
  readonly non2xx: number
}>

async function run(context: SuiteContext): Promise<Findings> {
  const threads = at(context, 1, 2, 2)
  const skipped: Skipped[] = []
  const warmUp = at(context, 2000, 100_000, 300_000)
  const requests = demoRequests(warmUp + at(context, 5000, 200_000, 400_000), context.seed)
  const warming = requests.slice(0, warmUp)
  const paths = Array.from(requests.subarray(warmUp), (request) => `/${keyOf(request)}`)
  const running: Running[] = []
  try {
    const budgets = await budgetsFor(
      context,
      { threads, origin: { ...defaultOrigin, seed: context.seed }, warming },
      skipped,
    )
    for (const [name, budget] of budgets) {
      context.tell(`filling ${name}`, 0.3)
      const contender = await startContender({
        threads,
        store: { contender: name, budget },
        origin: { ...defaultOrigin, seed: context.seed },
      })
      running.push({ name, contender })
      await contender.caller.ask('warm', warming)
    }
    const rows = await closed(context, running, paths, skipped)
    rows.push(...(await open(context, running, paths)))
    return {
      rows,
      skipped,
      notes: [
        `${threads} server thread${threads > 1 ? 's' : ''}; bodies of some 500 bytes; an origin that takes ${defaultOrigin.median} ms a load (median) and does ${defaultOrigin.concurrency} at once; ${connections} keep-alive connections. Clients run on the same machine.`,
        'Closed: a client asks again as soon as it is answered, so that a slow server is asked less. Open: requests come at a constant rate, and latencies count from when each was due.',
      ],
    }
  } finally {
    await Promise.all(
      running.map(({ contender }) => stopContender(contender).catch(() => contender.child.kill('SIGKILL'))),
    )
  }
}

/** Budgets at which all take as much resident memory as the first; guessed where it is only to be proved that it runs. */
async function budgetsFor(
  context: SuiteContext,
  task: CalibrationTask,
  skipped: Skipped[],
): Promise<[ContenderName, number][]> {
  const bytes = at(context, 2 ** 22, 2 ** 24, 2 ** 26)
  const wanted = contenderNames.filter((name) => {
    if (name === 'none') return true
    if (name === 'lru-cache') return context.field.rivals.some((rival) => rival.name === 'lru-cache')
    return context.field.ours.some((rival) => rival.name === `ostraka ${name}`)
  })
  // To prove that it runs: one of ours and one other.
  const taking =
    context.scale === 'smoke'
      ? [...wanted.filter(ours).slice(0, 1), ...wanted.filter((name) => !ours(name)).slice(0, 1)]
      : wanted
  const found: [ContenderName, number][] = []
  let resident: number | undefined
  for (const name of taking) {
    context.tell(`memory of ${name}`, 0.05)
    try {
      const first = firstBudget(name, bytes, task.threads)
      if (name === 'none' || context.scale === 'smoke') found.push([name, name === 'none' ? 0 : first])
      else if (resident === undefined) {
        resident = (await measureBudget(name, first, task)).resident
        found.push([name, first])
      } else found.push([name, (await findBudget(name, bytes, resident, task)).budget])
    } catch (error) {
      if (!isMissing(error)) throw error
      skipped.push({ what: name, reason: error.message })
    }
  }
  return found
}

const title = (name: ContenderName) =>
  ({ native: 'ostraka native', js: 'ostraka js', 'lru-cache': 'lru-cache, one a thread', none: 'no cache' })[name]
const ours = (name: ContenderName) => name === 'native' || name === 'js'

async function closed(
  context: SuiteContext,
  running: readonly Running[],
  paths: readonly string[],
  skipped: Skipped[],
): Promise<Row[]> {
  let autocannon: Autocannon
  try {
    // Its name in a variable: there are no types for it to find.
    const name = 'autocannon'
    autocannon = ((await imported(name, () => import(name))) as { default: Autocannon }).default
  } catch (error) {
    if (!(error instanceof RivalMissing)) throw error
    skipped.push({ what: 'closed loop', reason: error.message })
    return []
  }
  const seconds = at(context, 1, 1, 2)
  const rounds = at(context, 1, 3, 7)
  const counts = running.map(() => ({ rates: [] as number[], hits: 0, asked: 0, loads: 0, longest: 0, failed: 0 }))
  let next = 0
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, contender }] of running.entries()) {
      context.tell(`closed loop, ${title(name)}`, 0.4 + (0.3 * round) / rounds)
      await contender.caller.ask('begin', undefined)
      const results = await Promise.all(
        contender.ports.map((port) =>
          autocannon({
            url: `http://127.0.0.1:${port}`,
            connections: Math.ceil(connections / contender.ports.length),
            // It knows whole seconds only.
            duration: seconds,
            requests: [{ setupRequest: (request: object) => ({ ...request, path: paths[next++ % paths.length] }) }],
          }),
        ),
      )
      const { hits, misses, loads, longestPause } = await contender.caller.ask('end', undefined)
      const count = counts[index]!
      count.rates.push(results.reduce((sum, { requests, duration }) => sum + requests.total / duration, 0))
      count.hits += hits
      count.asked += hits + misses
      count.loads += loads
      count.longest = Math.max(count.longest, longestPause)
      count.failed += results.reduce((sum, { errors, non2xx }) => sum + errors + non2xx, 0)
    }
  }
  return running.map(({ name }, index) => {
    const { rates, hits, asked, loads, longest, failed } = counts[index]!
    return {
      case: 'closed loop',
      subject: title(name),
      ours: ours(name),
      measures: {
        throughput: sampled(rates, '1/s', 'higher'),
        'hit ratio': single(asked === 0 ? 0 : hits / asked, 'ratio', 'higher'),
        'loads of 1,000': single(asked === 0 ? 0 : (loads / asked) * 1000, 'count', 'lower'),
        'longest pause': single(longest, 'ms', 'lower'),
      },
      ...(failed > 0 ? { note: `${failed} failed requests` } : {}),
    }
  })
}

async function open(context: SuiteContext, running: readonly Running[], paths: readonly string[]): Promise<Row[]> {
  const rows: Row[] = []
  const rates = at(context, [100], [500, 1500], [500, 1000, 2000])
  const some = paths.slice(0, 50_000)
  for (const [step, perSecond] of rates.entries()) {
    context.tell(`${perSecond} requests a second`, 0.7 + (0.3 * step) / rates.length)
    const subjects = running.map(({ name, contender }): Subject => {
      const options: HttpClientOptions = { ports: contender.ports, paths: some }
      return { name: title(name), module: new URL('./http-client.js', import.meta.url).href, options }
    })
    const result = await runBenchmark({
      subjects,
      workload: { requests: 1000, keys: 1, mix: { read: 1 } },
      arrivals: { perSecond },
      connections,
      prefill: false,
      warmUp: at(context, 1, 500, 1000),
      slice: at(context, 200, 1000, 2000),
      ramp: at(context, 20, 200, 300),
      coolDown: at(context, 10, 100, 200),
      precision: context.precision,
      budget: context.budget,
      leastRounds: at(context, 1, 3, 5),
      mostRounds: at(context, 1, 4, 15),
      seed: context.seed,
    })
    for (const [index, { name, samples, latencies, counts, unanswered, throughput }] of result.subjects.entries()) {
      const lost = counts.failed + unanswered
      rows.push({
        case: `open, ${perSecond.toLocaleString('en')} requests a second`,
        subject: name,
        ours: ours(running[index]!.name),
        ended: result.ended,
        measures: {
          p99: sampled(samples, 'ns', 'lower'),
          p50: single(latencies.p50, 'ns', 'lower'),
          'p99.9': single(latencies.p999, 'ns', 'lower'),
          longest: single(latencies.most, 'ns', 'lower'),
          sent: single(throughput.median, '1/s'),
        },
        ...(lost > 0 ? { note: `${lost} requests failed or were not answered` } : {}),
      })
    }
  }
  return rows
}
