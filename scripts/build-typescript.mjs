// Compiles src/ to dist/ when TypeScript is installed, and removes from dist/ what has no source any more. Plain Node.
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { runQuietly } from './run-quietly.mjs'

/** Returns { ok } or { reason, output }: TypeScript emits in spite of type errors, so dist/ may work all the same. */
export async function buildTypeScript(root) {
  if (!existsSync(path.join(root, 'src'))) return { ok: true }
  let manifest
  try {
    manifest = createRequire(path.join(root, 'package.json')).resolve('typescript/package.json')
  } catch {
    return { reason: 'TypeScript is not installed, dist/ stays as it is', output: '' }
  }
  const compiler = path.join(path.dirname(manifest), 'bin', 'tsc')
  const compiled = await runQuietly(process.execPath, [compiler, '-p', 'tsconfig.json', '--pretty', 'false'], {
    cwd: root,
  })
  removeOrphans(path.join(root, 'src'), path.join(root, 'dist'))
  const command = path.join(root, 'dist', 'cli', 'main.js')
  if (existsSync(command)) chmodSync(command, 0o755)
  if (compiled.code === 0) return { ok: true }
  return { reason: 'TypeScript reports errors (npm run types)', output: compiled.stdout + compiled.stderr }
}

// A deleted or renamed module must not live on in dist/, where tests and packages would still find it.
function removeOrphans(source, output) {
  if (!existsSync(output)) return
  for (const entry of readdirSync(output, { withFileTypes: true })) {
    const made = path.join(output, entry.name)
    if (entry.isDirectory()) {
      if (existsSync(path.join(source, entry.name))) removeOrphans(path.join(source, entry.name), made)
      else rmSync(made, { recursive: true })
      continue
    }
    const stem = /^(.*?)(\.d\.ts|\.js)(\.map)?$/.exec(entry.name)?.[1]
    if (stem && !existsSync(path.join(source, `${stem}.ts`))) rmSync(made)
  }
}
