// What an entry takes in resident memory beyond its key and value, and whether memory grows while entries come and go. Each contender in a
// process of its own. May touch: child processes.
import type { Row, Skipped } from '../results/result.js'
import { type Rival, subjectOf } from '../rivals/rival.js'
import { type Host, startProcess } from '../runner/host.js'
import { keyOf } from '../runner/values.js'
import { trend } from '../statistics/trend.js'
import { makeStream, type Stream } from '../workload/stream.js'
import { modesOf } from './micro.js'
import { at, type Findings, type Suite, type SuiteContext, single } from './suite.js'

export const memory: Suite = { name: 'memory', title: 'Resident memory', run }

const valueBytes = 100

async function run(context: SuiteContext): Promise<Findings> {
  const { field } = context
  const entries = at(context, 20_000, 200_000, 1_000_000)
  const all = [...field.ours, ...field.rivals]
  // To prove that it runs: one of ours and one other.
  const taking = context.scale === 'smoke' ? [all[0], field.rivals[0]].filter((rival) => rival !== undefined) : all
  const rows: Row[] = []
  const skipped: Skipped[] = []
  const steps = taking.length * 2
  for (const [step, rival] of taking.entries()) {
    context.tell(`${rival.name}, an entry`, step / steps)
    rows.push(await perEntry(context, rival, entries))
  }
  for (const [step, rival] of taking.entries()) {
    context.tell(`${rival.name}, coming and going`, (taking.length + step) / steps)
    if (rival.bound === 'none')
      skipped.push({ what: `${rival.name}, while entries come and go`, reason: 'it has no bound' })
    else rows.push(await churn(context, rival))
  }
  return {
    rows,
    skipped,
    notes: [
      `Growth of a process from before the cache was opened until ${entries.toLocaleString('en')} strings of ${valueBytes} bytes are in it under keys of ${keyOf(0).length}, garbage collected; a server's own memory is added. Ours without its owner thread, which takes some MiB whatever the cache holds.`,
      'While entries come and go: the trend over cycles of new entries, each as many as there is room for.',
    ],
  }
}

async function open(
  context: SuiteContext,
  rival: Rival,
  stream: Stream,
  budget: number,
  more?: Record<string, unknown>,
) {
  const [mode] = modesOf(rival, 'string') as ['copy' | 'reference']
  const prepared = await rival.prepare?.(rival.bound === 'bytes' ? budget : 0)
  const stop = async () => prepared?.stop()
  try {
    const host = await startProcess({
      subject: subjectOf(rival, {
        mode,
        budget,
        ttl: 0,
        ...(prepared ? { socket: prepared.socket } : {}),
        ...(more ? { more } : {}),
      }),
      stream,
      requests: { values: 'string', fill: true, keys: 'fresh' },
      threads: 1,
      connections: 1,
      seed: context.seed,
    })
    return { host, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function perEntry(context: SuiteContext, rival: Rival, entries: number): Promise<Row> {
  const stream = makeStream({
    requests: entries,
    keys: entries,
    mix: { insert: 1 },
    sizes: { law: 'fixed', bytes: valueBytes },
  })
  // Inserts begin behind the keys that are there: here nothing is there before.
  stream.keys.forEach((key, index) => {
    stream.keys[index] = key - entries
  })
  const budget = rival.bound === 'bytes' ? entries * (rival.ours ? 220 : 400) + 2 ** 22 : entries
  const bound = rival.ours ? { maxEntries: entries, owners: 0 } : undefined
  const { host, stop } = await open(context, rival, { ...stream, keySpace: entries }, budget, bound)
  try {
    await host.run(requests(entries))
    const { resident, outside, entries: held } = await host.memory()
    const count = held || entries
    const whole = (resident + outside) / count
    return {
      case: `an entry, of ${entries.toLocaleString('en')}`,
      subject: rival.name,
      ours: rival.ours,
      measures: {
        'beyond key and value': single(whole - valueBytes - keyOf(0).length, 'bytes', 'lower'),
        'in all': single(whole, 'bytes', 'lower'),
        entries: single(count, 'count'),
      },
    }
  } finally {
    await host.close()
    await stop()
  }
}

const requests = (count: number) => ({
  requests: count,
  ramp: 0,
  coolDown: 0,
  drain: 0,
  atOnce: 64,
  sampleEvery: 1024,
  seed: 1,
})

async function churn(context: SuiteContext, rival: Rival): Promise<Row> {
  const room = at(context, 2 ** 21, 2 ** 23, 2 ** 26)
  const entries = Math.floor(room / (valueBytes + keyOf(0).length + rival.guessedOverhead))
  const cycles = at(context, 3, 5, 12)
  // Never the same key again before many cycles have passed.
  const length = Math.min(2 ** 22, entries * (cycles + 3))
  const stream = makeStream({
    requests: length,
    keys: 1,
    mix: { insert: 1 },
    sizes: { law: 'fixed', bytes: valueBytes },
  })
  const { host, stop } = await open(context, rival, stream, rival.bound === 'bytes' ? room : entries)
  try {
    const { values, perCycle, leaks } = await growth(host, cycles, entries)
    return {
      case: 'entries that come and go',
      subject: rival.name,
      ours: rival.ours,
      measures: {
        'growth a cycle': single(perCycle, 'bytes', 'lower'),
        'first cycle': single(values[0]!, 'bytes'),
        'last cycle': single(values.at(-1)!, 'bytes'),
        'budget as bytes': single(room, 'bytes'),
      },
      ...(leaks ? { note: 'grows from cycle to cycle' } : {}),
    }
  } finally {
    await host.close()
    await stop()
  }
}

export interface Growth {
  /** Resident bytes after each cycle. */
  readonly values: readonly number[]
  readonly perCycle: number
  /** It grows by more than a twentieth over all cycles, and chance alone would rarely make it so. */
  readonly leaks: boolean
}

/** Resident memory after each of some cycles of as many requests, of which the first two only fill what there is to fill. */
export async function growth(host: Pick<Host, 'run' | 'memory'>, cycles: number, perCycle: number): Promise<Growth> {
  await host.run(requests(perCycle * 2))
  const values: number[] = []
  for (let cycle = 0; cycle < cycles; cycle++) {
    await host.run(requests(perCycle))
    const { resident, outside } = await host.memory()
    values.push(resident + outside)
  }
  const { slope, p, relativeChange } = trend(values)
  return { values, perCycle: slope, leaks: p < 0.01 && relativeChange > 0.05 }
}
