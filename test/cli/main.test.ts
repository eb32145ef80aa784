// The command line as people meet it: help, version, doctor, and what it says to what it does not understand.
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { ostraka } from './run.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const commands = ['demo', 'bench', 'replay', 'inspect', 'doctor', 'version', 'help']

const widest = (text: string) => Math.max(...text.split('\n').map((line) => line.length))

describe('help', () => {
  test.each([[[]], [['help']], [['--help']], [['-h']]])('%j lists every command', async (args) => {
    const { code, stdout, stderr } = await ostraka(args)
    expect([code, stderr]).toEqual([0, ''])
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} +\\w`, 'm'))
    expect(widest(stdout)).toBeLessThanOrEqual(80)
  })

  test.each(commands)('%s --help and help %s are the same', async (command) => {
    const [one, other] = await Promise.all([ostraka([command, '--help']), ostraka(['help', command])])
    expect(one).toEqual(other)
    expect(one.code).toBe(0)
    expect(one.stdout).toContain(`Usage: ostraka ${command}`)
    expect(one.stdout).toContain('--help')
    expect(widest(one.stdout)).toBeLessThanOrEqual(80)
  })
})

test.each([['version'], ['--version'], ['-v']])('%s', async (argument) => {
  expect(await ostraka([argument])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
})

describe('doctor', () => {
  test('for people', async () => {
    const { code, stdout } = await ostraka(['doctor'])
    expect(code).toBe(0)
    for (const word of ['chosen', 'native', 'js', 'layout', 'threads', 'cores', 'memory', 'huge pages']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${word} `, 'm'))
    }
  })

  test('as JSON, with the engine that the environment forces', async () => {
    const { code, stdout } = await ostraka(['doctor', '--json', '-'], { OSTRAKA_ENGINE: 'js' })
    expect(code).toBe(0)
    const findings = JSON.parse(stdout)
    expect(findings).toMatchObject({
      ostraka: version,
      layoutVersion: expect.any(Number),
      node: process.version,
      engine: { chosen: 'js', js: { runs: true }, native: { runs: expect.any(Boolean) } },
      environment: { OSTRAKA_ENGINE: 'js' },
      sharedWebAssembly: true,
      limits: { threads: 128, keyBytes: 65_535, valueBytes: 64 * 2 ** 20 },
      machine: { cores: expect.any(Number), memory: expect.any(Number) },
    })
  })

  test('an addon that does not load is told, and the other engine is chosen', async () => {
    const { code, stdout } = await ostraka(['doctor', '--json', '-'], { OSTRAKA_ADDON: '/nowhere/ostraka.node' })
    const { engine } = JSON.parse(stdout)
    expect(code).toBe(0)
    expect(engine).toMatchObject({ chosen: 'js', native: { runs: false } })
    expect(engine.native.detail).toContain('/nowhere/ostraka.node')
  })
})

describe('what is not understood ends with exit code 2', () => {
  test.each([
    [['reply'], 'there is no command "reply"; did you mean replay?'],
    [['xyzzy'], 'there is no command "xyzzy"; there are demo, '],
    [['help', 'reply'], 'there is no command "reply"'],
    [['version', 'now'], 'version does not know what to do with "now"'],
    [['replay', '--max-byte', '5mb'], 'replay has no option --max-byte; did you mean --max-bytes?'],
    [['replay', '-x'], 'replay has no option -x'],
    [['replay', '--max-bytes'], '--max-bytes needs a value: --max-bytes SIZE'],
    [['replay', '--max-bytes', '--demo'], '--max-bytes needs a value: --max-bytes SIZE'],
    [['replay', '--max-bytes='], '--max-bytes needs a value: --max-bytes SIZE'],
    [['replay', '--max-bytes', 'much'], "--max-bytes much: use bytes as a number, or a string like '64kb'"],
    [['replay', '--max-bytes', '5'], 'maxBytes'],
    [['replay', '--max-entries', '1.5'], '--max-entries must be a whole number'],
    [['replay', '--max-entries', '0'], '--max-entries must be a whole number'],
    [['replay', '--threads', '1,x'], '--threads must be a whole number from 1 to 120, not "x"'],
    [['replay', '--threads', '1000'], '--threads must be a whole number from 1 to 120'],
    [['replay', '--engine', 'rust'], '--engine rust: use native, js, auto, both'],
    [['replay', '--engine', 'both,js'], '--engine both stands alone'],
    [['replay', '--format', 'xml'], '--format xml: use arc, csv, twitter, oracle-general'],
    [['replay', '--ttl', 'soon'], '--ttl soon: use milliseconds'],
    [['replay', '--policy', 'lru', '--engine', 'js', '--requests', '10'], 'policy'],
    [['replay', '--demo', '--demo'], '--demo is given twice'],
    [['replay', '--demo=yes'], '--demo takes no value'],
    [['replay', '--demo', 'trace.csv'], '--demo replays a generated trace'],
    [['replay', '/nowhere/trace.csv'], '/nowhere/trace.csv: there is no such file'],
    [['replay', '--requests', '10', '--trace-time', 's', '--engine', 'js'], '--trace-time: generated tells no times'],
    [['version', '--json', '/nowhere/version.json'], '--json cannot write /nowhere/version.json'],
  ])('%j', async (args, message) => {
    const { code, stderr } = await ostraka(args)
    expect(stderr).toContain(`ostraka: `)
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/\(OSTRAKA_ERR_[A-Z_]+\)\n$/)
    expect(stderr).not.toContain('    at ')
    expect(code).toBe(2)
  })
})
