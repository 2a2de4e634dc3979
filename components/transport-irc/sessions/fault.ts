// SPDX-License-Identifier: Apache-2.0
import { type Carried, NetworkFault } from '../../kit/transport/network.ts'
import { IrcFault } from '../network/irc.ts'

/** The reasons are those of the network in the same words. */
export function faultOf(error: unknown): NetworkFault {
  if (error instanceof NetworkFault) return error
  if (error instanceof IrcFault) return networkFault(error)
  throw error
}

/** Only the words of the server are asked about. */
export function networkFault({ reason, message, isSaid }: IrcFault, carried: Partial<Carried> = {}): NetworkFault {
  return isSaid ? new NetworkFault(reason, message, carried) : NetworkFault.readable(reason, message, carried)
}

export async function orFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw faultOf(error)
  }
}
