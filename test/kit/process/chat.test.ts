// SPDX-License-Identifier: Apache-2.0
// The commands of a process as a conversation: who may, what is understood, what is answered, and what is never on record.
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openChat } from '../../../components/kit/process/chat.ts'
import { type Command, CommandError, type Denied, EXIT } from '../../../components/kit/process/command.ts'
import type { Log } from '../../../components/kit/process/log.ts'
import { callerOfJid, guestOfJid } from '../../../components/kit/process/people.ts'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'

const OTTO = 'otto@corp.example/desk'
const GINA = 'gina@guest.example/desk'
const EVE = 'eve@evil.example/desk'
const people = { operators: [{ kind: 'jid' as const, name: 'otto@corp.example' }], officers: [], auditors: [] }

function openProbe() {
  const text = createCatalogue([KIT_TEXTS, new URL('./programs/probe/text/', import.meta.url)])
  const denied: Denied[] = []
  const ran: { name: string; args: unknown; user: string }[] = []
  const log: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
  const command = (name: string, more: Partial<Command> = {}): Command => ({
    name: `probe ${name}`,
    help: 'probe-count',
    rights: ['anyone'],
    parameters: [],
    async *run(args, { caller }) {
      ran.push({ name, args, user: caller.user })
      yield { say: 'row', row: { name, odd: 'a\nb\u202ec' } }
    },
    ...more,
  })
  const words = [
    { name: 'words', help: 'probe-words', type: 'text', required: true, positional: true },
    { name: 'password', help: 'probe-words', type: 'text', secret: true },
    { name: 'loud', help: 'probe-words', type: 'flag' },
  ] as const
  const commands = [
    command('say', { parameters: words }),
    command('say more', { parameters: words }),
    command('rule', { rights: ['operator'], parameters: words }),
    command('many', {
      async *run() {
        for (let n = 0; n < 1_000; n++) yield { say: 'row', row: { n, pad: 'x'.repeat(200) } }
      },
    }),
    command('wrong', {
      async *run() {
        yield { say: 'text', text: 'first' }
        throw new CommandError('not found', EXIT.notFound)
      },
    }),
    command('broken', {
      async *run() {
        yield { say: 'text', text: 'before' }
        throw new Error('planted in a command')
      },
    }),
  ]
  const chat = openChat({
    component: 'probe',
    commands: () => commands,
    denied: async (one) => void denied.push(one),
    callerOf: (from) => callerOfJid(from, people, ['corp.example']) ?? guestOfJid(from, ['guest.example']),
    text,
    log,
    now: () => 0,
  })
  const ask = async (from: string, said: string, language = 'en') =>
    Array.fromAsync(chat.answer(from, said, language, AbortSignal.timeout(5_000)))
  return { ask, denied, ran }
}

describe('a chat with a process', () => {
  it('takes a command with or without the name of the process, words in quotes, options, and the longest name', async () => {
    const { ask, ran } = openProbe()
    assert.deepEqual(await ask(GINA, 'say hello there'), ['name: say, odd: a\\nb\\u202ec\nDone.'])
    await ask(GINA, 'probe SAY "hello there" --loud')
    await ask(GINA, "say more --password='x y' it")
    await ask(OTTO, 'rule on')
    assert.deepEqual(
      ran.map(({ name, args, user }) => [name, args, user]),
      [
        ['say', { words: 'hello there' }, 'gina@guest.example'],
        ['say', { words: 'hello there', loud: true }, 'gina@guest.example'],
        ['say more', { words: 'it', password: 'x y' }, 'gina@guest.example'],
        ['rule', { words: 'on' }, 'otto@corp.example'],
      ],
    )
  })

  it('helps with what the person may do, and says so of what is not known', async () => {
    const { ask } = openProbe()
    const [forGina = ''] = await ask(GINA, 'help')
    assert.match(forGina, /^say: /m)
    assert.doesNotMatch(forGina, /rule/)
    assert.match((await ask(OTTO, ' ?'))[0] ?? '', /^rule: /m)
    assert.match((await ask(GINA, ''))[0] ?? '', /^say: /m)
    assert.match((await ask(GINA, 'help say'))[0] ?? '', /^say WORDS --password --loud: /)
    assert.match((await ask(GINA, 'sayy hello'))[0] ?? '', /is “say” meant\?/)
    assert.match((await ask(GINA, 'sayy hallo', 'de'))[0] ?? '', /ist „say“ gemeint\?/)
    assert.match((await ask(EVE, 'help'))[0] ?? '', /^(?!.*say: )/s)
  })

  it('refuses whoever has not the right, puts that on record, and no secret with it', async () => {
    const { ask, denied, ran } = openProbe()
    assert.match((await ask(GINA, 'rule now --password hush'))[0] ?? '', /may not run probe rule/)
    assert.match((await ask(GINA, 'rule --nothing'))[0] ?? '', /may not run probe rule/)
    await ask(EVE, 'say hello')
    assert.deepEqual(ran, [])
    assert.deepEqual(
      denied.map(({ who, via, query }) => ({ who, via, query })),
      [
        { who: { jid: 'gina@guest.example' }, via: 'chat', query: { words: 'now', password: 'set' } },
        { who: { jid: 'gina@guest.example' }, via: 'chat', query: {} },
      ],
    )
  })

  it('says what is wrong with an argument, and how a command ended', async () => {
    const { ask } = openProbe()
    assert.deepEqual(await ask(GINA, 'say'), ['--words is missing. (“help say” says what it takes.)'])
    assert.match((await ask(GINA, 'say x --what'))[0] ?? '', /--what is not known here/)
    assert.deepEqual(await ask(GINA, 'wrong'), ['first\nnot found'])
    assert.match((await ask(GINA, 'broken')).join('\n'), /^before\nThe command failed/)
  })

  it('is bounded: lines are put together to messages, and what is too much is left out', async () => {
    const { ask } = openProbe()
    const messages = await ask(GINA, 'many')
    assert.ok(messages.length > 5 && messages.length < 50)
    assert.ok(messages.every((one) => one.length <= 2_100))
    assert.match(messages.at(-1) ?? '', /…$/)
    assert.equal(messages.join('\n').match(/^n: /gm)?.length, 200)
  })
})
