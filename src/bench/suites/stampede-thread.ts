// One thread of a stampede: asks for hot keys at a constant rate, and is the way to its share of a slow source. May touch: the asker.
import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import { answer } from '../../demo/calls.js'
import { systemClock } from '../runner/clock.js'
import { type Ask, askers } from './stampede-askers.js'
import { Source, type StampedeTask } from './stampede-protocol.js'

const { asker, threads, keys, ttl, queryMs, atOnce, source } = workerData as StampedeTask

/** Those that wait for a place, and this thread's free places. */
const line: (() => void)[] = []
let free = Number.POSITIVE_INFINITY

async function query(key: string): Promise<object> {
  Atomics.add(source, Source.queries, 1)
  const now = Atomics.add(source, Source.now, 1) + 1
  if (now > Atomics.load(source, Source.most)) Atomics.store(source, Source.most, now)
  if (free > 0) free--
  else await new Promise<void>((resolve) => line.push(resolve))
  await sleep(queryMs)
  const next = line.shift()
  if (next === undefined) free++
  else next()
  Atomics.sub(source, Source.now, 1)
  return { key, at: Date.now() }
}

let ask: Ask

const answers = {
  open: async () => {
    ask = await askers[asker]!.open(query, ttl)
    // All keys at once, by a source that is not busy yet; not counted. So they also expire together.
    await Promise.all(Array.from({ length: keys }, (_, key) => ask(`key ${key}`)))
    free = atOnce / threads
  },

  /** Milliseconds of each request, from when it was due. What is not answered `patience` after the end has waited at least that long. */
  run: async ({ milliseconds, perSecond, patience }: { milliseconds: number; perSecond: number; patience: number }) => {
    const latencies = new Float64Array(Math.ceil((milliseconds * perSecond) / 1000))
    const begun = performance.now()
    const answered: Promise<void>[] = []
    const one = async (at: number, due: number) => {
      await ask(`key ${(at * 7919) % keys}`)
      latencies[at] = performance.now() - due
    }
    for (let at = 0; at < latencies.length; at++) {
      const due = begun + (at * 1000) / perSecond
      if (performance.now() < due) await systemClock.until(due)
      answered.push(one(at, due))
    }
    const waiting = new AbortController()
    await Promise.race([Promise.all(answered), systemClock.until(performance.now() + patience, waiting.signal)])
    waiting.abort()
    return latencies.map((latency) => latency || patience)
  },
}
export type StampedeAnswers = typeof answers

answer(parentPort!, answers)
