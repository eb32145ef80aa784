// The entry 'ostraka/metrics': several caches of a process for collectors of metrics. Importing it observes nothing.
export type { HistogramSample, Labels, MetricFamily, MetricSample } from '../stats/families.js'
export { prometheusContentType } from '../stats/prometheus.js'
export { type Meter, type ObservableInstrument, observeCaches } from './opentelemetry.js'
export { type MeasuredCache, prometheusMetrics } from './registry.js'
