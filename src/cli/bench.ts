// The bench command: runs suites, prints and writes their results, compares them with earlier ones. May touch: child processes, result files,
// stdout, stderr.
import { writeFileSync } from 'node:fs'
import { compareReports, hasRegressed } from '../bench/results/compare.js'
import { earlierResults, keepResult, readResult } from '../bench/results/history.js'
import { htmlReport } from '../bench/results/html/page.js'
import { markdownReport } from '../bench/results/markdown.js'
import type { BenchReport } from '../bench/results/result.js'
import { rivalIds } from '../bench/rivals/all.js'
import { suites } from '../bench/suites/all.js'
import { runSuites } from '../bench/suites/run.js'
import { runFigures } from './bench-figures.js'
import { type BenchPlan, benchOptions, planBench } from './bench-plan.js'
import { comparisonReport, environmentLine, standingsReport, suiteReport } from './bench-report.js'
import { type Command, type CommandInput, usageError } from './command.js'
import { jsonOption, writeJson } from './json-file.js'
import { Progress } from './progress.js'
import { bold, fields } from './text.js'

export const benchCommand: Command = {
  name: 'bench',
  summary: 'Measure this cache against others, and against itself of yesterday',
  usage: 'bench [SUITE…] [options]',
  positionals: Number.POSITIVE_INFINITY,
  options: { ...benchOptions, json: jsonOption },
  details: `Each suite runs in a process of its own; what is compared runs in turn within
it, until the figures are as sure as wanted or the budget is spent. Rivals that
are not installed are left out, and it says so. Other load on the machine shows
in the results: the header warns of it.

Examples:
  ostraka bench --list
  ostraka bench micro memory --quick --html report.html
  ostraka bench --history bench-results --compare latest
  ostraka bench traces --traces ./traces --rivals lru-cache`,
  run,
}

async function run(input: CommandInput): Promise<number> {
  const plan = planBench(input)
  const json = input.values['json'] as string | undefined
  // With the results on stdout, what is for people goes to stderr.
  const print = (text: string) => (json === '-' ? process.stderr : process.stdout).write(`${text}\n`)
  if (input.values['list'] === true) {
    listAll(print)
    if (json !== undefined)
      writeJson(json, { suites: suites.map(({ name, title }) => ({ name, title })), rivals: Object.keys(rivalIds) })
    return 0
  }
  if (input.values['figures'] === true) return runFigures(print, json)
  const report = plan.from === undefined ? await measure(plan, print) : readResult(plan.from)
  if (plan.from !== undefined) for (const suite of report.suites) print(suiteReport(suite))
  print(environmentLine(report) + standingsReport(report))
  return finish(plan, report, json, print)
}

function listAll(print: (text: string) => void): void {
  print(bold('Suites'))
  print(fields(suites.map(({ name, title }) => [name, title] as const)))
  print(bold('\nRivals'))
  const names = Object.entries(rivalIds)
  print(
    fields(
      names.map(([id, { name, package: from }]) => [
        id,
        from ? `${name}, from the package ${from}` : `${name}, of JavaScript itself`,
      ]),
    ),
  )
}

async function measure(plan: BenchPlan, print: (text: string) => void): Promise<BenchReport> {
  const progress = new Progress('bench')
  const interrupted = () => {
    progress.end()
    // What it has started ends with this process.
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  try {
    return await runSuites(
      plan.run,
      (what, done) => progress.update(done, 1, what),
      (suite) => {
        progress.end()
        print(suiteReport(suite))
      },
    )
  } finally {
    progress.end()
    process.off('SIGINT', interrupted)
  }
}

function finish(plan: BenchPlan, report: BenchReport, json: string | undefined, print: (text: string) => void): number {
  const { history, compare, threshold } = plan
  const earlier = history === undefined ? [] : earlierResults(history, report)
  const before =
    compare === undefined ? undefined : compare === 'latest' ? latest(history, earlier) : readResult(compare)
  if (history !== undefined && plan.from === undefined) print(`Kept as ${keepResult(history, report)}`)
  const comparison = before && compareReports(before, report, { threshold, significance: 0.01 })
  if (comparison) print(comparisonReport(comparison))
  else if (compare === 'latest') print('There is no earlier result of this machine and scale to compare with.')
  if (json !== undefined) writeJson(json, comparison ? { ...report, comparison } : report)
  if (plan.html !== undefined) write('--html', plan.html, htmlReport(report, { earlier, comparison }))
  if (plan.markdown !== undefined) write('--markdown', plan.markdown, markdownReport(report))
  const failed = report.suites.some((suite) => suite.failed !== undefined)
  return failed || (comparison && hasRegressed(comparison)) ? 1 : 0
}

function latest(history: string | undefined, earlier: readonly BenchReport[]): BenchReport | undefined {
  if (history === undefined) throw usageError('--compare latest needs --history FOLDER')
  return earlier.at(-1)
}

function write(option: string, file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (cause) {
    throw usageError(`${option} cannot write ${file}: ${(cause as Error).message}`)
  }
}
