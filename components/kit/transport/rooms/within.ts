// SPDX-License-Identifier: Apache-2.0
import { NetworkFault } from '../network.ts'

/** Where the connection is ended anyway nobody waits longer until rooms are left: the words may stand behind many others. */
export const LEAVING_MS = 1000

/** What does not settle in time is a fault of the network's, and goes on without anybody listening. */
export function withinSignal<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new NetworkFault('timeout', ''))
    if (signal.aborted) late()
    signal.addEventListener('abort', late, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', late))
  })
}
