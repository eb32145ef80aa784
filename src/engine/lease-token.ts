// Tokens of leases: sequence × LEASES + line, and the words of the lease table that belong to them (docs/slab.md 8). Touches nothing.

import { Control, LEASE_BYTES, LEASE_STATE_BITS, LEASES, LeaseLine } from './layout.js'

/** States of a lease's word beside the outcomes of the contract. `claimed`: taken, its deadline is being written. */
export const LeaseState = { loading: 1, claimed: 6 } as const

export const tokenOf = (line: number, sequence: number): number => sequence * LEASES + line
export const lineOf = (token: number): number => token % LEASES
export const sequenceOf = (token: number): number => Math.floor(token / LEASES)

/** Index of a line's binding word in the control region's words. */
export const leaseWord = (line: number): number => (Control.leases + line * LEASE_BYTES + LeaseLine.word) >> 2

export const bindingOf = (sequence: number, state: number): number => (sequence << LEASE_STATE_BITS) | state

/** The binding word while the token's lease runs. */
export const leaseValue = (token: number): number => bindingOf(sequenceOf(token), LeaseState.loading)
