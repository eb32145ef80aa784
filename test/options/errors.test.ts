import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { errorTable, OstrakaError } from '../../src/errors.js'

it('is an error with a code, faults and a cause', () => {
  const cause = new Error('inner')
  const faults = [{ path: 'a', message: 'b' }]
  const error = new OstrakaError('OSTRAKA_ERR_INVALID_KEY', 'message', { cause, faults })
  expect(error).toBeInstanceOf(Error)
  expect([error.name, error.code, error.message, error.cause, error.faults]).toEqual([
    'OstrakaError',
    'OSTRAKA_ERR_INVALID_KEY',
    'message',
    cause,
    faults,
  ])
  expect(String(error)).toBe('OstrakaError: message')
  expect(new OstrakaError('OSTRAKA_ERR_CLOSED', 'm')).not.toHaveProperty('cause')
})

it('has the same table in the documentation as in the code', () => {
  const documented = readFileSync('docs/errors.md', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| `OSTRAKA_ERR_'))
  const inCode = Object.entries(errorTable).map(([code, { meaning, cure }]) => `| \`${code}\` | ${meaning} | ${cure} |`)
  expect(documented).toEqual(inCode)
})
