// Results kept from run to run, one file each in a folder. May touch: that folder, and files of results (reading).
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { OstrakaError } from '../../errors.js'
import type { BenchReport } from './result.js'

/** Writes it and tells where. */
export function keepResult(folder: string, report: BenchReport): string {
  mkdirSync(folder, { recursive: true })
  const { date, commit, machine } = report.environment
  const stamp = date.replace(/[:.]/g, '-')
  const file = path.join(folder, `${stamp}-${commit ?? 'no-commit'}-${machine}.json`)
  writeFileSync(file, `${JSON.stringify(report)}\n`)
  return file
}

/** Errors: OSTRAKA_ERR_USAGE when it cannot be read or is no result of this command. */
export function readResult(file: string): BenchReport {
  let found: unknown
  try {
    found = JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new OstrakaError('OSTRAKA_ERR_USAGE', `${file} cannot be read: ${(cause as Error).message}`)
  }
  const { format, version } = (found ?? {}) as { format?: unknown; version?: unknown }
  if (format !== 'ostraka-bench' || version !== 1) {
    throw new OstrakaError('OSTRAKA_ERR_USAGE', `${file} is no result of ostraka bench that this version reads`)
  }
  return found as BenchReport
}

/** Earlier results of the same machine and scale, oldest first. What cannot be read is left out. */
export function earlierResults(folder: string, like: BenchReport): BenchReport[] {
  let names: string[]
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith('.json'))
      .sort()
  } catch {
    return []
  }
  return names.flatMap((name) => {
    try {
      const report = readResult(path.join(folder, name))
      const { machine, date } = report.environment
      const same = machine === like.environment.machine && report.settings.scale === like.settings.scale
      return same && date < like.environment.date ? [report] : []
    } catch {
      return []
    }
  })
}
