// `ostraka bench --figures`: the project's own figures to hold, which its repository measures with packages that are no dependencies of the
// published one. May touch: a child process, the results file.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { usageError } from './command.js'

const program = new URL('../../bench/figures.mjs', import.meta.url)

/** Errors: OSTRAKA_ERR_USAGE where the repository is not there. */
export async function runFigures(print: (text: string) => void, json: string | undefined): Promise<number> {
  if (!existsSync(program)) {
    throw usageError(
      '--figures: bench/figures.mjs is not part of the installed package; run it in a clone of the repository, after npm install',
    )
  }
  const args = [fileURLToPath(program), ...(json === undefined ? [] : ['--json', json])]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.stdout.setEncoding('utf8')
  // As it comes: it takes many minutes.
  child.stdout.on('data', (text: string) =>
    json === '-' ? process.stdout.write(text) : print(text.replace(/\n$/, '')),
  )
  const code = await new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  process.off('exit', end)
  return code ?? 1
}
