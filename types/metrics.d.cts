// The types for `require('ostraka/metrics')`: those of the ESM entry. Whatever value src/metrics/index.ts exports has to stand here, too.
import type * as metrics from '../dist/metrics/index.js' with { 'resolution-mode': 'import' }

export type * from '../dist/metrics/index.js' with { 'resolution-mode': 'import' }

export declare const observeCaches: typeof metrics.observeCaches
export declare const prometheusContentType: typeof metrics.prometheusContentType
export declare const prometheusMetrics: typeof metrics.prometheusMetrics
