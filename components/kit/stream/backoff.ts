// SPDX-License-Identifier: Apache-2.0

export type BackoffOptions = { firstMs: number; mostMs: number }

export const DEFAULT_BACKOFF: BackoffOptions = { firstMs: 500, mostMs: 30_000 }

/**
 * A server on this machine is not spared by long pauses, and people wait while it is without its component: clients that are back before it
 * are told so, and some try no more by themselves.
 */
export const LOOPBACK_BACKOFF: BackoffOptions = { firstMs: 500, mostMs: 2_000 }

/**
 * The pause before attempt n (from 1) after a loss: doubles up to `mostMs`, then scattered between half and the whole of that,
 * so that many components do not come back in step. `random` gives 0 <= x < 1.
 */
export function pauseMs(
  attempt: number,
  random: () => number,
  { firstMs, mostMs }: BackoffOptions = DEFAULT_BACKOFF,
): number {
  const whole = Math.min(mostMs, firstMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(whole / 2 + (whole / 2) * random())
}
