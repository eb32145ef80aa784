// `suite` runs a group of tests once for each engine; where one cannot run, it says so.
import { describe, it } from 'vitest'
import { type Bench, benches, nativeMustRun } from './engines.js'

export function suite(title: string, tests: (bench: Bench) => void): void {
  for (const bench of benches) {
    describe(`${title} (${bench.name})`, () => {
      if (bench.missing === undefined) tests(bench)
      else if (nativeMustRun()) {
        it('runs', () => {
          throw new Error(`The native engine is missing although cargo is here: ${bench.missing}`)
        })
      } else it.skip(`skipped: ${bench.missing}`)
    })
  }
}
