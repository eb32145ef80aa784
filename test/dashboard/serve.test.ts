// The live page as a server: what it shows, whom it lets in, and what it bears.
import { request as ask, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Cache } from '../../src/cache/cache.js'
import { createCache } from '../../src/cache/create-cache.js'
import type { ServeOptions } from '../../src/dashboard/options.js'
import type { Dashboard } from '../../src/dashboard/serve.js'

const TOKEN = 'a token of some length'
let cache: Cache | undefined
let page: Dashboard

async function serve(options: ServeOptions = {}): Promise<Cache> {
  cache = createCache({ name: 'shown', maxBytes: '16mb', stats: 'full', owners: 0 })
  for (let i = 0; i < 500; i++) cache.set(`secret:${i % 50}`, { i })
  for (let i = 0; i < 500; i++) cache.get(`secret:${i % 10}`)
  page = await cache.serve({ port: 0, ...options })
  return cache
}

afterEach(async () => {
  await page.close()
  await cache?.close()
})

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET', body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: '127.0.0.1', port: page.port, path, method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

const host = () => `127.0.0.1:${page.port}`
const origin = () => `http://${host()}`

describe('what it shows', () => {
  it('is the page with all that belongs to it, and nothing from elsewhere', async () => {
    await serve()
    expect(page.url).toBe(`http://127.0.0.1:${page.port}/`)
    const { status, headers, body } = await get('/')
    expect(status).toBe(200)
    expect(headers['content-security-policy']).toContain("default-src 'self'")
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//)
    const assets = [...body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path!)
    for (const path of new Set([...assets, '/charts.js'])) expect((await get(path)).status, path).toBe(200)
    expect((await get('/metrics')).body).toContain('ostraka_entries{cache="shown"} 50')
    expect((await get('/../package.json')).status).toBe(404)
    expect((await get('/nothing')).status).toBe(404)
    expect((await get('/', {}, 'DELETE')).status).toBe(403)
  })

  it('agrees with stats(), and streams each second what came', async () => {
    const cache = await serve()
    const { body } = await get('/api/state')
    const { present, name } = JSON.parse(body)
    expect(name).toBe('shown')
    expect(present.stats.hits).toBe(cache.stats().hits)
    expect(present.keys[0].key).toMatch(/^secret:/)
    expect(present.mayChange).toBe(false)
    expect(present.shards[0].kinds).toMatch(/^[0-5]+$/)
    const parts: string[] = []
    const stream = ask({ host: '127.0.0.1', port: page.port, path: '/api/stream', agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (part: string) => parts.push(part))
    })
    stream.end()
    await vi.waitFor(() => expect(parts.join('')).toContain('event: whole'), { timeout: 30_000 })
    for (let i = 0; i < 1000; i++) cache.get('absent')
    const seconds = () =>
      [...parts.join('').matchAll(/event: second\ndata: (.*)\n\n/g)].map(([, data]) => JSON.parse(data!).point)
    await vi.waitFor(() => expect(seconds().some(({ gets }) => gets > 0)).toBe(true), { timeout: 30_000, interval: 50 })
    const busy = seconds().find(({ gets }) => gets > 0)
    expect(busy.hitRatio).toBeLessThan(0.5)
    expect(busy.times.reduce((sum: number, count: number) => sum + count, 0)).toBeGreaterThan(500)
    expect(busy.slices.reduce((sum: number, count: number) => sum + count, 0)).toBeGreaterThan(500)
    stream.destroy()
  })

  it('hides keys where it is asked to', async () => {
    const cache = await serve({ redactKeys: true })
    await cache.getOrSet('secret:load', () => Promise.reject(new Error('no'))).catch(() => undefined)
    cache.set('x', 1, { tags: ['secret:tag'] })
    const { body } = await get('/api/state')
    expect(JSON.parse(body).present.keys.length).toBeGreaterThan(5)
    expect(JSON.parse(body).present.events.length).toBeGreaterThan(0)
    expect(body).not.toContain('secret')
  })
})

describe('whom it lets in', () => {
  it('is nobody without the token, where there is one', async () => {
    await serve({ token: TOKEN })
    for (const path of ['/', '/api/state', '/api/stream', '/metrics', '/page.js']) {
      expect((await get(path)).status, path).toBe(401)
      expect((await get(path, { authorization: 'Bearer something else' })).status, path).toBe(401)
      expect((await get(path, { cookie: 'ostraka-token=%E0%A4%A' })).status, path).toBe(401)
    }
    expect((await get('/?token=wrong')).status).toBe(401)
    expect((await get('/api/state', { authorization: `Bearer ${TOKEN}` })).status).toBe(200)
    const entered = await get(`/?token=${encodeURIComponent(TOKEN)}`)
    expect([entered.status, entered.headers.location]).toEqual([303, '/'])
    const [cookie] = entered.headers['set-cookie']!
    expect(cookie).toContain('HttpOnly')
    expect(cookie).toContain('SameSite=Strict')
    expect((await get('/', { cookie: cookie!.split(';')[0]! })).status).toBe(200)
  })

  it('is no page of another site, by whatever name it asks', async () => {
    const cache = await serve({ token: TOKEN, allowedHosts: ['stats.example.org'] })
    const authorization = `Bearer ${TOKEN}`
    const ok = { authorization }
    expect((await get('/api/state', { ...ok, host: 'evil.example.com' })).status).toBe(421)
    expect((await get('/api/state', { ...ok, host: `evil.example.com:${page.port}` })).status).toBe(421)
    expect((await get('/api/state', { ...ok, host: '127.0.0.1.example.com' })).status).toBe(421)
    expect((await get('/api/state', { ...ok, host: 'stats.example.org' })).status).toBe(200)
    expect((await get('/api/state', { ...ok, host: `localhost:${page.port}` })).status).toBe(200)
    expect((await get('/api/state', { ...ok, origin: 'http://evil.example.com' })).status).toBe(403)
    expect((await get('/api/state', { ...ok, origin: 'null' })).status).toBe(403)
    expect((await get('/api/state', { ...ok, 'sec-fetch-site': 'cross-site' })).status).toBe(403)
    const post = (headers: Record<string, string>, body = 'off') => get('/api/level', headers, 'POST', body)
    for (const headers of [{}, ok, { origin: origin() }, { ...ok, origin: 'http://evil.example.com' }]) {
      expect([401, 403]).toContain((await post(headers)).status)
    }
    expect(cache.statsLevel).toBe('full')
    expect((await post({ ...ok, origin: origin() }, 'some')).status).toBe(400)
    expect((await post({ ...ok, origin: origin() }, 'x'.repeat(5000))).status).toBe(413)
    expect((await post({ ...ok, origin: origin() })).status).toBe(204)
    expect(cache.statsLevel).toBe('off')
    expect((await get('/api/state', { ...ok, origin: origin() }, 'PUT')).status).toBe(405)
  })

  it('changes nothing without a token', async () => {
    const cache = await serve()
    expect((await get('/api/level', { origin: origin() }, 'POST', 'off')).status).toBe(403)
    expect(cache.statsLevel).toBe('full')
  })
})

describe('what it bears', () => {
  it('refuses what is huge', async () => {
    await serve()
    expect((await get(`/api/state?${'x'.repeat(3000)}`)).status).toBe(414)
    expect((await get('/', { long: 'x'.repeat(10_000) })).status).toBe(431)
  })

  it('goes on beside 200 idle connections, streams that nobody reads, and more than it takes', async () => {
    const cache = await serve()
    const sockets: Socket[] = []
    const open = async (text: string) => {
      const socket = connect(page.port, '127.0.0.1')
      socket.on('error', () => undefined)
      sockets.push(socket)
      await new Promise((resolve) => socket.once('connect', resolve))
      socket.write(text)
      return socket
    }
    try {
      for (let i = 0; i < 200; i++) await open('GET / HTTP/1.1\r\n')
      for (let i = 0; i < 8; i++) (await open(`GET /api/stream HTTP/1.1\r\nHost: ${host()}\r\n\r\n`)).pause()
      expect((await get('/api/state')).status).toBe(200)
      for (let i = 0; i < 1000; i++) cache.set(`k${i}`, 'x')
      expect(cache.get('k999')).toBe('x')
      // Beyond the bound connections are refused, and the others are served on.
      for (let i = 0; i < 60; i++) await open('')
      for (const socket of sockets.splice(0, 100)) socket.destroy()
      await vi.waitFor(async () => expect((await get('/metrics')).status).toBe(200), { timeout: 30_000 })
    } finally {
      for (const socket of sockets) socket.destroy()
    }
  })

  it('ends when it is closed, when its cache is, and says why it cannot begin', async () => {
    const cache = await serve()
    const wrong = expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_OPTION' })
    const bad: object[] = [{ port: -1 }, { host: '0.0.0.0' }, { token: 'short' }, { ports: 1 }, { allowedHosts: 'x' }]
    for (const options of bad) await expect(cache.serve(options)).rejects.toThrowError(wrong)
    await expect(cache.serve({ port: page.port })).rejects.toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_SERVE' }),
    )
    const second = await cache.serve({ port: 0 })
    await second.close()
    await cache.close()
    await vi.waitFor(() => expect(page.port).toBe(0), { timeout: 30_000 })
  })
})
