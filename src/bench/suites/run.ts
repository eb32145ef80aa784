// Runs suites one after the other, each in a process of its own, and makes one report of them. May touch: child processes.
import { Caller } from '../../demo/calls.js'
import { environment } from '../results/environment.js'
import type { BenchReport, SuiteResult } from '../results/result.js'
import { forkFile } from '../runner/host.js'
import type { SuiteContext } from './suite.js'
import type { SuiteAnswers, SuiteProgress } from './suite-process.js'

export interface RunSettings extends Omit<SuiteContext, 'field' | 'tell'> {
  readonly suites: readonly string[]
  readonly rivals: readonly string[]
}

/** `tell` hears what is being done and how far all of it is (0 to 1). Errors: those of a suite. */
export async function runSuites(
  settings: RunSettings,
  tell: (what: string, done: number) => void = () => {},
  onSuite: (result: SuiteResult) => void = () => {},
): Promise<BenchReport> {
  const { suites, rivals, ...context } = settings
  const begun = performance.now()
  // Before anything of ours keeps the machine busy.
  const where = environment()
  const results: SuiteResult[] = []
  for (const [step, suite] of suites.entries()) {
    const child = forkFile(new URL('./suite-process.js', import.meta.url), ['--max-old-space-size=8192'])
    const caller = new Caller<SuiteAnswers>(`the suite ${suite}`, child)
    child.on('message', (message: Partial<SuiteProgress>) => {
      const { progress } = message
      if (progress) tell(`${suite}: ${progress.what}`, (step + progress.done) / suites.length)
    })
    try {
      const result = await caller.ask('run', { suite, context, rivals })
      results.push(result)
      onSuite(result)
    } finally {
      child.kill('SIGKILL')
      await caller.exited
    }
  }
  const { scale, precision, budget, seed, engines, threads } = context
  return {
    format: 'ostraka-bench',
    version: 1,
    environment: where,
    settings: { scale, precision, budget, seed, engines, rivals, threads },
    suites: results,
    seconds: (performance.now() - begun) / 1000,
  }
}
