// Every program in the README and the docs runs as it stands, in a folder where the packages it names are installed, and what its comments
// promise comes true: `expression // → value`, and `console.log(…) // line`. Shell lines name commands, scripts and files that exist.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { transformWithEsbuild } from 'vite'
import { afterAll, describe, expect, test } from 'vitest'
import { ostraka } from '../cli/run.js'
import { type Outcome, runProgram } from './child.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'ostraka-docs-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

mkdirSync(join(folder, 'node_modules'))
symlinkSync(root, join(folder, 'node_modules', 'ostraka'), 'junction')
mkdirSync(join(folder, 'node_modules', '@opentelemetry'))
for (const name of ['@opentelemetry/api', 'lru-cache', 'keyv', 'node-cache', 'piscina', 'fastify']) {
  symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction')
}

interface Block {
  readonly file: string
  readonly line: number
  readonly language: string
  readonly text: string
}

function blocksOf(file: string): Block[] {
  const found: Block[] = []
  let open: { language: string; line: number; lines: string[] } | undefined
  for (const [at, line] of readFileSync(file, 'utf8').split('\n').entries()) {
    const fence = /^\s*```(\w*)/.exec(line)
    if (fence === null) open?.lines.push(line)
    else if (open === undefined) open = { language: fence[1]!, line: at + 1, lines: [] }
    else {
      found.push({ file: relative(root, file), line: open.line, language: open.language, text: open.lines.join('\n') })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${file}: the block of line ${open.line} has no end`)
  return found
}

const docs = join(root, 'docs')
const files = [
  join(root, 'README.md'),
  ...readdirSync(docs, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(docs, name)),
]
const blocks = files.flatMap(blocksOf)
const named = (list: readonly Block[]) => list.map((block) => [`${block.file}:${block.line}`, block] as const)

/** Statements begin at the first column; what closes a bracket there belongs to the one before. */
function statements(text: string): string[] {
  const found: string[] = []
  for (const line of text.split('\n')) {
    if (/^[^\s\])}]/.test(line) || found.length === 0) found.push(line)
    else found[found.length - 1] += `\n${line}`
  }
  return found
}

/** The program with its promises made assertions, and the lines that it promises to print. */
function testable(text: string): { program: string; printed: string[]; promises: number } {
  const printed: string[] = []
  let promises = 0
  const lines = statements(text).map((statement) => {
    const promise = /^([\s\S]*?)\s*\/\/ → (.*?)\s*$/.exec(statement)
    if (promise === null) return statement
    promises++
    return `__assert.deepStrictEqual(${promise[1]}, ${promise[2]})`
  })
  for (const [, line] of text.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)) printed.push(line!)
  return { program: `import __assert from 'node:assert/strict'\n${lines.join('\n')}\n`, printed, promises }
}

let programs = 0

function run(program: string): Promise<Outcome> {
  const file = join(folder, `program-${++programs}.mjs`)
  writeFileSync(file, program)
  return runFile(file)
}

function runFile(file: string, args: readonly string[] = []): Promise<Outcome> {
  return runProgram(file, args, folder, { OSTRAKA_ENGINE: 'js' })
}

test('every block says what it is', () => {
  expect(blocks.length).toBeGreaterThan(8)
  const unknown = blocks.filter(({ language }) => !['js', 'ts', 'sh', 'text', ''].includes(language))
  expect(unknown.map(({ file, line, language }) => `${file}:${line} ${language}`)).toEqual([])
})

test('promises are checked', async () => {
  const { program, promises } = testable('const a = [\n  1,\n]\na[0] // → 1\na.concat([\n  2,\n]) // → [1, 3]')
  expect(promises).toBe(2)
  const { code, stderr } = await run(program)
  expect(code).toBe(1)
  expect(stderr).toMatch(/\+ {3}2\n- {3}3/)
})

describe('programs', () => {
  test.each(named(blocks.filter(({ language }) => language === 'js' || language === 'ts')))('%s', async (_, block) => {
    const { program, printed } = testable(block.text)
    const script = block.language === 'ts' ? (await transformWithEsbuild(program, 'block.ts')).code : program
    const { code, stdout, stderr } = await run(script)
    expect(stderr).toBe('')
    expect(code).toBe(0)
    for (const line of printed) expect(stdout.split('\n')).toContain(line)
  })
})

test('what is written in TypeScript is right about types', async () => {
  const typed = blocks.filter(({ language }) => language === 'ts')
  expect(typed.length).toBeGreaterThan(0)
  const written = typed.map(({ text }, at) => {
    const file = join(folder, `typed-${at}.mts`)
    writeFileSync(file, `${text}\nexport {}\n`)
    return file
  })
  const typescript = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const types = ['--types', 'node', '--typeRoots', join(root, 'node_modules', '@types')]
  const options = ['--noEmit', '--strict', '--target', 'es2023', '--module', 'nodenext', '--ignoreConfig', ...types]
  const { code, stdout } = await runFile(typescript, [...options, ...written])
  expect(stdout).toBe('')
  expect(code).toBe(0)
})

describe('shell lines', () => {
  const lines = blocks
    .filter(({ language }) => language === 'sh')
    .flatMap(({ file, line, text }) =>
      text
        .split('\n')
        .filter((shell) => shell.trim() !== '')
        .map((shell) => [`${file}:${line} ${shell}`, shell.replace(/\s+#.*$/, '')] as const),
    )
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: object }

  test.each(lines)('%s', async (_, shell) => {
    for (const command of shell.split(' && ')) {
      const words = command.trim().split(/\s+/)
      while (/^[A-Z_]+=/.test(words[0]!)) words.shift()
      const [tool, what] = words
      if (tool === 'npm') {
        if (what !== 'install' && what !== 'i') expect(scripts).toHaveProperty(what === 'run' ? words[2]! : what!)
      } else if (tool === 'node') {
        expect(existsSync(join(root, words.find((word) => /\.m?js$/.test(word))!))).toBe(true)
      } else {
        expect([tool, what]).toEqual(['npx', 'ostraka'])
        // The command and every option that the line names are in the command's help.
        const { code, stdout } = await ostraka([words[2]!, '--help'])
        expect(code).toBe(0)
        for (const option of words.filter((word) => word.startsWith('--'))) expect(stdout).toContain(`  ${option} `)
      }
    }
  })
})

test('links within the documentation lead somewhere', () => {
  const broken: string[] = []
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    for (const [, target] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [path, anchor] = target!.split('#') as [string, string | undefined]
      const to = path === '' ? file : join(file, '..', path)
      if (!existsSync(to)) {
        broken.push(`${relative(root, file)}: ${target}`)
        continue
      }
      if (anchor === undefined) continue
      const anchors = [...readFileSync(to, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
        heading!
          .toLowerCase()
          .replace(/[^\p{L}\p{N} -]/gu, '')
          .replaceAll(' ', '-'),
      )
      if (!anchors.includes(anchor)) broken.push(`${relative(root, file)}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})
