// Builds what this machine has the tools for: dist/ from src/ and, with a usable Rust, the native engine's addon into
// build/. As npm's `prepare` it always exits 0 and leaves a package that works (without the addon: by its pure-JS
// engine), with one line that says why. Plain Node, no dependencies; every network wait is bounded.
// With --strict (npm run build, npm test) faults of the source itself fail: type errors, Rust that does not compile.
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildAddon } from './build-addon.mjs'
import { buildTypeScript } from './build-typescript.mjs'

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const strict = process.argv.includes('--strict')
const say = (text) => console.log(`ostraka: ${text}`)

async function prepare() {
  let sound = true
  const typescript = await buildTypeScript(root)
  if (!typescript.ok) {
    sound = false
    if (strict) process.stdout.write(typescript.output)
    say(typescript.reason)
  }
  const addon = await buildAddon(root, say)
  if (addon.file) {
    if (!addon.fresh) say(`native engine built: ${path.relative(root, addon.file)}`)
  } else {
    if (addon.broken) sound = false
    say(`pure-JS engine: ${addon.reason}${addon.log ? ` (see ${path.relative(root, addon.log)})` : ''}`)
  }
  if (strict && !sound) process.exitCode = 1
}

await prepare().catch((error) => {
  // Nothing here may keep an install from finishing.
  say(`pure-JS engine: the build stopped: ${error instanceof Error ? error.message : error}`)
  if (strict) process.exitCode = 1
})
