// Metrics of several caches as one text. Touches the caches that it is given, reading.
import { OstrakaError } from '../errors.js'
import { show } from '../options/validate.js'
import { type Labels, type MetricFamily, mergedFamilies } from '../stats/families.js'
import { prometheusText } from '../stats/prometheus.js'

/** What a cache is here. */
export interface MeasuredCache {
  measure(): MetricFamily[]
}

const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/

/**
 * The Prometheus text of all these caches, to be served with `prometheusContentType`; `labels` are added to every sample. Throws OSTRAKA_ERR_CLOSED where one
 * is closed, and OSTRAKA_ERR_INVALID_ARGUMENT for names that are no labels.
 */
export function prometheusMetrics(caches: readonly MeasuredCache[], labels: Labels = {}): string {
  for (const [name, value] of Object.entries(labels)) {
    if (LABEL.test(name) && typeof value === 'string') continue
    throw new OstrakaError(
      'OSTRAKA_ERR_INVALID_ARGUMENT',
      `a label is a name with a string, got ${name}: ${show(value)}`,
    )
  }
  const families = mergedFamilies(caches.map((cache) => cache.measure()))
  return prometheusText(families, labels)
}
