// Finding the addon: what is named and broken is reported with the loader's own error, and nothing ever throws.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadAddon, platformName } from '../../src/engine/load-addon.js'

describe('loadAddon', () => {
  const before = process.env['OSTRAKA_ADDON']
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ostraka-addon-'))
  })
  afterEach(() => {
    if (before === undefined) delete process.env['OSTRAKA_ADDON']
    else process.env['OSTRAKA_ADDON'] = before
    rmSync(folder, { recursive: true, force: true })
  })

  it('keeps the real error of a file that is no addon', () => {
    const file = path.join(folder, 'broken.node')
    writeFileSync(file, 'this is no shared object')
    process.env['OSTRAKA_ADDON'] = file
    const outcome = loadAddon()
    expect(outcome).toMatchObject({ reason: `OSTRAKA_ADDON names ${file}, which does not load` })
    expect(outcome).not.toHaveProperty('addon')
    expect(outcome).toHaveProperty('cause.code', 'ERR_DLOPEN_FAILED')
  })

  it('does not go on to another place when the named file is absent', () => {
    process.env['OSTRAKA_ADDON'] = path.join(folder, 'absent.node')
    const outcome = loadAddon()
    expect(outcome).toHaveProperty('reason')
    expect(outcome).toHaveProperty('cause.code', 'MODULE_NOT_FOUND')
  })

  it('either finds an addon or says why there is none', () => {
    delete process.env['OSTRAKA_ADDON']
    const outcome = loadAddon()
    if ('addon' in outcome) expect(outcome.file).toContain(platformName())
    else expect(outcome.reason).toMatch(/\w/)
  })

  it('names the platform as the platform packages do', () => {
    const expected = process.platform === 'linux' ? /^linux-\w+-(gnu|musl)$/ : /^(darwin|win32|\w+)-\w+/
    expect(platformName()).toMatch(expected)
  })
})
