// SPDX-License-Identifier: Apache-2.0
// The predicate of the helper for Prosody, run by the Lua that runs Prosody.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const PLACE = resolve(import.meta.dirname, '../../servers/prosody/closed.lua')
const MODULE = resolve(import.meta.dirname, '../../../deploy/servers/prosody/mod_gatehouse')
const PROSODY = '/usr/lib/prosody'

export type Sent = { direction: 'sent' | 'received'; host: string; from: string; to: string; xml: string }

export type ClosedInLua = AsyncDisposable & {
  /** 'ok ID', or the condition of the error and why. */
  take(table: string): Promise<string>
  /** The rule that closes for it; null: none. */
  closedBy(sent: Sent): Promise<string | null>
  /** CPU µs of the last question. */
  cost(): Promise<number>
}

export function openClosedInLua(): ClosedInLua {
  const lua = spawn('lua5.4', [PLACE, MODULE, PROSODY], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((done) => lua.once('close', done))
  const waiting: ((line: string) => void)[] = []
  createInterface({ input: lua.stdout }).on('line', (line) => waiting.shift()?.(line))
  void ended.then(() => {
    for (const one of waiting) one('ended')
  })
  const say = (line: string) =>
    new Promise<string>((answer) => {
      waiting.push(answer)
      lua.stdin.write(`${line}\n`)
    })
  return {
    take: (table) => say(`T\t${table}`),
    closedBy: async ({ direction, host, from, to, xml }) => {
      const answer = await say(`S\t${[direction, host, from, to, xml].join('\t')}`)
      return answer === '-' ? null : answer
    },
    cost: async () => Number(await say('M')),
    async [Symbol.asyncDispose]() {
      lua.stdin.end()
      await ended
    },
  }
}
