// Metrics of caches as instruments of OpenTelemetry: one batch callback, which reads the caches when the program's own reader collects. Needs no package:
// the meter is the caller's, and described here by what is used of it. Touches that meter.
import type { Labels, MetricFamily } from '../stats/families.js'
import type { MeasuredCache } from './registry.js'

/** What `@opentelemetry/api` calls an observable; opaque here. */
export type ObservableInstrument = object

/** As much of a meter of `@opentelemetry/api` as is used. */
export interface Meter {
  createObservableCounter(name: string, options: { description: string; unit?: string }): ObservableInstrument
  createObservableGauge(name: string, options: { description: string; unit?: string }): ObservableInstrument
  addBatchObservableCallback(callback: never, instruments: never): void
  removeBatchObservableCallback(callback: never, instruments: never): void
}

interface BatchResult {
  observe(instrument: ObservableInstrument, value: number, attributes: Labels): void
}

/**
 * Observes the caches through the meter until the returned function is called; a cache that is closed is left out from then on. Names are those of the Prometheus text with
 * dots and without `_total`; of latencies, whose buckets OpenTelemetry has no observable for, the count and the sum are told.
 */
export function observeCaches(meter: Meter, caches: readonly MeasuredCache[]): () => void {
  const instruments = new Map<string, ObservableInstrument>()
  const families = () => caches.flatMap(measured)
  for (const family of families()) {
    for (const { name, type } of instrumentsOf(family)) {
      if (instruments.has(name)) continue
      const options = { description: family.help, ...unitOf(name) }
      const isCounter = type === 'counter'
      instruments.set(
        name,
        isCounter ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options),
      )
    }
  }
  const callback = (result: BatchResult) => {
    for (const family of families()) {
      for (const { name, samples } of instrumentsOf(family)) {
        const instrument = instruments.get(name)
        if (instrument === undefined) continue
        for (const { labels, value } of samples) result.observe(instrument, value, labels)
      }
    }
  }
  const all = [...instruments.values()]
  meter.addBatchObservableCallback(callback as never, all as never)
  return () => meter.removeBatchObservableCallback(callback as never, all as never)
}

function measured(cache: MeasuredCache): MetricFamily[] {
  try {
    return cache.measure()
  } catch {
    return []
  }
}

interface Instrument {
  readonly name: string
  readonly type: 'counter' | 'gauge'
  readonly samples: readonly { readonly labels: Labels; readonly value: number }[]
}

function instrumentsOf(family: MetricFamily): Instrument[] {
  const name = family.name.replace(/_total$/, '').replace('ostraka_', 'ostraka.')
  if (family.type !== 'histogram') return [{ name, type: family.type, samples: family.samples }]
  const counts = family.samples.map(({ labels, counts: all }) => ({ labels, value: all[all.length - 1] ?? 0 }))
  const sums = family.samples.map(({ labels, sum }) => ({ labels, value: sum }))
  return [
    { name: `${name.replace(/_seconds$/, '')}_count`, type: 'counter', samples: counts },
    { name, type: 'counter', samples: sums },
  ]
}

function unitOf(name: string): { unit?: string } {
  if (name.endsWith('seconds')) return { unit: 's' }
  return name.endsWith('bytes') ? { unit: 'By' } : {}
}
