// What `cache.serve(options)` takes: where the page listens, who may see it, and what it shows of keys. Checks all of it at once; touches nothing.
import { isIP } from 'node:net'
import type { OstrakaFault } from '../errors.js'
import { invalidOptions, show } from '../options/validate.js'

export interface ServeOptions {
  /** Default 7007; 0: any that is free. */
  port?: number | undefined
  /** Default '127.0.0.1'. Anything but a loopback address needs a `token`. */
  host?: string | undefined
  /** At least 16 characters. With one, nobody sees anything without it; without one, nothing can be changed. */
  token?: string | undefined
  /** Further names by which the page may be asked for, as behind a proxy: the `Host` header must be one that is known. */
  allowedHosts?: readonly string[] | undefined
  /** Shows keys and tags as short hashes. Default false. */
  redactKeys?: boolean | undefined
}

export interface ServeSettings {
  readonly port: number
  readonly host: string
  readonly token: string | undefined
  readonly allowedHosts: readonly string[]
  readonly redactKeys: boolean
}

const LEAST_TOKEN = 16
const known = ['port', 'host', 'token', 'allowedHosts', 'redactKeys']

/** Throws OSTRAKA_ERR_INVALID_OPTION, naming every fault. */
export function readServeOptions(options: ServeOptions = {}): ServeSettings {
  if (typeof options !== 'object' || options === null) throw invalidOptions([fault('(options)', options, 'an object')])
  const { port = 7007, host = '127.0.0.1', token, allowedHosts = [], redactKeys = false } = options
  const faults: OstrakaFault[] = Object.keys(options)
    .filter((name) => !known.includes(name))
    .map((path) => ({ path, message: `unknown option; known are ${known.join(', ')}` }))
  if (!Number.isInteger(port) || port < 0 || port > 65_535) faults.push(fault('port', port, 'a number from 0 to 65535'))
  if (typeof host !== 'string' || host === '') faults.push(fault('host', host, 'an address or a name'))
  if (token !== undefined && (typeof token !== 'string' || token.length < LEAST_TOKEN)) {
    faults.push({ path: 'token', message: `use a string of at least ${LEAST_TOKEN} characters` })
  }
  if (typeof host === 'string' && token === undefined && !isLoopback(host)) {
    faults.push({ path: 'token', message: `is needed where the page listens on ${host}, for others to reach` })
  }
  if (!Array.isArray(allowedHosts) || allowedHosts.some((name) => typeof name !== 'string')) {
    faults.push(fault('allowedHosts', allowedHosts, 'a list of host names'))
  }
  if (typeof redactKeys !== 'boolean') faults.push(fault('redactKeys', redactKeys, 'true or false'))
  if (faults.length > 0) throw invalidOptions(faults)
  return { port, host, token, allowedHosts, redactKeys }
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true
  return isIP(host) === 4 && host.startsWith('127.')
}

function fault(path: string, value: unknown, hint: string): OstrakaFault {
  return { path, message: `got ${show(value)}; use ${hint}` }
}
