// Every suite, in the order in which they run.
import { coherence } from './coherence.js'
import { engines } from './engines.js'
import { gc } from './gc.js'
import { memory } from './memory.js'
import { micro } from './micro.js'
import { mixes } from './mixes.js'
import { scaling } from './scaling.js'
import { server } from './server.js'
import { stampede } from './stampede.js'
import type { Suite } from './suite.js'
import { traces } from './traces.js'

export const suites: readonly Suite[] = [
  micro,
  engines,
  memory,
  gc,
  mixes,
  traces,
  scaling,
  stampede,
  coherence,
  server,
]
