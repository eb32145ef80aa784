// A throw-away copy of this checkout in which the packaging suites run `prepare` and `npm pack`, and the programs that
// prove that the outcome works. Touches only the temporary folder that it makes.
import { spawn } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..', '..')

const parts = ['src', 'scripts', 'native', '.cargo', 'Cargo.toml', 'Cargo.lock', 'package.json', 'tsconfig.json']
const published = ['types', 'README.md', 'LICENSE', 'THIRD-PARTY-NOTICES.md']

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** What a newcomer gets by `git clone` and `npm install --ignore-scripts`: sources and dependencies, nothing built. */
export function copyCheckout(): string {
  const copy = mkdtempSync(path.join(tmpdir(), 'ostraka-package-'))
  const source = (name: string) => !/[\\/](target|fuzz[\\/](artifacts|corpus))$/.test(name)
  for (const part of [...parts, ...published]) {
    cpSync(path.join(root, part), path.join(copy, part), { recursive: true, filter: source })
  }
  symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
  return copy
}

export function removeCopy(copy: string): void {
  rmSync(copy, { recursive: true, force: true })
}

/** Runs a command to its end; `environment` is laid over this process's (undefined removes). */
export function run(
  command: string,
  args: readonly string[],
  cwd: string,
  environment: Record<string, string | undefined> = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    // What this suite itself runs under must not choose for the programs that it starts.
    const own = { OSTRAKA_ENGINE: undefined, OSTRAKA_ADDON: undefined, NODE_OPTIONS: undefined }
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...own, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, stdout, stderr }))
  })
}

/** A folder of executables: `node`, and shell scripts by name. Alone on the PATH it hides everything else. */
export function folderOfTools(parent: string, name: string, scripts: Record<string, string>): string {
  const folder = path.join(parent, name)
  mkdirSync(folder, { recursive: true })
  if (!existsSync(path.join(folder, 'node'))) symlinkSync(process.execPath, path.join(folder, 'node'))
  for (const [tool, body] of Object.entries(scripts)) {
    writeFileSync(path.join(folder, tool), `#!/bin/sh\n${body}\n`)
    chmodSync(path.join(folder, tool), 0o755)
  }
  return folder
}

const use = `
const cache = createCache({ name: 'packaging', maxBytes: '4mb' })
cache.set('greeting', { text: 'chaire', count: 1 })
const found = cache.get('greeting')
console.log(JSON.stringify({ text: found?.text, count: found?.count, absent: cache.get('other') === undefined, engine: cache.stats().engine }))
`

/** Runs a user's program in `folder`, where `ostraka` resolves, by import and by require; returns what both said. */
export async function useThePackage(
  folder: string,
  environment: Record<string, string | undefined> = {},
): Promise<{ imported: Outcome; required: Outcome }> {
  writeFileSync(path.join(folder, 'program.mjs'), `import { createCache } from 'ostraka'\n${use}`)
  writeFileSync(path.join(folder, 'program.cjs'), `const { createCache } = require('ostraka')\n${use}`)
  return {
    imported: await run(process.execPath, ['program.mjs'], folder, environment),
    required: await run(process.execPath, ['program.cjs'], folder, environment),
  }
}
