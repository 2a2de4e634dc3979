// SPDX-License-Identifier: Apache-2.0

/** Looks again and again; ends with the signal. */
export async function until(holds: () => boolean, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !holds()) await pause(20, signal)
}

export function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, ms)
  signal.addEventListener('abort', () => resolve(), { once: true })
  return promise.finally(() => clearTimeout(timer))
}
