// `prepare` on machines that lack something: it exits 0, says in one line why there is no native engine, and leaves a
// package whose pure-JS engine works.
import { appendFileSync, copyFileSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { platformName } from '../../src/engine/load-addon.js'
import { copyCheckout, folderOfTools, type Outcome, removeCopy, root, run, useThePackage } from './checkout.js'

describe.skipIf(process.platform === 'win32')('prepare without what a native build needs', () => {
  let copy = ''
  beforeAll(() => {
    copy = copyCheckout()
  })
  afterAll(() => removeCopy(copy))
  afterEach(() => rmSync(path.join(copy, 'build'), { recursive: true, force: true }))

  function prepare(environment: Record<string, string | undefined>, ...args: string[]): Promise<Outcome> {
    return run(process.execPath, ['scripts/prepare.mjs', ...args], copy, environment)
  }

  async function expectPureJs(outcome: Outcome, reason: RegExp): Promise<void> {
    expect(outcome.stderr).toBe('')
    expect(outcome.code).toBe(0)
    const lines = outcome.stdout.split('\n').filter((line) => line.includes('pure-JS engine'))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(reason)
    const { imported, required } = await useThePackage(copy)
    for (const program of [imported, required]) {
      expect(program.code, program.stderr).toBe(0)
      expect(JSON.parse(program.stdout)).toEqual({ text: 'chaire', count: 1, absent: true, engine: 'js' })
    }
  }

  it('without any Rust', async () => {
    const tools = folderOfTools(copy, 'tools-without-rust', {})
    await expectPureJs(await prepare({ PATH: tools }), /no Rust here \(cargo is not on the PATH\)/)
  })

  it('with a Rust that is too old', async () => {
    const tools = folderOfTools(copy, 'tools-old', {
      cargo: 'echo "cargo 1.70.0 (7fe40dc8c 2023-04-27)"',
      rustc: 'echo "rustc 1.70.0 (90c541806 2023-05-31)"',
    })
    await expectPureJs(await prepare({ PATH: tools }), /Rust [\d.]+ or newer is needed, cargo is 1\.70\.0/)
  })

  it('with a Rust under which the source does not compile, which only --strict takes as a failure', async () => {
    const tools = folderOfTools(copy, 'tools-failing', {
      cargo:
        'case "$1" in --version) echo "cargo 1.999.0";; build) echo "error: no such instruction" >&2; exit 101;; esac',
      rustc: 'echo "rustc 1.999.0"',
    })
    await expectPureJs(await prepare({ PATH: tools }), /did not compile: no such instruction \(see build\/cargo\.log\)/)
    expect((await prepare({ PATH: tools }, '--strict')).code).toBe(1)
  })

  it('builds once, leaves an unchanged addon alone, and removes one of other source', async (context) => {
    const built = path.join(root, 'build')
    const addon = existsSync(built) ? readdirSync(built).find((name) => name.endsWith('.node')) : undefined
    if (addon === undefined) return context.skip('no addon was built here')
    const library = path.join(copy, 'libostraka_addon.so')
    copyFileSync(path.join(built, addon), library)
    const message = { reason: 'compiler-artifact', target: { kind: ['cdylib'] }, filenames: [library] }
    const tools = folderOfTools(copy, 'tools-building', {
      cargo: `case "$1" in --version) echo "cargo 1.999.0";; build) echo '${JSON.stringify(message)}';; esac`,
      rustc: 'echo "rustc 1.999.0"',
    })
    const nothing = folderOfTools(copy, 'tools-without-rust', {})
    const target = path.join(copy, 'build', `ostraka.${platformName()}.node`)

    expect((await prepare({ PATH: tools })).stdout).toContain('native engine built')
    expect(existsSync(target)).toBe(true)
    expect(await prepare({ PATH: nothing })).toEqual({ code: 0, stdout: '', stderr: '' })
    const { imported } = await useThePackage(copy)
    expect(JSON.parse(imported.stdout)).toMatchObject({ text: 'chaire', engine: 'native' })

    appendFileSync(path.join(copy, 'native', 'core', 'src', 'lib.rs'), '// changed\n')
    await expectPureJs(await prepare({ PATH: nothing }), /no Rust here/)
    expect(existsSync(target)).toBe(false)
  })

  describe('with a network that accepts connections and sends nothing', () => {
    const sockets = new Set<Socket>()
    let server: Server
    let proxy = ''
    beforeAll(async () => {
      server = createServer((socket) => {
        sockets.add(socket)
        socket.on('error', () => socket.destroy())
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('no port')
      proxy = `http://127.0.0.1:${address.port}`
    })
    afterAll(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })

    it('gives up', async (context) => {
      const cargo = await run('cargo', ['--version'], copy).catch(() => undefined)
      if (cargo?.code !== 0) context.skip('needs a real cargo')
      const outcome = await prepare({
        CARGO_HOME: path.join(copy, 'empty-cargo-home'),
        CARGO_HTTP_PROXY: proxy,
        HTTPS_PROXY: proxy,
        https_proxy: proxy,
      })
      await expectPureJs(outcome, /the crates cannot be fetched: /)
      expect(sockets.size).toBeGreaterThan(0)
    })
  })

  it('ends a cargo that itself never returns from the network', async () => {
    const tools = folderOfTools(copy, 'tools-hanging', {
      cargo:
        'case "$*" in --version) echo "cargo 1.999.0";; *--offline*) echo "error: not downloaded" >&2; exit 101;; *) exec sleep 600;; esac',
      rustc: 'echo "rustc 1.999.0"',
      sleep: `exec ${process.execPath} -e 'setTimeout(() => {}, 600000)'`,
    })
    await expectPureJs(await prepare({ PATH: tools }), /the network sent nothing for 10 s/)
  })
})
