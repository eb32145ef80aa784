// The demo command: compares the caches behind a web server and, if asked, keeps one such server up. May touch: child processes of the
// demo, the results file, stdout, stderr, the signals that end it.
import { availableParallelism, cpus } from 'node:os'
import { defaultOrigin } from '../demo/origin.js'
import { type Contender, startContender, stopContender } from '../demo/processes.js'
import { type DemoResult, type DemoSettings, runDemo } from '../demo/run.js'
import { isMissing } from '../demo/store.js'
import type { Command, CommandInput } from './command.js'
import { type DemoPlan, demoOptions, planDemo } from './demo-plan.js'
import { demoReport, settingsReport } from './demo-report.js'
import { jsonOption, writeJson } from './json-file.js'
import { Progress } from './progress.js'
import { bold, fields } from './text.js'
import { packageVersion } from './version.js'

export const demoCommand: Command = {
  name: 'demo',
  summary: 'Compare caches behind a web server on worker threads',
  usage: 'demo [options]',
  positionals: 0,
  options: { ...demoOptions, json: jsonOption },
  details: `Four contenders, each in a process of its own: one shared cache in the native
engine, the same in pure JavaScript, one lru-cache per thread, and none. The
caches get budgets at which they take the same resident memory, which is
measured first. All of it stays on 127.0.0.1.

lru-cache is compared where it is installed; it is no dependency of ostraka.

Examples:
  ostraka demo
  ostraka demo --threads 4 --seconds 20 --json results.json
  ostraka demo --serve --seconds 0`,
  run,
}

async function run(input: CommandInput): Promise<number> {
  const plan = planDemo(input)
  const json = input.values['json']
  // With the results on stdout, what is for people goes to stderr.
  const print = (text: string) => (json === '-' ? process.stderr : process.stdout).write(`${text}\n`)
  const result = plan.compare ? await compare(plan, print) : undefined
  if (json !== undefined && result !== undefined) {
    const machine = { cpu: cpus()[0]?.model ?? 'unknown', cores: availableParallelism() }
    writeJson(String(json), { ostraka: packageVersion(), node: process.version, ...machine, ...result })
  }
  if (plan.serve) await serve(plan.settings, print)
  const bad = result?.contenders.filter(({ wrong, failed }) => wrong + failed > 0) ?? []
  if (bad.length > 0) {
    const told = bad.map(
      ({ contender, wrong, failed }) => `${contender}: ${wrong} wrong answers, ${failed} failed requests`,
    )
    throw new Error(told.join('; '))
  }
  return 0
}

async function compare({ settings }: DemoPlan, print: (text: string) => void): Promise<DemoResult> {
  const progress = new Progress('demo')
  const interrupted = () => {
    progress.end()
    // What it has started ends with this process.
    process.exit(130)
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    print(settingsReport(settings))
    const result = await runDemo(settings, (stage, done, note) =>
      progress.update(done, 1, note === '' ? stage : `${stage}, ${note}`),
    )
    progress.end()
    print(demoReport(result))
    return result
  } finally {
    progress.end()
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
  }
}

async function serve({ threads, maxBytes, seed }: DemoSettings, print: (text: string) => void): Promise<void> {
  const { contender, engine } = await startShared(threads, maxBytes, seed)
  const [first, last] = [contender.ports[0]!, contender.ports.at(-1)!]
  const others: [string, string][] =
    first === last ? [] : [['', `curl -i http://127.0.0.1:${last}/item/7     a hit, in another thread`]]
  print(
    `${bold(`Serving until Ctrl-C: one cache (${engine} engine), a port for each thread`)}\n${fields([
      ['ask', `curl -i http://127.0.0.1:${first}/item/7     a miss: the origin is asked`],
      ...others,
      ['', `curl http://127.0.0.1:${first}/stats        what the cache tells`],
      ['ports', contender.ports.join(' ')],
    ])}`,
  )
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve())
    process.once('SIGTERM', () => resolve())
    // Its end is told by its absence: somebody else must have ended it.
    void contender.caller.exited.then(() => resolve())
  })
  if (contender.child.connected) await stopContender(contender)
}

/** The native engine where it runs, else the other one. */
async function startShared(
  threads: number,
  maxBytes: number,
  seed: number,
): Promise<{ contender: Contender; engine: string }> {
  const origin = { ...defaultOrigin, seed }
  try {
    const contender = await startContender({ threads, store: { contender: 'native', budget: maxBytes }, origin })
    return { contender, engine: 'native' }
  } catch (error) {
    if (!isMissing(error)) throw error
    const contender = await startContender({ threads, store: { contender: 'js', budget: maxBytes }, origin })
    return { contender, engine: 'pure-JS' }
  }
}
