// The types for `require('ostraka/bench')`: those of the ESM entry. Whatever value src/bench/index.ts exports has to stand here, too.
import type * as bench from '../dist/bench/index.js' with { 'resolution-mode': 'import' }

export type * from '../dist/bench/index.js' with { 'resolution-mode': 'import' }

export declare const compareFunctions: typeof bench.compareFunctions
export declare const compareReports: typeof bench.compareReports
export declare const environment: typeof bench.environment
export declare const fitScalability: typeof bench.fitScalability
export declare const hasRegressed: typeof bench.hasRegressed
export declare const makeStream: typeof bench.makeStream
export declare const pairedRatio: typeof bench.pairedRatio
export declare const runBenchmark: typeof bench.runBenchmark
export declare const summarize: typeof bench.summarize
export declare const welch: typeof bench.welch
