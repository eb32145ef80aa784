#!/usr/bin/env node
// The command line: finds the command, reads its options, turns errors into one clear line and an exit code: 0 done,
// 1 failed, 2 the command line or a trace file is wrong. May touch: stdout, stderr, the exit code.
import { OstrakaError } from '../errors.js'
import { benchCommand } from './bench.js'
import { type Command, parseCommandLine, usageError } from './command.js'
import { demoCommand } from './demo.js'
import { doctorCommand } from './doctor.js'
import { commandHelp, helpCommand, overview, unknownCommand } from './help.js'
import { inspectCommand } from './inspect.js'
import { replayCommand } from './replay.js'
import { serveCommand } from './serve.js'
import { red } from './text.js'
import { versionCommand } from './version.js'

const working: readonly Command[] = [
  demoCommand,
  benchCommand,
  replayCommand,
  serveCommand,
  inspectCommand,
  doctorCommand,
  versionCommand,
]
const commands: readonly Command[] = [...working, helpCommand(working)]

/** Errors of what somebody typed or handed in, as against failures of the program. */
const inputErrors = new Set<string>([
  'OSTRAKA_ERR_USAGE',
  'OSTRAKA_ERR_INVALID_OPTION',
  'OSTRAKA_ERR_DISK_UNREADABLE',
  'OSTRAKA_ERR_TRACE_UNREADABLE',
  'OSTRAKA_ERR_TRACE_MALFORMED',
])

async function run(args: readonly string[]): Promise<number> {
  const [first, ...rest] = args
  if (first === undefined || first === '--help' || first === '-h') {
    process.stdout.write(overview(commands))
    return 0
  }
  const name = first === '--version' || first === '-v' ? 'version' : first
  const command = commands.find((candidate) => candidate.name === name)
  if (command === undefined) throw usageError(unknownCommand(name, commands))
  const input = parseCommandLine(command, rest)
  if (input.help) {
    process.stdout.write(commandHelp(command))
    return 0
  }
  return command.run(input)
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  const known = error instanceof OstrakaError
  const text = known
    ? `${error.message} (${error.code})`
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`${red('ostraka:')} ${text}\n`)
  process.exitCode = known && inputErrors.has(error.code) ? 2 : 1
}
