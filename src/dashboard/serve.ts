// The live page of a cache: an HTTP server that shows what the cache tells about itself, once a second by server-sent events. Bounded in connections,
// in what a slow reader may leave unread, and in what it reads of a request; keeps no process alive. Touches its sockets and the files of the page.
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { OstrakaError } from '../errors.js'
import { levels, type StatsLevel } from '../stats/level.js'
import { prometheusContentType } from '../stats/prometheus.js'
import { COOKIE, Guard } from './guard.js'
import { readServeOptions, type ServeOptions, type ServeSettings } from './options.js'
import { DashboardState, type Watched } from './state.js'

/** A page that is being served. */
export interface Dashboard {
  /** Where it is, without its token. */
  readonly url: string
  readonly port: number
  /** Ends all connections. */
  close(): Promise<void>
}

const MOST_CONNECTIONS = 256
const MOST_STREAMS = 64
/** What a reader may leave unread, in bytes; one that leaves more is cut off and comes back by itself. */
const MOST_UNREAD = 2 ** 20
const MOST_BODY = 1024
const TIMEOUT_MS = 10_000
const EVERY_MS = 1000

interface Asset {
  readonly type: string
  readonly body: Buffer
}

/** Throws OSTRAKA_ERR_INVALID_OPTION, naming every fault, and OSTRAKA_ERR_SERVE where it cannot listen there. */
export async function serveDashboard(watched: Watched, options: ServeOptions | undefined): Promise<Dashboard> {
  const settings = readServeOptions(options)
  const page = new Page(watched, settings)
  await page.listen()
  return page
}

class Page implements Dashboard {
  readonly #watched: Watched
  readonly #settings: ServeSettings
  readonly #guard: Guard
  readonly #state: DashboardState
  readonly #server: Server
  readonly #assets = readAssets()
  readonly #streams = new Set<ServerResponse>()
  #timer: NodeJS.Timeout | undefined

  constructor(watched: Watched, settings: ServeSettings) {
    this.#watched = watched
    this.#settings = settings
    this.#guard = new Guard(settings)
    this.#state = new DashboardState(watched, settings.redactKeys, settings.token !== undefined)
    const limits = { headersTimeout: TIMEOUT_MS, requestTimeout: TIMEOUT_MS, maxHeaderSize: 8192 }
    this.#server = createServer(limits, (request, response) => this.#answer(request, response))
    this.#server.maxConnections = MOST_CONNECTIONS
    this.#server.on('connection', (socket) => socket.unref())
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get url(): string {
    const { host } = this.#settings
    return `http://${host.includes(':') ? `[${host}]` : host}:${this.port}/`
  }

  listen(): Promise<void> {
    const { port, host } = this.#settings
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `The page cannot be served at ${host}:${port}: ${cause.message}; choose another port or host`
        reject(new OstrakaError('OSTRAKA_ERR_SERVE', message, { cause }))
      })
      this.#server.listen(port, host, () => {
        this.#server.unref()
        this.#timer = setInterval(() => this.#tick(), EVERY_MS).unref()
        resolve()
      })
    })
  }

  async close(): Promise<void> {
    if (this.#timer !== undefined) clearInterval(this.#timer)
    for (const stream of this.#streams) stream.end()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    secure(response)
    const { method = 'GET' } = request
    const url = new URL(request.url?.startsWith('/') ? request.url.slice(0, 4096) : '/', 'http://page')
    const enters = method === 'GET' && url.pathname === '/' && this.#guard.isToken(url.searchParams.get('token'))
    const refusal = this.#guard.refusal(request, method !== 'GET' && method !== 'HEAD')
    if (enters && (refusal === undefined || refusal.status === 401)) {
      const token = encodeURIComponent(this.#settings.token ?? '')
      response.writeHead(303, { location: '/', 'set-cookie': `${COOKIE}=${token}; HttpOnly; SameSite=Strict; Path=/` })
      response.end()
    } else if (refusal !== undefined) {
      refuse(response, refusal.status, refusal.message)
    } else if (method === 'POST' && url.pathname === '/api/level') {
      this.#setLevel(request, response)
    } else if (method !== 'GET' && method !== 'HEAD') {
      refuse(response, 405, 'Only GET, and POST to /api/level')
    } else {
      this.#show(url.pathname, response, request)
    }
  }

  #show(path: string, response: ServerResponse, request: IncomingMessage): void {
    const asset = this.#assets.get(path)
    if (asset !== undefined) send(response, asset.type, asset.body)
    else if (path === '/metrics')
      this.#guarded(response, () => send(response, prometheusContentType, this.#watched.cache.metrics()))
    else if (path === '/api/state') this.#guarded(response, () => sendJson(response, this.#whole()))
    else if (path === '/api/stream') this.#stream(response, request)
    else refuse(response, 404, 'There is no such page')
  }

  #whole(): object {
    return { name: this.#watched.cache.name, points: this.#state.points, present: this.#state.present() }
  }

  #stream(response: ServerResponse, request: IncomingMessage): void {
    if (this.#streams.size >= MOST_STREAMS) {
      refuse(response, 503, `More than ${MOST_STREAMS} pages are open`)
      return
    }
    this.#guarded(response, () => {
      const first = JSON.stringify(this.#whole())
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
      response.write(`retry: 2000\nevent: whole\ndata: ${first}\n\n`)
      this.#streams.add(response)
      request.on('close', () => this.#streams.delete(response))
    })
  }

  #tick(): void {
    try {
      const point = this.#state.tick()
      if (this.#streams.size === 0) return
      const data = `event: second\ndata: ${JSON.stringify({ point, present: this.#state.present() })}\n\n`
      for (const stream of this.#streams) {
        if (stream.writableLength > MOST_UNREAD) {
          this.#streams.delete(stream)
          stream.destroy()
        } else stream.write(data)
      }
    } catch (error) {
      // The cache was closed: nothing is left to show.
      if (error instanceof OstrakaError && error.code === 'OSTRAKA_ERR_CLOSED') void this.close()
      else throw error
    }
  }

  #setLevel(request: IncomingMessage, response: ServerResponse): void {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (part: string) => {
      body += part
      if (body.length <= MOST_BODY) return
      refuse(response, 413, 'The request is too long')
      request.destroy()
    })
    request.on('end', () => {
      if (!(levels as readonly string[]).includes(body)) {
        refuse(response, 400, `A level is one of ${levels.join(', ')}`)
        return
      }
      this.#guarded(response, () => {
        this.#watched.cache.statsLevel = body as StatsLevel
        response.writeHead(204).end()
      })
    })
  }

  #guarded(response: ServerResponse, work: () => void): void {
    try {
      work()
    } catch (error) {
      if (!(error instanceof OstrakaError)) throw error
      refuse(response, 503, error.message)
    }
  }
}

/** The page comes with the package, in the folder `dashboard`; the charts are uPlot's. */
function readAssets(): Map<string, Asset> {
  // Two folders up both from src/dashboard and from dist/dashboard.
  const own = (name: string) => readFileSync(new URL(`../../dashboard/${name}`, import.meta.url))
  const { resolve } = createRequire(import.meta.url)
  const script = 'text/javascript; charset=utf-8'
  const style = 'text/css; charset=utf-8'
  return new Map([
    ['/', { type: 'text/html; charset=utf-8', body: own('index.html') }],
    ['/page.js', { type: script, body: own('page.js') }],
    ['/charts.js', { type: script, body: own('charts.js') }],
    ['/page.css', { type: style, body: own('page.css') }],
    ['/icon.svg', { type: 'image/svg+xml', body: own('icon.svg') }],
    ['/uplot.js', { type: script, body: readFileSync(resolve('uplot/dist/uPlot.iife.min.js')) }],
    ['/uplot.css', { type: style, body: readFileSync(resolve('uplot/dist/uPlot.min.css')) }],
  ])
}

function secure(response: ServerResponse): void {
  response.setHeader('content-security-policy', "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
  response.setHeader('x-content-type-options', 'nosniff')
  response.setHeader('referrer-policy', 'no-referrer')
  response.setHeader('cross-origin-resource-policy', 'same-origin')
  response.setHeader('cache-control', 'no-store')
}

function send(response: ServerResponse, type: string, body: string | Buffer): void {
  response.writeHead(200, { 'content-type': type }).end(body)
}

function sendJson(response: ServerResponse, value: object): void {
  send(response, 'application/json; charset=utf-8', JSON.stringify(value))
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) return
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`)
}
