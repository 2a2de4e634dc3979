// SPDX-License-Identifier: Apache-2.0
import { NetworkFault } from '../../kit/transport/network.ts'
import { IrcFault } from '../network/irc.ts'

/** The reasons are those of the network in the same words. */
export function faultOf(error: unknown): NetworkFault {
  if (error instanceof NetworkFault) return error
  if (error instanceof IrcFault) return new NetworkFault(error.reason, error.message)
  throw error
}

export async function orFault<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw faultOf(error)
  }
}
