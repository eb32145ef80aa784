// Every suite, in the order in which they run.
import { micro } from './micro.js'
import type { Suite } from './suite.js'

export const suites: readonly Suite[] = [micro]
