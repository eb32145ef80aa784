// Writes the results of a command as JSON, to a file or, for "-", to stdout. May touch: the file system (writing).
import { writeFileSync } from 'node:fs'
import { usageError } from './command.js'

export const jsonOption = { value: 'FILE', help: 'also write the results as JSON ("-" is stdout)' }

/** Errors: OSTRAKA_ERR_USAGE when the file cannot be written. */
export function writeJson(file: string, results: unknown): void {
  const text = `${JSON.stringify(results, null, 2)}\n`
  if (file === '-') {
    process.stdout.write(text)
    return
  }
  try {
    writeFileSync(file, text)
  } catch (cause) {
    throw usageError(`--json cannot write ${file}: ${(cause as Error).message}`)
  }
}
