// What a loader is given, and which load the running code belongs to. Touches the flight it is made for.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { Flight } from './flight.js'
import { type LoadContext, readTtlSet } from './load-options.js'
import { checkTags } from './tags.js'

/** The load whose loader the running code was called by, across everything asynchronous. */
export const running = new AsyncLocalStorage<Flight>()

const contexts = new WeakMap<Flight, LoadContext>()

/** The context of the load that the running code belongs to; undefined outside of loaders. For functions given to `wrap`. */
export function currentLoad(): LoadContext | undefined {
  const flight = running.getStore()
  return flight === undefined ? undefined : contexts.get(flight)
}

/**
 * Runs work later in the asynchronous context of now. What AsyncLocalStorage.snapshot() does, which takes 30 µs in Node 20: more than all else
 * of a load.
 */
export function captureContext(): <R>(work: () => R) => R {
  const resource = new AsyncResource('OSTRAKA_LOAD')
  return (work) => resource.runInAsyncScope(work)
}

export function contextOf(flight: Flight): LoadContext {
  const context = new FlightContext(flight)
  contexts.set(flight, context)
  return context
}

class FlightContext implements LoadContext {
  readonly key: string
  readonly setTtl: LoadContext['setTtl']
  readonly setTags: LoadContext['setTags']
  readonly skip: LoadContext['skip']
  readonly #flight: Flight
  #stale: unknown
  #looked = false

  constructor(flight: Flight) {
    this.#flight = flight
    this.key = flight.shown
    // Own functions, so that they may be taken out of the context.
    this.setTtl = (ttl) => {
      flight.ttl = readTtlSet(ttl)
    }
    this.setTags = (tags) => {
      checkTags(tags, 'setTags')
      flight.tags = [...tags]
    }
    this.skip = () => {
      flight.skipped = true
      return undefined
    }
  }

  get signal(): AbortSignal {
    return this.#flight.signal
  }

  get stale(): unknown {
    const { view, key, state } = this.#flight
    if (!this.#looked && state !== 'over' && view.owner.open) this.#stale = view.entries.lookUp(key)
    this.#looked = true
    return this.#stale
  }
}
