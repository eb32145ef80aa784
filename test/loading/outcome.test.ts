// Errors as bytes, for callers in other threads.
import { describe, expect, it } from 'vitest'
import { OstrakaError } from '../../src/errors.js'
import { decodeOutcome, encodeOutcome, MAX_OUTCOME_BYTES } from '../../src/loading/outcome.js'

const through = (error: unknown) => decodeOutcome(encodeOutcome(error))

class HttpError extends Error {
  override name = 'HttpError'
  readonly code = 'E_HTTP'
  readonly status = 503
  readonly secretsAreObjects = { token: 'x' }
}

describe('errors through shared memory', () => {
  it('keep name, message, code, status, stack and cause', () => {
    const error = new HttpError('down', { cause: new TypeError('no route', { cause: 'cable' }) })
    const told = through(error) as HttpError
    expect(told).toBeInstanceOf(Error)
    expect([told.name, told.message, told.code, told.status, told.stack]).toEqual([
      'HttpError',
      'down',
      'E_HTTP',
      503,
      error.stack,
    ])
    expect(String(told)).toBe('HttpError: down')
    expect(told.cause).toBeInstanceOf(TypeError)
    expect((told.cause as Error).message).toBe('no route')
    expect((told.cause as Error).cause).toBe('cable')
    expect(told).not.toHaveProperty('secretsAreObjects')
    expect(Object.keys(told).sort()).toEqual(['code', 'status'])
  })

  it.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    'keep the class of %o',
    (Class) => {
      const told = through(new Class('m')) as Error
      expect(told).toBeInstanceOf(Class)
      expect([told.constructor, told.message]).toEqual([Class, 'm'])
    },
  )

  it('keep errors of ours, of the platform, of the system, and lists of errors', () => {
    const faults = [{ path: 'a', message: 'b' }]
    const ours = through(new OstrakaError('OSTRAKA_ERR_LOAD_TIMEOUT', 'late', { faults })) as OstrakaError
    expect(ours).toBeInstanceOf(OstrakaError)
    expect([ours.code, ours.message, ours.faults]).toEqual(['OSTRAKA_ERR_LOAD_TIMEOUT', 'late', faults])
    const aborted = through(AbortSignal.abort().reason) as DOMException
    expect(aborted).toBeInstanceOf(DOMException)
    expect([aborted.name, aborted.code]).toEqual(['AbortError', 20])
    const system = Object.assign(new Error('connect ECONNREFUSED'), {
      errno: -111,
      code: 'ECONNREFUSED',
      syscall: 'connect',
      address: '127.0.0.1',
      port: 5432,
    })
    expect(through(system)).toMatchObject({ errno: -111, code: 'ECONNREFUSED', syscall: 'connect', port: 5432 })
    const both = through(new AggregateError([new TypeError('a'), new Error('b')], 'both')) as AggregateError
    expect(both).toBeInstanceOf(AggregateError)
    expect(both.errors.map((inner: Error) => [inner.name, inner.message])).toEqual([
      ['TypeError', 'a'],
      ['Error', 'b'],
    ])
  })

  it.each([undefined, null, 'text', 0, false])('keep %s, which is no error', (thrown) => {
    expect(through(thrown)).toBe(thrown)
  })

  it('tell something of whatever else is thrown', () => {
    for (const thrown of [{ a: 1 }, Symbol('s'), () => 1, 10n, Number.NaN])
      expect(through(thrown)).toBeInstanceOf(Error)
    const hostile = new Error('x')
    Object.defineProperty(hostile, 'message', {
      get() {
        throw new Error('no')
      },
    })
    expect(through(hostile)).toBeInstanceOf(Error)
    const endless = new Error('endless')
    endless.cause = endless
    expect(through(endless)).toMatchObject({ message: 'endless' })
  })

  it('are bounded', () => {
    let error = new Error('innermost')
    for (let i = 0; i < 50; i++) error = new Error('\u2028'.repeat(20_000), { cause: error })
    error.stack = '\u0000'.repeat(100_000)
    for (let i = 0; i < 100; i++) Object.assign(error, { [`field${i}`.repeat(50)]: '\u0000'.repeat(5000) })
    const bytes = encodeOutcome(error)
    expect(bytes.length).toBeLessThanOrEqual(MAX_OUTCOME_BYTES)
    expect(decodeOutcome(bytes)).toBeInstanceOf(Error)
  })

  it('that were damaged are an error, too', () => {
    expect(decodeOutcome(Buffer.from('{"name":'))).toBeInstanceOf(Error)
    expect(decodeOutcome(Buffer.from([255, 0, 1]))).toBeInstanceOf(Error)
  })
})
