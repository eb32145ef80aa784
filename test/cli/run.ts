// Runs the built command line as a child process. Touches dist/ (reading) and a temporary folder.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Killed after so many milliseconds, with code null. */
export function ostraka(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  watchdogAfter = 60_000,
  program = main,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, OSTRAKA_ENGINE: undefined, NO_COLOR: '1', ...env },
    })
    const watchdog = setTimeout(() => child.kill('SIGKILL'), watchdogAfter)
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (piece) => {
      stdout += piece
    })
    child.stderr.on('data', (piece) => {
      stderr += piece
    })
    child.on('error', reject)
    child.on('close', (code) => {
      clearTimeout(watchdog)
      resolve({ code, stdout, stderr })
    })
  })
}
