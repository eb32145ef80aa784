// The live page in a browser, under load: its figures move and agree with stats(), in light, dark and at a phone's width; the keyboard works, axe-core finds
// nothing, nothing is asked of any other machine. Needs a Chromium: OSTRAKA_CHROMIUM names one, else that of the system; without one this is skipped.
// OSTRAKA_SCREENSHOTS names a folder for pictures.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createCache } from '../../src/cache/create-cache.js'

const places = [
  process.env['OSTRAKA_CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
]
const executablePath = places.find((place) => place !== undefined && existsSync(place))
const title = executablePath === undefined ? 'the page (skipped: no Chromium is installed)' : 'the page'
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 390, height: 800 } },
} as const

describe.skipIf(executablePath === undefined)(title, () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: executablePath as string, args: ['--no-sandbox'] })
  })
  afterAll(() => browser.close())

  it.each(Object.entries(looks))('is live, complete and accessible: %s', async (name, look) => {
    const cache = createCache({ name: `page-${name}`, maxBytes: '16mb', stats: 'full', owners: 0 })
    const token = 'a token of some length'
    const served = await cache.serve({ port: 0, token })
    const load = setInterval(() => {
      for (let i = 0; i < 200; i++) {
        cache.set(`k${i}<b>`, { i })
        cache.get(`k${i % 20}<b>`)
      }
      cache.get('absent')
    }, 20)
    // The test reads the page by a script of its own, which the page's own policy would refuse.
    const context = await browser.newContext({ ...look, bypassCSP: true })
    const page = await context.newPage()
    const faults: string[] = []
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('request', (request) => !request.url().startsWith(served.url) && faults.push(request.url()))
    await page.goto(`${served.url}?token=${encodeURIComponent(token)}`)
    await page.waitForFunction(`document.querySelectorAll('#keys tbody tr').length > 5`)
    const before = await total(page)
    await page.waitForFunction(`${hits} > ${before}`)
    const after = await total(page)
    expect(after).toBeGreaterThan(before)
    expect(after).toBeLessThanOrEqual(cache.stats().hits)
    expect(await page.locator('#keys tbody td').first().textContent()).toMatch(/^k\d+<b>$/)
    expect(page.url()).toBe(served.url)

    // By the keyboard alone: pause, theme, level.
    await page.keyboard.press('p')
    expect(await page.locator('#pause').getAttribute('aria-pressed')).toBe('true')
    await page.keyboard.press('p')
    const theme = () => page.evaluate('document.documentElement.dataset.theme')
    expect(await theme()).toBe(name === 'dark' ? 'dark' : 'light')
    await page.keyboard.press('t')
    expect(await theme()).toBe(name === 'dark' ? 'light' : 'dark')
    await page.keyboard.press('t')
    await page.locator('#level').selectOption('counters')
    await page.waitForFunction(`document.querySelector('#status').textContent.includes('level counters')`)
    expect(cache.statsLevel).toBe('counters')

    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(look.viewport.width)
    await page.evaluate(axe)
    const found = await page.evaluate(() => (globalThis as unknown as { axe: Axe }).axe.run())
    expect(found.violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([])
    expect(faults).toEqual([])
    const folder = process.env['OSTRAKA_SCREENSHOTS']
    if (folder !== undefined) await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true })
    clearInterval(load)
    await context.close()
    await served.close()
    await cache.close()
  })
})

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
}

/** What the page's table says; runs in the page, whose types this program does not have. */
const hits = `Number([...document.querySelectorAll('#totals tbody tr')]
  .find((row) => row.firstElementChild.textContent === 'hits')?.lastElementChild.textContent.replaceAll(',', '') ?? 0)`

async function total(page: Page): Promise<number> {
  return Number(await page.evaluate(hits))
}
