// SPDX-License-Identifier: Apache-2.0
// SASL of the made-up IRC server: PLAIN (RFC 4616) and SCRAM-SHA-256 (RFC 5802, RFC 7677).
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { type Line, prefix, type Reply } from './fake-irc-commands.ts'
import type { FakeClient, FakeHouse } from './fake-ircd.ts'

export function mechanisms(wanted: readonly string[] = ['PLAIN', 'SCRAM-SHA-256']): readonly string[] {
  return wanted
}

type Scram = {
  account: string
  bare: string
  first: string
  salt: Buffer
  rounds: number
  nonce: string
  expect: string | null
}

export function authenticate(house: FakeHouse, client: FakeClient, { params: [word = ''] }: Line, reply: Reply) {
  const { accounts } = house
  const fail = () => {
    client.sasl = null
    reply(`:${house.name} 904 ${client.nick} :SASL authentication failed`)
  }
  const succeed = (account: string) => {
    client.account = account
    client.sasl = null
    reply(`:${house.name} 900 ${client.nick} ${prefix(client)} ${account} :You are now logged in as ${account}`)
    reply(`:${house.name} 903 ${client.nick} :SASL authentication successful`)
  }
  if (client.sasl === null) {
    if (!mechanisms(house.options.mechanisms).includes(word)) {
      reply(
        `:${house.name} 908 ${client.nick} ${mechanisms(house.options.mechanisms).join(',')} :are available SASL mechanisms`,
      )
      return fail()
    }
    client.sasl = { mechanism: word, state: null }
    return reply('AUTHENTICATE +')
  }
  const text = word === '+' ? '' : Buffer.from(word, 'base64').toString()
  if (client.sasl.mechanism === 'PLAIN') {
    const [, account = '', password] = text.split('\0')
    return password !== undefined && accounts.get(account) === password ? succeed(account) : fail()
  }
  const said = (message: string) => reply(`AUTHENTICATE ${Buffer.from(message).toString('base64')}`)
  const state = client.sasl.state as Scram | null
  if (state === null) {
    const bare = text.replace(/^[^,]*,[^,]*,/u, '')
    const [, account = '', nonce = ''] = /^n=([^,]*),r=(.*)$/u.exec(bare) ?? []
    if (!accounts.has(account)) return fail()
    const salt = randomBytes(16)
    const first = `r=${nonce}${randomBytes(9).toString('base64')},s=${salt.toString('base64')},i=4096`
    client.sasl.state = { account, bare, first, salt, rounds: 4096, nonce, expect: null } satisfies Scram
    return said(first)
  }
  // After our last message the client only says that it has it.
  if (state.expect !== null) return succeed(state.account)
  const [, without = '', proof = ''] = /^(.*),p=([^,]*)$/u.exec(text) ?? []
  const salted = pbkdf2Sync(accounts.get(state.account) ?? '', state.salt, state.rounds, 32, 'sha256')
  const hmac = (key: Buffer, words: string) => createHmac('sha256', key).update(words).digest()
  const stored = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  const message = `${state.bare},${state.first},${without}`
  const signature = hmac(stored, message)
  const key = Buffer.from(proof, 'base64').map((byte, at) => byte ^ (signature[at] ?? 0))
  const right = key.length === 32 && timingSafeEqual(createHash('sha256').update(key).digest(), stored)
  if (!right || !without.includes(`r=${/^r=([^,]*)/u.exec(state.first)?.[1] ?? ''}`)) return fail()
  state.expect = 'over'
  said(`v=${hmac(hmac(salted, 'Server Key'), message).toString('base64')}`)
}
