// SPDX-License-Identifier: Apache-2.0
// Waits until the server has read everything that was written to it over IPv4: both queues of the connection are empty.
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

const WITHIN_MS = 20_000

/** `ours`, `theirs`: the two ports of a TCP connection on this machine. What is written next the server reads by itself. */
export async function readUp(ours: number, theirs: number): Promise<void> {
  const until = Date.now() + WITHIN_MS
  while (!isReadUp(readFileSync('/proc/net/tcp', 'utf8'), ours, theirs)) {
    if (Date.now() > until) throw new Error(`what was written is not read within ${WITHIN_MS / 1000} s`)
    await setTimeout(5)
  }
}

/** Lines as `1: 0100007F:1F90 0100007F:C350 01 tx_queue:rx_queue ...`, numbers in hex. */
function isReadUp(table: string, ours: number, theirs: number): boolean {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0')
  const line = (from: number, to: number) =>
    new RegExp(`: [0-9A-F]{8}:${hex(from)} [0-9A-F]{8}:${hex(to)} [0-9A-F]{2} ([0-9A-F]{8}):([0-9A-F]{8})`).exec(table)
  const [client, server] = [line(ours, theirs), line(theirs, ours)]
  if (client === null || server === null) throw new Error('there is no such connection')
  return Number(`0x${client[1]}`) === 0 && Number(`0x${server[2]}`) === 0
}
