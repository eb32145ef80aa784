// What a cache has for collectors of metrics: families of samples with labels, under names that stay (docs/observing.md lists them). Made of the
// totals, the histograms and the occupancy; touches nothing.
import { HISTOGRAM_BUCKETS } from '../engine/layout.js'
import { middleOf, timedKinds } from './histogram.js'
import type { Observed } from './observed.js'
import type { Totals } from './totals.js'

export type Labels = Readonly<Record<string, string>>

export interface MetricSample {
  readonly labels: Labels
  readonly value: number
}

/** Counts of what was at most so long, in seconds, each including those before; the last bound is infinite. */
export interface HistogramSample {
  readonly labels: Labels
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

/** Metrics of one name. Counters only grow; names end in `_total` where a collector wants them to. */
export type MetricFamily = {
  readonly name: string
  readonly help: string
} & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly MetricSample[] }
  | { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] }
)

/** What the families of one cache are made of. */
export interface MetricsSource {
  readonly name: string
  readonly engine: string
  readonly size: number
  readonly maxBytes: number
  readonly sharedBytes: number
  readonly totals: Totals
  readonly observed: Observed
}

export function familiesOf(source: MetricsSource): MetricFamily[] {
  return [...counters(source), ...gauges(source), latencies(source)]
}

function counters({ name, totals: t }: MetricsSource): MetricFamily[] {
  const counter = (metric: string, help: string, samples: readonly (readonly [Labels, number])[]): MetricFamily => ({
    name: metric,
    help,
    type: 'counter',
    samples: samples.map(([labels, value]) => ({ labels: { cache: name, ...labels }, value })),
  })
  const by = (label: string, values: Readonly<Record<string, number>>) =>
    Object.entries(values).map(([value, count]) => [{ [label]: value }, count] as const)
  const one = (metric: string, help: string, value: number) => counter(metric, help, [[{}, value]])
  return [
    counter(
      'ostraka_hits_total',
      'Reads that found a live entry, by the tier that answered.',
      by('tier', { near: t.nearHits, memory: t.hits - t.nearHits }),
    ),
    one('ostraka_misses_total', 'Reads that found nothing.', t.misses),
    one('ostraka_stored_total', 'Values stored.', t.stored),
    one('ostraka_replaced_total', 'Stored values that took the place of a live entry.', t.replaced),
    one('ostraka_refused_total', 'Conditional writes that changed nothing.', t.refused),
    counter(
      'ostraka_dropped_total',
      'Values that were not kept, by reason.',
      by('reason', { too_large: t.tooLarge, no_room: t.noRoom, paused: t.paused, not_wanted: t.notWanted }),
    ),
    counter(
      'ostraka_removed_total',
      'Entries that left, by reason.',
      by('reason', {
        deleted: t.deleted,
        taken: t.taken,
        expired: t.expired,
        invalidated: t.invalidated,
        evicted_small: t.evictedSmall,
        evicted_main: t.evictedMain,
        evicted_index: t.evictedIndex,
      }),
    ),
    one('ostraka_promoted_total', 'Entries promoted to the main queue.', t.promoted),
    one('ostraka_reinserted_total', 'Entries of the main queue that were kept on.', t.reinserted),
    one('ostraka_ghost_hits_total', 'Stored keys that had been evicted lately.', t.ghostHits),
    one('ostraka_clears_total', 'Calls that cleared the cache.', t.clears),
    one('ostraka_tag_invalidations_total', 'Tags invalidated.', t.tagInvalidations),
    counter(
      'ostraka_answers_total',
      'Answers of getOrSet and wrap, by their source.',
      by('source', { memory: t.served, stale: t.staleServed, waited: t.loadsWaited, loader: t.loads }),
    ),
    one('ostraka_load_failures_total', 'Loads that failed.', t.loadsFailed),
    one('ostraka_fills_refused_total', 'Loaded values that came too late to be kept.', t.fillsRefused),
    one('ostraka_load_seconds_total', 'Time that loaders took.', t.loadMs / 1000),
    one('ostraka_wait_seconds_total', 'Time that callers waited for loads which others ran.', t.waitMs / 1000),
    one('ostraka_saved_seconds_total', 'Time that loads would have taken which did not have to run.', t.savedMs / 1000),
    one('ostraka_batches_total', 'Calls of getMany.', t.batches),
    counter(
      'ostraka_batch_keys_total',
      'Keys of getMany, by outcome.',
      by('outcome', { hit: t.batchHits, miss: t.batchKeys - t.batchHits }),
    ),
    one('ostraka_scans_total', 'Scans that came to their end.', t.scans),
    one('ostraka_scanned_total', 'Entries that scans went through.', t.scanned),
    one('ostraka_scan_matches_total', 'Keys that scans gave.', t.scanHits),
    one('ostraka_written_bytes_total', 'Bytes of records written.', t.bytesWritten),
    one('ostraka_read_bytes_total', 'Bytes of values read from shared memory.', t.bytesRead),
    one('ostraka_relocated_bytes_total', 'Bytes of records that upkeep copied.', t.bytesRelocated),
  ]
}

function gauges({ name, engine, size, maxBytes, sharedBytes, observed }: MetricsSource): MetricFamily[] {
  const { segments, liveBytes, deadBytes, freeBytes, indexBytes } = observed.occupancy()
  const gauge = (metric: string, help: string, values: readonly (readonly [Labels, number])[]): MetricFamily => ({
    name: metric,
    help,
    type: 'gauge',
    samples: values.map(([labels, value]) => ({ labels: { cache: name, ...labels }, value })),
  })
  const states = { live: liveBytes, dead: deadBytes, free: freeBytes, index: indexBytes }
  return [
    gauge('ostraka_info', 'One for each cache, with its engine in the thread that was asked.', [[{ engine }, 1]]),
    gauge('ostraka_entries', 'Live entries.', [[{}, size]]),
    gauge('ostraka_max_bytes', 'The bound on all shared memory.', [[{}, maxBytes]]),
    gauge('ostraka_shared_bytes', 'Shared memory set aside.', [[{}, sharedBytes]]),
    gauge('ostraka_memory_bytes', 'Shared memory of the shards, by what it is full of.', labelled('state', states)),
    gauge('ostraka_peak_live_bytes', 'The most live bytes that were ever seen.', [[{}, observed.peakBytes]]),
    gauge('ostraka_segments', 'Segments, by what they are used for.', labelled('state', segments)),
  ]
}

function labelled(label: string, values: Readonly<Record<string, number>>): (readonly [Labels, number])[] {
  return Object.entries(values).map(([value, count]) => [{ [label]: value }, count])
}

/** Upper ends of the buckets that collectors see, in seconds: from 100 ns to 10 s, three a decade. */
const BOUNDS = Array.from({ length: 25 }, (_, i) => Number((10 ** (-7 + i / 3)).toPrecision(2)))

function latencies({ name, observed }: MetricsSource): MetricFamily {
  const samples: HistogramSample[] = []
  for (const [kind, operation] of timedKinds.entries()) {
    const buckets = observed.histograms.read(kind)
    if (buckets === undefined) continue
    const counts = new Array<number>(BOUNDS.length + 1).fill(0)
    let sum = 0
    let bound = 0
    for (let bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
      if (buckets[bucket] === 0) continue
      const seconds = middleOf(bucket) / 1e9
      while (bound < BOUNDS.length && seconds > (BOUNDS[bound] as number)) bound++
      counts[bound] = (counts[bound] as number) + (buckets[bucket] as number)
      sum += (buckets[bucket] as number) * seconds
    }
    for (let i = 1; i < counts.length; i++) counts[i] = (counts[i] as number) + (counts[i - 1] as number)
    samples.push({ labels: { cache: name, operation }, bounds: [...BOUNDS, Infinity], counts, sum })
  }
  const help = 'Latency of what was timed: a sample of the operations on memory, all loads and waits.'
  return { name: 'ostraka_operation_seconds', help, type: 'histogram', samples }
}

/** Families of several caches, those of one name together. */
export function mergedFamilies(all: readonly (readonly MetricFamily[])[]): MetricFamily[] {
  const byName = new Map<string, MetricFamily>()
  for (const family of all.flat()) {
    const known = byName.get(family.name)
    const samples = known === undefined ? family.samples : [...known.samples, ...family.samples]
    byName.set(family.name, { ...family, samples } as MetricFamily)
  }
  return [...byName.values()]
}
