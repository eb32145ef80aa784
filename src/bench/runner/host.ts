// Where a subject lives while it is measured: in the calling thread, in worker threads of this process, or in a process of its own, so that
// its memory can be told and no other subject's garbage is collected on its time. May touch: worker threads, child processes.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Caller } from '../../demo/calls.js'
import { LatencyHistogram } from '../../replay/latency.js'
import type { Stream } from '../workload/stream.js'
import type { OpenArrivals } from './arrivals.js'
import type { Slice, SliceResult } from './drive.js'
import type { HostAnswers } from './host-process.js'
import { Load, type LoadTask } from './load.js'
import type { LoadThreadAnswers } from './load-thread.js'
import { addCounts, noCounts, type RequesterSettings } from './requester.js'
import { settledResident } from './resident.js'
import type { Subject } from './target.js'

export interface HostTask {
  readonly subject: Subject
  readonly stream: Stream
  readonly requests: RequesterSettings
  readonly threads: number
  readonly connections: number
  readonly seed: number
}

/** Bytes of the whole process, and of what lies outside it. */
export interface HostMemory {
  readonly resident: number
  readonly outside: number
  readonly entries: number
}

/** The rate and the count of requests are those of all threads together. */
export interface Host {
  /** Sets every key once. */
  fill(): Promise<void>
  run(slice: Slice): Promise<SliceResult>
  /** Once it stands still, or after so many looks. Default 15, a tenth of a second apart. */
  memory(looks?: number): Promise<HostMemory>
  close(): Promise<void>
}

/** One thread's share of a slice for several. */
export function shareOf(slice: Slice, thread: number, threads: number): Slice {
  const { arrivals, requests } = slice
  const open: OpenArrivals | undefined = arrivals && { ...arrivals, perSecond: arrivals.perSecond / threads }
  const share = requests === undefined ? {} : { requests: Math.ceil(requests / threads) }
  return { ...slice, ...share, arrivals: open, seed: slice.seed + thread }
}

/** Seconds are those of the longest; rates of threads that ran at the same time add up. */
export function merged(results: readonly SliceResult[]): SliceResult {
  const counts = noCounts()
  const latencies = new ArrayBuffer(results[0]!.latencies.byteLength)
  const histogram = new LatencyHistogram(latencies)
  for (const result of results) {
    addCounts(counts, result.counts)
    histogram.add(new LatencyHistogram(result.latencies))
  }
  const sum = (field: 'requests' | 'unanswered') => results.reduce((total, result) => total + result[field], 0)
  const most = (field: 'seconds' | 'latest') => Math.max(...results.map((result) => result[field]))
  const rate = results.reduce((total, { requests, seconds }) => total + requests / seconds, 0)
  const requests = sum('requests')
  return {
    requests,
    seconds: rate > 0 ? requests / rate : most('seconds'),
    counts,
    latencies,
    unanswered: sum('unanswered'),
    latest: most('latest'),
  }
}

export async function startHost(task: HostTask): Promise<Host> {
  return task.threads > 1 || task.subject.open === undefined ? startThreads(task) : startHere(task)
}

async function startHere(task: HostTask): Promise<Host> {
  const { connections, seed } = task
  const load = await Load.open({ ...task, context: { thread: 0, threads: 1, connections, seed } })
  return {
    fill: () => load.fill(0, 1),
    run: (slice) => load.run(slice),
    memory: async (looks) => ({ resident: await settledResident(looks), ...(await load.state()) }),
    close: () => load.close(),
  }
}

async function startThreads(task: HostTask): Promise<Host> {
  const { threads, connections, seed } = task
  const workers = Array.from({ length: threads }, (_, thread) => {
    const workerData: LoadTask = { ...task, context: { thread, threads, connections, seed } }
    return new Worker(new URL('./load-thread.js', import.meta.url), { workerData })
  })
  const callers = workers.map((worker) => new Caller<LoadThreadAnswers>('a load thread', worker))
  const all = <T>(ask: (caller: Caller<LoadThreadAnswers>, thread: number) => Promise<T>) =>
    Promise.all(callers.map(ask))
  try {
    await all((caller) => caller.ask('open', undefined))
  } catch (error) {
    await Promise.all(workers.map((worker) => worker.terminate()))
    throw error
  }
  return {
    fill: async () => {
      await all((caller, thread) => caller.ask('fill', { first: thread, step: threads }))
    },
    run: async (slice) => {
      const gate = new Int32Array(new SharedArrayBuffer(8))
      return merged(await all((caller, thread) => caller.ask('run', { slice: shareOf(slice, thread, threads), gate })))
    },
    memory: async (looks) => {
      const resident = await settledResident(looks, async () => {
        const empty = await all((caller) => caller.ask('collect', undefined))
        return empty.reduce((sum, bytes) => sum + bytes, 0)
      })
      const states = await all((caller) => caller.ask('state', undefined))
      return {
        resident,
        outside: Math.max(...states.map(({ outside }) => outside)),
        entries: Math.max(...states.map(({ entries }) => entries)),
      }
    },
    close: async () => {
      await all((caller) => caller.ask('close', undefined))
      await Promise.all(callers.map(({ exited }) => exited))
    },
  }
}

/** Half of V8's young generation: left to itself it grows by steps that chance decides, and no two runs would take the same memory. */
const youngMegabytes = 8
export const steadyHeap = [`--min-semi-space-size=${youngMegabytes}`, `--max-semi-space-size=${youngMegabytes}`]

/**
 * Forks the file of a URL, with the collector within reach and without the variable that would overrule a subject's engine. It is killed when
 * this process ends, however it ends; unless it has something to put away itself once it finds that it has been left alone.
 */
export function forkFile(url: URL, flags: readonly string[], putsAway = false): ChildProcess {
  const { OSTRAKA_ENGINE: _, ...env } = process.env
  const child = fork(fileURLToPath(url), {
    execArgv: ['--expose-gc', ...flags],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env,
  })
  if (putsAway) return child
  // A busy child would not notice for a while that it has been left alone.
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

/** A host in a process of its own, which also tells what the collector of its main thread does. */
export interface ProcessHost extends Host {
  /** Milliseconds of so many full collections. */
  collections(count: number): Promise<number[]>
  /** Pauses since it was asked last, in milliseconds. */
  pauses(): Promise<Pauses>
}

export interface Pauses {
  readonly count: number
  readonly total: number
  readonly longest: number
}

/** The subject must be given by its module. */
export async function startProcess(task: HostTask): Promise<ProcessHost> {
  const child = forkFile(new URL('./host-process.js', import.meta.url), steadyHeap)
  const caller = new Caller<HostAnswers>(`the process of ${task.subject.name}`, child)
  try {
    await caller.ask('start', { ...task, stream: unshared(task.stream) })
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
  return {
    fill: () => caller.ask('fill', undefined),
    run: (slice) => caller.ask('run', slice),
    memory: () => caller.ask('memory', undefined),
    collections: (count) => caller.ask('collections', count),
    pauses: () => caller.ask('pauses', undefined),
    close: async () => {
      await caller.ask('close', undefined).catch(() => {})
      child.kill('SIGKILL')
      await caller.exited
    },
  }
}

/** Shared memory does not go through a pipe. */
function unshared(stream: Stream): Stream {
  return {
    ...stream,
    asks: stream.asks.slice(),
    keys: stream.keys.slice(),
    sizes: stream.sizes.slice(),
    ttls: stream.ttls?.slice(),
    times: stream.times?.slice(),
  }
}
