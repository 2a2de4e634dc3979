// SPDX-License-Identifier: Apache-2.0
// The predicate of each helper, run by what runs its server: Lua for Prosody, Erlang for ejabberd.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { after } from 'node:test'
import { noErlang, openErlang } from '../../servers/ejabberd/eunit.ts'

const SERVERS = resolve(import.meta.dirname, '../../servers')
const LUA_MODULE = resolve(import.meta.dirname, '../../../deploy/servers/prosody/mod_gatehouse')
const PROSODY = '/usr/lib/prosody'
const SOURCES = ['gatehouse_outage', 'gatehouse_outage_rows']

export type Sent = { direction: 'sent' | 'received'; host: string; from: string; to: string; xml: string }

export type ClosedByHelper = AsyncDisposable & {
  /** 'ok ID', or the condition of the error and why. */
  take(table: string): Promise<string>
  /** The rule that closes for it; null: none. */
  closedBy(sent: Sent): Promise<string | null>
  /** µs of the last question. */
  cost(): Promise<number>
}

export type Helper = { server: string; skip: string | false; open(): Promise<ClosedByHelper> }

/** Compiled once for all tests of a file. */
const erlang = noErlang === false ? openErlang(SOURCES, [join(SERVERS, 'ejabberd/gatehouse_closed')]) : null
after(async () => (await erlang)?.[Symbol.asyncDispose]())

export const HELPERS: readonly Helper[] = [
  {
    server: 'Prosody',
    skip: false,
    open: async () => talkTo('lua5.4', [join(SERVERS, 'prosody/closed.lua'), LUA_MODULE, PROSODY]),
  },
  {
    server: 'ejabberd',
    skip: noErlang,
    async open() {
      const { paths, environment } = (await erlang) ?? assert.fail()
      return talkTo('erl', ['-noinput', ...paths, '-s', 'gatehouse_closed', 'main'], environment)
    },
  },
]

function talkTo(program: string, args: readonly string[], env = process.env): ClosedByHelper {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env })
  const ended = new Promise((done) => child.once('close', done))
  const waiting: ((line: string) => void)[] = []
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.(line))
  void ended.then(() => {
    for (const one of waiting) one('ended')
  })
  const say = (line: string) =>
    new Promise<string>((answer) => {
      waiting.push(answer)
      child.stdin.write(`${line}\n`)
    })
  return {
    take: (table) => say(`T\t${table}`),
    closedBy: async ({ direction, host, from, to, xml }) => {
      const answer = await say(`S\t${[direction, host, from, to, xml].join('\t')}`)
      return answer === '-' ? null : answer
    },
    cost: async () => Number(await say('M')),
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await ended
    },
  }
}
