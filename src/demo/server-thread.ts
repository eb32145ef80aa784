// One server thread of the demo: an HTTP server on a port of its own before a cache and the origin. What the cache holds is sent as it is;
// what it lacks is asked of the origin's thread. May touch: a port of 127.0.0.1, its cache, the port to the origin.
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { answer } from './calls.js'
import type { OriginReply, OriginRequest } from './origin-thread.js'
import { openStore, type StoreSettings } from './store.js'
import { bodyOf, keyOf } from './workload.js'

export interface ServerTask {
  readonly thread: number
  readonly store: StoreSettings
  readonly origin: MessagePort
}

/** Of one slice of load. */
export interface ServerCounts {
  readonly hits: number
  readonly misses: number
  /** Milliseconds for which this thread's event loop stood still at most. */
  readonly longestPause: number
}

const { thread, store: settings, origin } = workerData as ServerTask
const port = parentPort!
const store = await openStore(settings)

/** Coarse enough to cost nothing, fine enough for pauses that anybody would notice. */
const resolution = 2
const delay: IntervalHistogram = monitorEventLoopDelay({ resolution })

let hits = 0
let misses = 0

const asked = new Map<number, { resolve(body: string): void; reject(error: Error): void }>()
let lastId = 0
origin.on('message', ({ id, body }: OriginReply) => {
  const waiting = asked.get(id)
  asked.delete(id)
  if (body === undefined) waiting?.reject(new Error('there is nothing'))
  else waiting?.resolve(body)
})

function askOrigin(key: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const id = ++lastId
    asked.set(id, { resolve, reject })
    origin.postMessage({ id, key } satisfies OriginRequest)
  })
}

function send(response: ServerResponse, cached: 'hit' | 'miss', body: string): void {
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-length': body.length,
    'x-cache': cached,
    'x-thread': thread,
  })
  // Bodies are ASCII, one byte a character.
  response.end(body, 'latin1')
}

const help = `GET /item/NUMBER or /row/NUMBER: from the cache, else from the slow origin (see the header x-cache)
GET /stats: what the cache tells about itself
`

const server = createServer((request, response) => {
  const key = request.url!.slice(1)
  if (key === '' || key === 'stats') {
    const stats = store.cache?.stats() ?? { size: store.size }
    response.setHeader('content-type', key === '' ? 'text/plain' : 'application/json')
    response.end(key === '' ? help : `${JSON.stringify(stats, null, 2)}\n`)
    return
  }
  const found = store.get(key)
  if (found !== undefined) {
    hits++
    send(response, 'hit', found)
    return
  }
  misses++
  store
    .load(key, () => askOrigin(key))
    .then(
      (body) => send(response, 'miss', body),
      () => {
        response.statusCode = 404
        response.end()
      },
    )
})
// Clients keep their connections for the whole demo.
server.keepAliveTimeout = 120_000

/** Requests that a thread takes at a time while the cache is filled. */
const block = 64

const answers = {
  listen: () =>
    new Promise<{ port: number; engine: string; engineReason: string }>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', () => {
        const { engine, engineReason } = store.cache?.stats() ?? { engine: '', engineReason: '' }
        resolve({ port: (server.address() as AddressInfo).port, engine, engineReason })
      })
    }),

  /** Makes as many bodies for nothing, so that V8's young generation has grown to what it is under load. */
  exercise: (items: number) => {
    for (let item = 0; item < items; item++) bodyOf(keyOf(item))
  },

  /** Plays requests that all threads share out among themselves, without HTTP and without waiting for the origin. */
  warm: ({ requests, next }: { requests: Uint32Array; next: Int32Array }) => {
    for (;;) {
      const from = Atomics.add(next, 0, 1) * block
      if (from >= requests.length) return store.size
      for (let at = from; at < Math.min(from + block, requests.length); at++) {
        const key = keyOf(requests[at]!)
        if (store.get(key) === undefined) store.set(key, bodyOf(key)!)
      }
    }
  },

  begin: () => {
    hits = 0
    misses = 0
    delay.reset()
    delay.enable()
  },

  end: (): ServerCounts => {
    delay.disable()
    // What is recorded is the time between two ticks, so that even an idle loop shows the resolution.
    return { hits, misses, longestPause: Math.max(0, delay.max / 1e6 - resolution) }
  },

  collect: () => {
    ;(globalThis as { gc?: () => void }).gc?.()
    return store.size
  },

  close: async () => {
    server.close()
    server.closeAllConnections()
    await store.close()
    origin.close()
    // After the answer has gone.
    setImmediate(() => port.close())
  },
}
export type ServerAnswers = typeof answers

answer(port, answers)
