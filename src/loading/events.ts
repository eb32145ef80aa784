// What is noted of loads when they end, and what subscribers of node:diagnostics_channel hear of them, in the thread where they run. Touches its
// channels, which cost nothing without subscribers, and the thread's observer.
import { channel } from 'node:diagnostics_channel'
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

export function tellStart(flight: Flight): void {
  if (started.hasSubscribers) started.publish(describe(flight))
}

/** Notes how long it took. Runs subscribers: only where nothing is half done. */
export function tellEnd(flight: Flight, outcome: LoadEnded['outcome'], error?: unknown): void {
  if (flight.began === 0) return
  const milliseconds = performance.now() - flight.began
  flight.view.owner.observer.loaded(milliseconds)
  if (!ended.hasSubscribers) return
  const message: LoadEnded = { ...describe(flight), outcome, milliseconds, ...(outcome === 'failed' ? { error } : {}) }
  ended.publish(message)
}

function describe({ view, shown, background }: Flight): LoadStarted {
  return { cache: view.cache, namespace: view.namespace, key: shown, background }
}
