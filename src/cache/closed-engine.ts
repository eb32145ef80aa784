// What stands in for the engine of a closed handle: whatever is asked of it throws, so that open handles need no check on their way.
// Touches nothing.
import type { Engine } from '../engine/engine.js'
import { OstrakaError } from '../errors.js'

export function closedError(): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_CLOSED', 'This handle is closed; call createCache again for a new one')
}

export const closedEngine: Engine = new Proxy({} as Engine, {
  get() {
    throw closedError()
  },
})
