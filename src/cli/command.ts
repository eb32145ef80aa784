// What a command is, and how its command line is read. May touch: nothing but its arguments.
import { parseArgs } from 'node:util'
import { OstrakaError } from '../errors.js'
import { suggest } from '../options/suggest.js'

export interface CommandOption {
  /** The placeholder of its value in the help, or undefined for a switch. */
  readonly value?: string
  readonly help: string
}

export interface CommandInput {
  readonly positionals: readonly string[]
  readonly values: Readonly<Record<string, string | true | undefined>>
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** How it is typed, without `ostraka`. */
  readonly usage: string
  readonly options: Readonly<Record<string, CommandOption>>
  /** Paragraphs and examples below the options. */
  readonly details?: string
  /** Most arguments that are no options. */
  readonly positionals: number
  /** The exit code. */
  run(input: CommandInput): Promise<number>
}

export const helpOption: CommandOption = { help: 'show this help' }

export function usageError(message: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_USAGE', message)
}

/** "; did you mean x?" when something known is near enough. */
export function didYouMean(unknown: string, known: readonly string[], prefix = ''): string {
  const near = suggest(unknown, known)
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`
}

/** Errors: OSTRAKA_ERR_USAGE, which says what to type instead. */
export function parseCommandLine(command: Command, args: readonly string[]): CommandInput & { help: boolean } {
  const options = { ...command.options, help: helpOption }
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: {
      ...Object.fromEntries(
        Object.entries(options).map(([name, { value }]) => [
          name,
          { type: value === undefined ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
      help: { type: 'boolean', short: 'h' },
    },
  })
  const values: Record<string, string | true> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName } = token
    const known = Object.hasOwn(options, name) ? options[name as keyof typeof options] : undefined
    if (known === undefined) {
      throw usageError(`${command.name} has no option ${rawName}${didYouMean(name, Object.keys(options), '--')}`)
    }
    if (known.value === undefined && token.value !== undefined) throw usageError(`${rawName} takes no value`)
    const swallowed = token.inlineValue === false && token.value.startsWith('--')
    if (known.value !== undefined && (token.value === undefined || token.value === '' || swallowed)) {
      throw usageError(`${rawName} needs a value: ${rawName} ${known.value}`)
    }
    if (values[name] !== undefined) throw usageError(`${rawName} is given twice`)
    values[name] = token.value ?? true
  }
  if (values['help'] === undefined && positionals.length > command.positionals) {
    const extra = positionals.slice(command.positionals).map((text) => JSON.stringify(text))
    throw usageError(
      `${command.name} does not know what to do with ${extra.join(', ')}; usage: ostraka ${command.usage}`,
    )
  }
  return { positionals, values, help: values['help'] === true }
}

/** A whole number from a command line. Errors: OSTRAKA_ERR_USAGE. */
export function wholeNumber(option: string, text: string, least: number, most: number): number {
  const plain = text.replace(/[_,](?=\d{3})/g, '')
  const value = /^\d+$/.test(plain) ? Number(plain) : Number.NaN
  if (!(value >= least && value <= most)) {
    throw usageError(
      `${option} must be a whole number from ${least.toLocaleString('en')} to ${most.toLocaleString('en')}, not ${JSON.stringify(text)}`,
    )
  }
  return value
}
