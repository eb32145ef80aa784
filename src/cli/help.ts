// Prints the list of commands, or how one of them is typed. May touch: stdout.
import { type Command, type CommandInput, didYouMean, helpOption, usageError } from './command.js'
import { bold, dim, wrap } from './text.js'

function optionList(options: Command['options']): string {
  const rows = Object.entries({ ...options, help: helpOption }).map(
    ([name, { value, help }]) => [`--${name}${value === undefined ? '' : ` ${value}`}`, help] as const,
  )
  const left = Math.max(...rows.map(([typed]) => typed.length))
  const hanging = ' '.repeat(left + 4)
  return rows
    .map(([typed, help]) => `  ${typed.padEnd(left)}  ${wrap(help, 80 - hanging.length).join(`\n${hanging}`)}`)
    .join('\n')
}

export function commandHelp(command: Command): string {
  const parts = [
    `${bold('Usage:')} ostraka ${command.usage}`,
    wrap(`${command.summary}.`, 80).join('\n'),
    `${bold('Options:')}\n${optionList(command.options)}`,
  ]
  if (command.details) parts.push(command.details.trim())
  return `${parts.join('\n\n')}\n`
}

export function overview(commands: readonly Command[]): string {
  const left = Math.max(...commands.map(({ name }) => name.length))
  const list = commands.map(({ name, summary }) => `  ${name.padEnd(left)}  ${summary}`).join('\n')
  return `${bold('ostraka')}: one cache for all worker threads of a Node process

${bold('Usage:')} ostraka COMMAND [options]

${bold('Commands:')}
${list}

${dim('ostraka COMMAND --help tells the options of a command.')}
`
}

/** The help command over the others, which it must know to list them. */
export function helpCommand(others: readonly Command[]): Command {
  const help: Command = {
    name: 'help',
    summary: 'List the commands, or show how one of them is typed',
    usage: 'help [COMMAND]',
    positionals: 1,
    options: {},
    async run({ positionals }: CommandInput) {
      const all = [...others, help]
      const [name] = positionals
      if (name === undefined) {
        process.stdout.write(overview(all))
        return 0
      }
      const command = all.find((candidate) => candidate.name === name)
      if (command === undefined) throw usageError(unknownCommand(name, all))
      process.stdout.write(commandHelp(command))
      return 0
    },
  }
  return help
}

export function unknownCommand(name: string, commands: readonly Command[]): string {
  const names = commands.map((command) => command.name)
  return `there is no command ${JSON.stringify(name)}${didYouMean(name, names) || `; there are ${names.join(', ')}`}`
}
