// What every figure is measured with: interleaved rounds, medians, consumed results, one table and one JSON.
// A batched loop, not the `benchmark` package: it shows what it runs, and V8 cannot delete work whose result is summed.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import os from 'node:os'

/** Results of measured work end here, so that no compiler may leave the work out. */
export const sink = { value: 0 }

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Nanoseconds per operation of `work(operations)`. */
export function timed(operations, work) {
  const start = process.hrtime.bigint()
  sink.value += Number(work(operations)) || 0
  return Number(process.hrtime.bigint() - start) / operations
}

/**
 * Runs ours and theirs in turn, A B A B …, and compares pair by pair: the machine's mood strikes both alike.
 * Returns medians in nanoseconds per operation and the median of the pairs' ratios.
 */
export function duel(operations, ours, theirs, rounds = 9) {
  for (let warm = 0; warm < 2; warm++) {
    timed(operations, ours)
    timed(operations, theirs)
  }
  const a = []
  const b = []
  for (let round = 0; round < rounds; round++) {
    a.push(timed(operations, ours))
    b.push(timed(operations, theirs))
  }
  return { ours: median(a), theirs: median(b), ratio: median(a.map((value, index) => value / b[index])) }
}

/** A figure: what was wanted (an upper or lower limit of a ratio or an absolute number) and what was measured. */
export function figure(what, against, wanted, measured, more = {}) {
  const { most, least, unit = '×' } = wanted
  const held = most !== undefined ? measured <= most : measured >= least
  const sign = most !== undefined ? '≤' : '≥'
  return { what, against, wanted: `${sign} ${most ?? least}${unit}`, measured, unit, held, ...more }
}

/** A figure that cannot be taken, and why: of what is not built yet, or for want of something that has to be given. */
export function notMeasured(what, against, wanted, reason) {
  return { what, against, wanted, measured: null, unit: '', held: null, detail: reason }
}

/** Indexes below `limit` in a fixed pseudo-random order. */
export function randomOrder(count, limit, seed = 12_345) {
  const order = new Uint32Array(count)
  let state = seed
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    order[i] = Math.floor((state / 4_294_967_296) * limit)
  }
  return order
}

/** A key built anew at each call, as servers do; its hash is not cached in the string. */
export function freshKey(index) {
  return `user:${100_000_000 + index}`
}

/** The same keys as values of a Map are: built once, hashed once. */
export function reusedKeys(count) {
  const keys = Array.from({ length: count }, (_, index) => freshKey(index))
  const map = new Map(keys.map((key) => [key, 1]))
  return [...map.keys()]
}

export function machine() {
  const version = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
  const cpu = os.cpus()[0]?.model ?? 'unknown'
  const shape = `${cpu}|${os.availableParallelism()}|${os.totalmem()}|${process.version}`
  return {
    ostraka: version,
    node: process.version,
    v8: process.versions.v8,
    cpu,
    cores: os.availableParallelism(),
    memoryBytes: os.totalmem(),
    platform: `${process.platform}-${process.arch}`,
    id: createHash('sha256').update(shape).digest('hex').slice(0, 12),
    loadAverage: os.loadavg()[0],
  }
}

/** Prints figures as a table of at most 100 columns. */
export function printTable(figures) {
  const show = (value) => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2))
  const rows = figures.map((f) => [
    f.held === null ? 'not measured' : f.held ? 'held' : 'MISSED',
    f.wanted,
    f.measured === null ? '–' : `${show(f.measured)}${f.unit}`,
    `${f.what} / ${f.against}${f.detail ? ` (${f.detail})` : ''}`,
  ])
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column].length)))
  for (const row of rows)
    console.log(
      `${row
        .slice(0, 3)
        .map((cell, i) => cell.padEnd(widths[i]))
        .join('  ')}  ${row[3]}`,
    )
}

/** The last line of a figure file: its rows, for bench/figures.mjs, or a table when it is run by itself. */
export function report(figures) {
  if (process.argv.includes('--rows')) console.log(JSON.stringify(figures))
  else printTable(figures)
}

export const ns = (value) => `${value.toFixed(0)} ns`
