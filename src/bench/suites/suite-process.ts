// The process of one suite, forked by the command: no suite inherits another's heap, compiled code or memory. May touch: what the suite does.
import { answer } from '../../demo/calls.js'
import type { SuiteResult } from '../results/result.js'
import { takeField } from '../rivals/all.js'
import { suites } from './all.js'
import { runSuite, type SuiteContext } from './suite.js'

export interface SuiteTask {
  readonly suite: string
  readonly context: Omit<SuiteContext, 'field' | 'tell'>
  readonly rivals: readonly string[]
}

export interface SuiteProgress {
  readonly progress: { readonly what: string; readonly done: number }
}

const answers = {
  run: async ({ suite, context, rivals }: SuiteTask): Promise<SuiteResult> => {
    const found = suites.find(({ name }) => name === suite)
    if (found === undefined) throw new Error(`there is no suite ${suite}`)
    const field = await takeField(context.engines, rivals)
    const tell = (what: string, done: number) => process.send?.({ progress: { what, done } } satisfies SuiteProgress)
    const result = await runSuite(found, { ...context, field, tell })
    return { ...result, skipped: [...field.skipped, ...result.skipped] }
  },
}
export type SuiteAnswers = typeof answers

answer(process, answers)
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
