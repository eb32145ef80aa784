// Who is let in: the name the page was asked for by, where the request comes from, and the token. A page of another site in the same browser can reach
// a loopback address, by its own name even (DNS rebinding); these checks are what keeps it out. Pure; touches nothing.
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { isLoopback, type ServeSettings } from './options.js'

/** Why a request is refused. */
export interface Refusal {
  readonly status: number
  readonly message: string
}

export const COOKIE = 'ostraka-token'
const MOST_URL = 2048

export class Guard {
  readonly #settings: ServeSettings

  constructor(settings: ServeSettings) {
    this.#settings = settings
  }

  /** Undefined: it may be answered. `changes`: it asks for something to be changed. */
  refusal(request: IncomingMessage, changes: boolean): Refusal | undefined {
    if ((request.url ?? '').length > MOST_URL) return { status: 414, message: 'The address is too long' }
    const { host, origin } = request.headers
    if (!this.#isKnownHost(host)) {
      return { status: 421, message: `This page is not served as ${host ?? 'nothing'}; see allowedHosts` }
    }
    if (origin !== undefined && origin !== `http://${host}` && origin !== `https://${host}`) {
      return { status: 403, message: 'Pages of other sites are not answered' }
    }
    const site = request.headers['sec-fetch-site']
    if (site === 'cross-site' || site === 'same-site') {
      // A link from elsewhere may open the page itself, which shows nothing to who made the link.
      const isVisit = request.headers['sec-fetch-mode'] === 'navigate' && !changes
      if (!isVisit) return { status: 403, message: 'Pages of other sites are not answered' }
    }
    if (changes && (this.#settings.token === undefined || origin === undefined)) {
      return { status: 403, message: 'Changes need a token (option `token`) and come from the page itself' }
    }
    if (!this.hasToken(request)) return { status: 401, message: 'A token is needed: open the page as /?token=…' }
    return undefined
  }

  /** Whether it carries the token, as a bearer's, as the cookie, or nothing is asked for. */
  hasToken(request: IncomingMessage): boolean {
    if (this.#settings.token === undefined) return true
    const { authorization = '', cookie = '' } = request.headers
    const bearer = /^Bearer (.+)$/.exec(authorization)?.[1]
    const kept = cookie
      .split(';')
      .map((part) => part.trim())
      .find((part) => part.startsWith(`${COOKIE}=`))
    return this.isToken(bearer) || this.isToken(kept === undefined ? undefined : decoded(kept.slice(COOKIE.length + 1)))
  }

  isToken(given: string | null | undefined): boolean {
    const { token } = this.#settings
    if (token === undefined || given === undefined || given === null) return false
    // Of equal length whatever was given, and compared in constant time.
    return timingSafeEqual(digest(given), digest(token))
  }

  #isKnownHost(header: string | undefined): boolean {
    if (header === undefined) return false
    const name = header
      .replace(/:\d+$/, '')
      .replace(/^\[|\]$/g, '')
      .toLowerCase()
    const { host, allowedHosts } = this.#settings
    return isLoopback(name) || name === host.toLowerCase() || allowedHosts.some((known) => known.toLowerCase() === name)
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
