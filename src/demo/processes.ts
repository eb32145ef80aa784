// Starts and ends the processes of contenders. May touch: child processes.
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { Caller } from './calls.js'
import type { ContenderAnswers, ContenderTask } from './contender.js'

export interface Contender {
  readonly caller: Caller<ContenderAnswers>
  readonly child: ChildProcess
  readonly ports: readonly number[]
}

/**
 * Half of V8's young generation, in every contender. Left to itself it grows by steps that chance decides, up to 32 MiB a thread, and no
 * two runs would take the same memory.
 */
const youngMegabytes = 8

/** Forks this file of the demo, with the collector within reach and without the variable that would overrule its engine. */
export function forkProcess(file: string, args: readonly string[] = []): ChildProcess {
  const { OSTRAKA_ENGINE: _, ...env } = process.env
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [...args], {
    execArgv: ['--expose-gc', `--min-semi-space-size=${youngMegabytes}`, `--max-semi-space-size=${youngMegabytes}`],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env,
  })
  // However this process ends: a busy child would not notice for a while that it has been left alone.
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  return child
}

/** Errors: those of opening its cache. */
export async function startContender(task: ContenderTask): Promise<Contender> {
  const child = forkProcess('./contender.js')
  const caller = new Caller<ContenderAnswers>('a process of the demo', child)
  try {
    const { ports } = await caller.ask('start', task)
    return { caller, child, ports }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

export async function stopContender({ caller, child }: Contender): Promise<void> {
  await caller.ask('stop', undefined)
  if (child.connected) child.disconnect()
  await caller.exited
}
