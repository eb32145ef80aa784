// Runs suites one after the other, each in a process of its own, and makes one report of them. May touch: child processes.
import { Caller } from '../../demo/calls.js'
import { environment } from '../results/environment.js'
import type { BenchReport, SuiteResult } from '../results/result.js'
import { forkFile } from '../runner/host.js'
import { suites } from './all.js'
import type { SuiteContext } from './suite.js'
import type { SuiteAnswers, SuiteProgress } from './suite-process.js'

export interface RunSettings extends Omit<SuiteContext, 'field' | 'tell'> {
  readonly suites: readonly string[]
  readonly rivals: readonly string[]
}

/** `tell` hears what is being done and how far all of it is (0 to 1). A suite that fails says so in its result. */
export async function runSuites(
  settings: RunSettings,
  tell: (what: string, done: number) => void = () => {},
  onSuite: (result: SuiteResult) => void = () => {},
): Promise<BenchReport> {
  const { suites: wanted, rivals, ...context } = settings
  const begun = performance.now()
  // Before anything of ours keeps the machine busy.
  const where = environment()
  const results: SuiteResult[] = []
  for (const [step, suite] of wanted.entries()) {
    const child = forkFile(new URL('./suite-process.js', import.meta.url), ['--max-old-space-size=8192'], true)
    const caller = new Caller<SuiteAnswers>(`the suite ${suite}`, child)
    child.on('message', (message: Partial<SuiteProgress>) => {
      const { progress } = message
      if (progress) tell(`${suite}: ${progress.what}`, (step + progress.done) / wanted.length)
    })
    try {
      const result = await caller.ask('run', { suite, context, rivals })
      results.push(result)
      onSuite(result)
    } catch (error) {
      // What the others have measured must not be lost with it.
      const failed = failedSuite(suite, error as Error)
      results.push(failed)
      onSuite(failed)
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

function failedSuite(suite: string, { message }: Error): SuiteResult {
  const title = suites.find(({ name }) => name === suite)?.title ?? suite
  return { suite, title, notes: [], rows: [], charts: [], skipped: [], seconds: 0, failed: message }
}
