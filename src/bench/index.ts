// The public surface of the benchmark runner: for caches and for functions of the user's own. Importing it measures nothing.
export { type CompareSettings, type Comparison, compareReports, hasRegressed } from './results/compare.js'
export { type Environment, environment } from './results/environment.js'
export type { BenchReport, LineChart, Measure, Row, Skipped, SuiteResult, Unit } from './results/result.js'
export type { OpenArrivals } from './runner/arrivals.js'
export {
  type BenchmarkProgress,
  type BenchmarkResult,
  type BenchmarkSettings,
  type Latencies,
  type Metric,
  runBenchmark,
  type SubjectResult,
} from './runner/benchmark.js'
export {
  compareFunctions,
  type FunctionResult,
  type FunctionSettings,
  type FunctionsResult,
  type TimedFunction,
} from './runner/functions.js'
export type { HostMemory } from './runner/host.js'
export type { RequestCounts } from './runner/requester.js'
export type { Ended, WarmUp } from './runner/rounds.js'
export type {
  BenchmarkCache,
  BenchmarkFunction,
  BenchmarkRequest,
  Open,
  OpenContext,
  Opened,
  Subject,
} from './runner/target.js'
export type { ValueKind } from './runner/values.js'
export { type PairedRatio, pairedRatio, welch } from './statistics/difference.js'
export { type Summary, summarize } from './statistics/samples.js'
export { fitScalability, type Scalability } from './statistics/trend.js'
export type { SizeLaw } from './workload/sizes.js'
export { type AskName, type Mix, makeStream, type Stream, type StreamSettings } from './workload/stream.js'
