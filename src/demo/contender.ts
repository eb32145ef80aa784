// A contender's process: one origin thread, the server threads, and this thread, which starts them and reads the resident memory of them
// all. Forked by the demo; ends when the demo does. May touch: its worker threads, its own resident memory (reading).
import { setTimeout as wait } from 'node:timers/promises'
import { MessageChannel, Worker } from 'node:worker_threads'
import { answer, Caller } from './calls.js'
import type { OriginSettings } from './origin.js'
import type { OriginAnswers, OriginTask } from './origin-thread.js'
import type { ServerAnswers, ServerTask } from './server-thread.js'
import type { StoreSettings } from './store.js'

export interface ContenderTask {
  readonly threads: number
  readonly store: StoreSettings
  readonly origin: OriginSettings
}

/** One slice of load, over all server threads. */
export interface SliceCounts {
  readonly hits: number
  readonly misses: number
  /** Loads that the origin was asked for. */
  readonly loads: number
  /** Milliseconds. */
  readonly longestPause: number
  /** Bytes, of the whole process. */
  readonly residentPeak: number
}

let origin: Caller<OriginAnswers>
const servers: Caller<ServerAnswers>[] = []
let loadsBefore = 0
let peak = 0
let watch: NodeJS.Timeout | undefined

const gc = (globalThis as { gc?: () => void }).gc

function start(file: string, task: OriginTask | ServerTask, transferList: readonly MessageChannel['port1'][]) {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: task, transferList: [...transferList] })
  return new Caller<never>(file, worker)
}

const all = <T>(ask: (server: Caller<ServerAnswers>) => Promise<T>) => Promise.all(servers.map(ask))

function look(): void {
  peak = Math.max(peak, process.memoryUsage.rss())
}

const answers = {
  start: async ({ threads, store, origin: settings }: ContenderTask) => {
    const channels = Array.from({ length: threads }, () => new MessageChannel())
    const ports = channels.map(({ port1 }) => port1)
    origin = start('./origin-thread.js', { settings, ports }, ports) as Caller<OriginAnswers>
    for (const [thread, { port2 }] of channels.entries()) {
      const task: ServerTask = { thread, store, origin: port2 }
      servers.push(start('./server-thread.js', task, [port2]) as Caller<ServerAnswers>)
    }
    const listening = await all((server) => server.ask('listen', undefined))
    return { ports: listening.map(({ port }) => port), engine: listening[0]!.engine }
  },

  exercise: async (items: number) => {
    await all((server) => server.ask('exercise', items))
  },

  warm: async (given: Uint32Array) => {
    const requests = new Uint32Array(new SharedArrayBuffer(given.byteLength))
    requests.set(given)
    const next = new Int32Array(new SharedArrayBuffer(4))
    return Math.max(...(await all((server) => server.ask('warm', { requests, next }))))
  },

  begin: async () => {
    loadsBefore = await origin.ask('loads', undefined)
    await all((server) => server.ask('begin', undefined))
    peak = 0
    look()
    watch = setInterval(look, 100)
  },

  end: async (): Promise<SliceCounts> => {
    clearInterval(watch)
    look()
    const counts = await all((server) => server.ask('end', undefined))
    const sum = (field: 'hits' | 'misses') => counts.reduce((total, count) => total + count[field], 0)
    return {
      hits: sum('hits'),
      misses: sum('misses'),
      loads: (await origin.ask('loads', undefined)) - loadsBefore,
      longestPause: Math.max(...counts.map(({ longestPause }) => longestPause)),
      residentPeak: peak,
    }
  },

  /** Bytes that are resident once no garbage is left, and the entries that a thread can reach. */
  resident: async () => {
    let entries = 0
    let resident = Number.POSITIVE_INFINITY
    for (let round = 0; round < 10; round++) {
      const before = resident
      entries = Math.max(...(await all((server) => server.ask('collect', undefined))))
      gc?.()
      // V8 gives pages back from threads of its own.
      await wait(150)
      resident = process.memoryUsage.rss()
      if (Math.abs(before - resident) < 2 ** 19) break
    }
    return { resident, entries }
  },

  stop: async () => {
    await all((server) => server.ask('close', undefined))
    await origin.ask('close', undefined)
    await Promise.all([...servers, origin].map(({ exited }) => exited))
  },
}
export type ContenderAnswers = typeof answers

answer(process, answers)
// Ctrl-C reaches every process of the terminal; this one ends when the demo has let go of it, however that ended.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
