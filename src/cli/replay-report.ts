// What a replay has measured, for people. May touch: nothing but its arguments.
import type { LatencySummary, ReplayResult } from '../replay/run.js'
import type { Trace } from '../traces/trace.js'
import { bold, count, dim, duration, fields, percent, short, size, table } from './text.js'

export function traceLine(trace: Trace): string {
  const what = trace.format === 'generated' ? 'skewed, with churn and scans' : trace.format
  return `${bold(trace.name)}: ${count(trace.requests)} requests for ${count(trace.keys)} keys (${what})`
}

export function runReport(result: ReplayResult): string {
  const threads = `${result.threads} thread${result.threads > 1 ? 's' : ''}`
  const bounds = [
    size(result.maxBytes),
    ...(result.maxEntries > 0 ? [`${count(result.maxEntries)} entries`] : []),
    result.valueBytes === 'as in the trace' ? 'values as in the trace' : `values of ${size(result.valueBytes)}`,
  ]
  const rows: [string, string][] = [
    ['hit ratio', `${bold(percent(result.hitRatio))} of requests, ${percent(result.byteHitRatio)} of bytes`],
    [
      'speed',
      `${bold(short(result.operationsPerSecond))} operations/s, ${count(result.requests)} requests in ${duration(result.seconds * 1e9)}`,
    ],
    ['get', latencies(result.get)],
    ['set', latencies(result.set)],
    ['entries', `${count(result.entries)}, ${count(result.evictions)} evicted${notKept(result)}`],
    ['memory', memory(result)],
    ['resident', `${size(result.resident.before)} before, ${size(result.resident.after)} after, of the whole process`],
  ]
  const why = dim(` (${result.engineReason})`)
  rows.unshift(['cache', `${result.policy}, ${bounds.join(', ')}`])
  return `${bold(`${result.engine} engine`)}${why}${bold(`, ${threads}`)}\n${fields(rows)}`
}

function notKept({ notKept, expired, refused }: ReplayResult): string {
  const parts = expired > 0 ? [`${count(expired)} expired`] : []
  if (notKept > 0) {
    const { tooLarge, noRoom, paused } = refused
    const reasons = Object.entries({ 'too large': tooLarge, 'no room': noRoom, 'a paused thread': paused })
    const why = reasons.filter(([, sets]) => sets > 0).map(([reason, sets]) => `${count(sets)} ${reason}`)
    parts.push(`${count(notKept)} sets not kept${why.length > 0 ? ` (${why.join(', ')})` : ''}`)
  }
  return parts.map((part) => `, ${part}`).join('')
}

function memory({ sharedBytes, entries, bytesPerEntry, payloadPerEntry }: ReplayResult): string {
  const shared = `${size(sharedBytes)} shared`
  if (entries === 0) return shared
  const payload = payloadPerEntry.toFixed(1)
  if (Number.isNaN(bytesPerEntry)) return `${shared}, not full; ${payload} bytes of key and value an entry`
  return `${shared}, ${bold(bytesPerEntry.toFixed(1))} bytes an entry (${payload} of key and value)`
}

function latencies({ samples, p50, p99, p999 }: LatencySummary): string {
  if (samples === 0) return 'none'
  const text = `p50 ${duration(p50).padEnd(8)} p99 ${duration(p99).padEnd(8)} p99.9 ${duration(p999)}`
  return `${text}${dim(`  (${short(samples)} timed)`)}`
}

export function runsTable(results: readonly ReplayResult[]): string {
  const header = ['trace', 'engine', '>thr', '>hit %', '>byte %', '>Mop/s', '>get p50', '>p99', '>p99.9', '>B/ent']
  const rows = results.map((result) => [
    result.trace.length > 10 ? `${result.trace.slice(0, 9)}…` : result.trace,
    result.engine,
    String(result.threads),
    (result.hitRatio * 100).toFixed(2),
    (result.byteHitRatio * 100).toFixed(2),
    (result.operationsPerSecond / 1e6).toFixed(2),
    duration(result.get.p50),
    duration(result.get.p99),
    duration(result.get.p999),
    Number.isFinite(result.bytesPerEntry) ? result.bytesPerEntry.toFixed(0) : '–',
  ])
  return table(header, rows)
}
