// The packed tarball in a production install: nothing of ours runs, no compiler is needed, nothing foreign is inside,
// import and require both work silently, and a platform package beside it is found.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { platformName } from '../../src/engine/load-addon.js'
import { copyCheckout, folderOfTools, removeCopy, root, run, useThePackage } from './checkout.js'

describe.skipIf(process.platform === 'win32')('a production install of the packed tarball', () => {
  let copy = ''
  let app = ''
  let files: string[] = []

  beforeAll(async () => {
    copy = copyCheckout()
    const tools = folderOfTools(copy, 'tools', {})
    const prepared = await run(process.execPath, ['scripts/prepare.mjs'], copy, { PATH: tools })
    expect(prepared.code).toBe(0)
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json'], copy)
    expect(packed.code, packed.stderr).toBe(0)
    const report: unknown = JSON.parse(packed.stdout)
    const [{ filename, files: listed }] = (Array.isArray(report) ? report : Object.values(report as object)) as [
      { filename: string; files: { path: string }[] },
    ]
    files = listed.map((file) => file.path)

    app = path.join(copy, 'app')
    mkdirSync(app)
    writeFileSync(path.join(app, 'package.json'), JSON.stringify({ name: 'app', private: true }))
    // Compilers that would leave a trace if anything called them.
    const marker = `echo called >> ${path.join(copy, 'compiler-was-called')}`
    const traps = folderOfTools(copy, 'traps', { cargo: marker, rustc: marker, tsc: marker })
    const PATH = `${traps}${path.delimiter}${process.env['PATH']}`
    const install = ['install', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund', path.join('..', filename)]
    const installed = await run('npm', install, app, { PATH })
    expect(installed.code, installed.stderr).toBe(0)
  })
  afterAll(() => removeCopy(copy))

  it('has no install scripts', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    for (const name of ['preinstall', 'install', 'postinstall']) expect(manifest.scripts).not.toHaveProperty(name)
    expect(existsSync(path.join(copy, 'compiler-was-called'))).toBe(false)
  })

  it('is locked without naming a host to download from', () => {
    const lock = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')) as { packages: object }
    const entries = Object.entries(lock.packages) as [string, { resolved?: string; integrity?: string }][]
    for (const [name, entry] of entries) {
      expect(entry.resolved, name).toBeUndefined()
      if (name !== '') expect(entry.integrity, name).toMatch(/^sha512-/)
    }
  })

  it('contains what runs and its notices, no sources, no tests, no binary', () => {
    expect(files).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'THIRD-PARTY-NOTICES.md']))
    expect(files).toEqual(
      expect.arrayContaining(['dist/index.js', 'dist/index.d.ts', 'types/index.d.cts', 'dist/cli/main.js']),
    )
    const foreign = files.filter(
      (file) =>
        !/^(dist\/.*\.(js|d\.ts)|types\/\w+\.d\.cts|dashboard\/\w+\.(js|css|html|svg)|package\.json|[A-Z-]+(\.md)?)$/.test(
          file,
        ),
    )
    expect(foreign).toEqual([])
  })

  it('works by its pure-JS engine and says once why, by import and by require', async () => {
    const { imported, required } = await useThePackage(app)
    for (const program of [imported, required]) {
      expect(program.code, program.stderr).toBe(0)
      expect(JSON.parse(program.stdout)).toEqual({ text: 'chaire', count: 1, absent: true, engine: 'js' })
      const said = program.stderr.split('\n').filter((line) => line.length > 0)
      expect(said).toHaveLength(1)
      expect(said[0]).toContain(`the package ostraka-${platformName()} is not installed`)
    }
  })

  it('runs the command line from node_modules/.bin', async () => {
    const told = await run(path.join(app, 'node_modules', '.bin', 'ostraka'), ['--help'], app)
    expect(told.code, told.stderr).toBe(0)
    expect(told.stdout).toContain('replay')
  })

  it('finds the platform package that npm puts beside it', async (context) => {
    const build = path.join(root, 'build')
    const file = existsSync(build) ? readdirSync(build).find((name) => name.endsWith('.node')) : undefined
    if (file === undefined) return context.skip('no addon was built here')
    const folder = path.join(app, 'node_modules', `ostraka-${platformName()}`)
    mkdirSync(folder)
    copyFileSync(path.join(build, file), path.join(folder, file))
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ name: path.basename(folder), main: file }))
    const { imported, required } = await useThePackage(app)
    for (const program of [imported, required]) {
      expect(program.code, program.stderr).toBe(0)
      expect(JSON.parse(program.stdout)).toMatchObject({ text: 'chaire', engine: 'native' })
      expect(program.stderr).toBe('')
    }
  })
})
