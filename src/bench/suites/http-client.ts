// An HTTP client as a subject: a get is a request over one of its keep-alive connections. May touch: ports of 127.0.0.1.
import { Agent, get } from 'node:http'
import type { BenchmarkRequest, OpenContext } from '../runner/target.js'

export interface HttpClientOptions {
  readonly ports: readonly number[]
  /** Paths to ask for, in turn. */
  readonly paths: readonly string[]
}

export function open(options: unknown, { connections, thread }: OpenContext) {
  const { ports, paths } = options as HttpClientOptions
  const agents = ports.map(() => new Agent({ keepAlive: true, maxSockets: Math.ceil(connections / ports.length) }))
  let next = thread * 7919
  return (_: BenchmarkRequest): Promise<string> => {
    const at = next++
    const which = at % ports.length
    const path = paths[at % paths.length]!
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: ports[which]!, path, agent: agents[which]! }, (response) => {
        let body = ''
        response.setEncoding('latin1')
        response.on('data', (piece: string) => {
          body += piece
        })
        response.on('end', () =>
          response.statusCode === 200 ? resolve(body) : reject(new Error(`status ${response.statusCode}`)),
        )
        response.on('error', reject)
      }).on('error', reject)
    })
  }
}
