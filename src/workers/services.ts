// What an owner does when it is asked: the services of every kind, in one list. Tiers behind memory register here. May touch: what its services do.
import { type IncomingRequest, RequestKind, type Service } from '../channel/channel.js'
import type { Duty } from '../owners/duty.js'

export function servicesOf(duty: Duty): Service[] {
  return [
    { kind: RequestKind.ping, handle: () => undefined },
    { kind: RequestKind.echo, handle: ({ payload }: IncomingRequest) => payload },
    {
      kind: RequestKind.tend,
      handle: () => {
        duty.workOff()
        return undefined
      },
    },
  ]
}
