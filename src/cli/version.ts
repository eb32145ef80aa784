// Prints the version of this package. May touch: its package.json (reading), stdout.
import { readFileSync } from 'node:fs'
import type { Command } from './command.js'
import { jsonOption, writeJson } from './json-file.js'

export function packageVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return String((manifest as { version: unknown }).version)
}

export const versionCommand: Command = {
  name: 'version',
  summary: 'Print the version of ostraka',
  usage: 'version [--json FILE]',
  positionals: 0,
  options: { json: jsonOption },
  async run({ values }) {
    const version = packageVersion()
    if (values['json'] !== '-') console.log(version)
    if (values['json'] !== undefined) writeJson(String(values['json']), { version })
    return 0
  },
}
