// What is noted of loads when they end, and what subscribers of node:diagnostics_channel hear of them, in the thread where they run. Touches its
// channels, which cost nothing without subscribers, and the thread's observer.
import { channel, tracingChannel } from 'node:diagnostics_channel'
import type { Flight } from './flight.js'

/** On 'ostraka:load:start': a loader is about to be called. */
export interface LoadStarted {
  readonly cache: string
  /** The namespace's own name; undefined for the cache itself. */
  readonly namespace: string | undefined
  /** As the caller gave it. */
  readonly key: string
  /** Nobody waited for it when it began: it renews a value. */
  readonly background: boolean
}

/** On 'ostraka:load:end': it has come to its end, or has been given up. */
export interface LoadEnded extends LoadStarted {
  /**
   * 'kept'; 'refused': there is a value, which is not kept, because something was changed meanwhile, or there is no room, or it is not wanted;
   * 'nothing': the loader had none; 'failed'; 'aborted': nobody waited any more, or the handle was closed.
   */
  readonly outcome: 'kept' | 'refused' | 'nothing' | 'failed' | 'aborted'
  readonly milliseconds: number
  /** What it failed with. */
  readonly error?: unknown
}

const started = channel('ostraka:load:start')
const ended = channel('ostraka:load:end')
/** For tracers: 'tracing:ostraka:load:start', ':end', ':asyncStart', ':asyncEnd' and ':error', each with one object for the load's whole life. */
const traced = tracingChannel<unknown, LoadTrace>('ostraka:load')

/** What subscribers of the tracing channel are given; `outcome`, `milliseconds` and `error` once they are known. */
export interface LoadTrace extends LoadStarted {
  outcome?: LoadEnded['outcome']
  milliseconds?: number
  error?: unknown
}

export function tellStart(flight: Flight): void {
  if (started.hasSubscribers) started.publish(describe(flight))
}

/** Calls the loader so that tracers see it begin, and what it starts as its children. */
export function traceLoad<T>(flight: Flight, work: () => T): T {
  if (!isTraced()) return work()
  const trace: LoadTrace = { ...describe(flight) }
  flight.trace = trace
  return traced.start.runStores(trace, () => {
    try {
      return work()
    } finally {
      traced.end.publish(trace)
    }
  })
}

function isTraced(): boolean {
  const { start, end, asyncStart, asyncEnd, error } = traced
  return [start, end, asyncStart, asyncEnd, error].some(({ hasSubscribers }) => hasSubscribers)
}

/** Notes how long it took. Runs subscribers: only where nothing is half done. */
export function tellEnd(flight: Flight, outcome: LoadEnded['outcome'], error?: unknown): void {
  if (flight.began === 0) return
  const milliseconds = performance.now() - flight.began
  flight.view.owner.observer.loaded(milliseconds, flight.key, outcome === 'failed')
  if (flight.trace !== undefined) {
    const trace: LoadTrace = Object.assign(flight.trace as LoadTrace, { outcome, milliseconds })
    if (outcome === 'failed') {
      trace.error = error
      traced.error.publish(trace)
    }
    traced.asyncStart.publish(trace)
    traced.asyncEnd.publish(trace)
  }
  if (!ended.hasSubscribers) return
  const message: LoadEnded = { ...describe(flight), outcome, milliseconds, ...(outcome === 'failed' ? { error } : {}) }
  ended.publish(message)
}

function describe({ view, shown, background }: Flight): LoadStarted {
  return { cache: view.cache, namespace: view.namespace, key: shown, background }
}
