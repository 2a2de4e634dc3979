// SPDX-License-Identifier: Apache-2.0
// The socket in this process: who asks is proven, and everything has a bound. Callers with other uids are in rights.test.ts.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { Command, Said } from '../../../components/kit/process/command.ts'
import { describeCommands } from '../../../components/kit/process/describe.ts'
import type { LogFields } from '../../../components/kit/process/log.ts'
import { callerOf } from '../../../components/kit/process/people.ts'
import { openSocket, type SocketOptions } from '../../../components/kit/process/socket.ts'
import { createCatalogue, KIT_TEXTS } from '../../../components/kit/text/catalogue.ts'
import { runToEnd } from './probe.ts'

type Given = { name: string; word: string }
type Line = { say: string } & Record<string, unknown>

const quick = (name: string, run: Command['run']): Command => ({
  name,
  help: 'kit-busy',
  rights: ['anyone'],
  parameters: [],
  run,
})
const hello = quick('t hello', async function* () {
  yield { say: 'text', text: 'hello' }
})

async function open(
  commands: readonly Command[],
  bounds: NonNullable<SocketOptions['bounds']> = {},
  denied: SocketOptions['denied'] = async () => {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-socket-'))
  const told: { event: string; fields: LogFields }[] = []
  const note = (event: string, fields: LogFields = {}) => void told.push({ event, fields })
  const log = { debug: note, info: note, warn: note, error: note, child: () => log }
  const text = createCatalogue([KIT_TEXTS])
  let now = Date.now()
  const ended = Promise.withResolvers<void>()
  const socket = await openSocket({
    component: 't',
    run: folder,
    commands,
    describe: (language) => describeCommands('t', 't: tests', commands, text, language),
    status: () => ({ healthy: null, ready: null }),
    callerOf: (uid) => callerOf(uid, { operators: [{ kind: 'user', name: 'root' }], officers: [], auditors: [] }),
    denied,
    text,
    log,
    now: () => now,
    bounds,
  })
  return {
    folder,
    told,
    socket,
    ended: ended.promise,
    passes: (ms: number) => {
      now += ms
    },
    reasons: () => told.filter((one) => one.event === 'proof refused').map((one) => one.fields.reason),
    async [Symbol.asyncDispose]() {
      await socket[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true })
    },
  }
}
type Opened = Awaited<ReturnType<typeof open>>

/** One connection, as a caller has it. */
function connection(at: Opened) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const send = async (method: string, path: string, body = ''): Promise<IncomingMessage> => {
    const asking = request({ socketPath: at.socket.path, agent, method, path })
    asking.end(body)
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return response
  }
  const read = async (response: IncomingMessage) => {
    let text = ''
    for await (const part of response.setEncoding('utf8')) text += part
    return text
  }
  return {
    send,
    read,
    challenge: async () => JSON.parse(await read(await send('POST', '/v1/challenge'))) as Given,
    run: async (command: string, args: object = {}, language = 'en') => {
      const text = await read(await send('POST', '/v1/run', JSON.stringify({ command, args, language })))
      return text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Line)
    },
    path: (given: Given) => join(at.folder, 't.proof', given.name),
    prove: (given: Given) => writeFileSync(join(at.folder, 't.proof', given.name), given.word),
    [Symbol.dispose]: () => agent.destroy(),
  }
}

async function proven(at: Opened) {
  const caller = connection(at)
  caller.prove(await caller.challenge())
  return caller
}

describe('a command without the right', () => {
  const secret: Command = {
    ...quick('t secret', async function* () {
      yield { say: 'text', text: 'contents' }
    }),
    rights: ['officer'],
    parameters: [
      { name: 'words', help: 'kit-busy', type: 'text' },
      { name: 'limit', help: 'kit-busy', type: 'number' },
    ],
  }

  it('is put on record before it is answered, with what was said for the parameters there are, cut', async () => {
    const recorded: unknown[] = []
    const recording = Promise.withResolvers<void>()
    const heard = Promise.withResolvers<void>()
    await using at = await open([secret, hello], {}, async (denied) => {
      recorded.push(denied)
      heard.resolve()
      await recording.promise
    })
    using caller = await proven(at)
    const answer = caller.run('t secret', { words: ['a'.repeat(300)], limit: 5, other: 'x' })
    await heard.promise
    assert.equal(at.told.filter((one) => one.event === 'command').length, 0, 'not answered while it is being recorded')
    recording.resolve()
    const [end, ...rest] = await answer
    assert.deepEqual([end?.say, end?.exit, rest], ['end', 4, []])
    const { uid, user } = at.told.find((one) => one.event === 'command')?.fields ?? {}
    const words = `["${'a'.repeat(198)}`
    assert.deepEqual(recorded, [{ who: { uid, user }, command: 't secret', query: { words, limit: 5 } }])
    using other = await proven(at)
    await other.run('t hello')
    assert.equal(recorded.length, 1, 'what is allowed is not told as denied')
  })

  it('stays refused when it cannot be put on record, and the log says so', async () => {
    await using at = await open([secret], {}, () => Promise.reject(new Error('the journal is full')))
    using caller = await proven(at)
    const [end, ...rest] = await caller.run('t secret')
    assert.deepEqual([end?.say, end?.exit, rest], ['end', 4, []])
    const [line] = at.told.filter((one) => one.event === 'a denied attempt is not on record')
    assert.equal(line?.fields.command, 't secret')
    assert.match(String(line?.fields.error), /the journal is full/)
  })
})

describe('who asks', () => {
  it('is who owns the file; the file is removed; the folder is sticky and cannot be listed by others', async () => {
    await using at = await open([hello])
    using caller = await proven(at)
    assert.deepEqual(await caller.run('t hello'), [
      { say: 'text', text: 'hello' },
      { say: 'end', exit: 0 },
    ])
    assert.deepEqual(readdirSync(join(at.folder, 't.proof')), [])
    assert.equal(statSync(join(at.folder, 't.proof')).mode & 0o7777, 0o1733)
    const [command] = at.told.filter((one) => one.event === 'command')
    assert.equal(command?.fields.uid, process.getuid?.())
  })

  const forgeries: Record<string, { forge(path: string, given: Given, folder: string): unknown; reason: RegExp }> = {
    'no file': { forge: () => undefined, reason: /ENOENT/ },
    'a symbolic link to a file with the word': {
      forge: (path, given, folder) => {
        writeFileSync(join(folder, 'own'), given.word)
        symlinkSync(join(folder, 'own'), path)
      },
      reason: /not a regular file/,
    },
    'a hard link to a file with the word': {
      forge: (path, given, folder) => {
        writeFileSync(join(folder, 'own'), given.word)
        linkSync(join(folder, 'own'), path)
      },
      reason: /another name/,
    },
    'another word': { forge: (path) => writeFileSync(path, 'f'.repeat(32)), reason: /the word/ },
    'an empty file': { forge: (path) => writeFileSync(path, ''), reason: /the word/ },
    'a longer file that begins with the word': {
      forge: (path, given) => writeFileSync(path, `${given.word}\n`),
      reason: /the word/,
    },
    'a file that is older than the challenge': {
      forge: (path, given, folder) => {
        writeFileSync(join(folder, 'old'), given.word)
        utimesSync(join(folder, 'old'), 1_000, 1_000)
        renameSync(join(folder, 'old'), path)
      },
      reason: /older/,
    },
    'a fifo': { forge: (path) => runToEnd('mkfifo', [path]), reason: /not a regular file/ },
  }
  for (const [name, { forge, reason }] of Object.entries(forgeries)) {
    it(`${name} proves nobody`, async () => {
      await using at = await open([hello])
      using caller = connection(at)
      const given = await caller.challenge()
      await forge(caller.path(given), given, at.folder)
      const [end, ...more] = await caller.run('t hello')
      assert.deepEqual([end?.exit, more], [4, []])
      assert.match(String(at.reasons()), reason)
      assert.equal(existsSync(caller.path(given)), false)
    })
  }

  it('a directory of that name proves nobody either', async () => {
    await using at = await open([hello])
    using caller = connection(at)
    const given = await caller.challenge()
    mkdirSync(caller.path(given))
    assert.equal((await caller.run('t hello'))[0]?.exit, 4)
    assert.match(String(at.reasons()), /cannot be removed/)
  })

  it('a proof holds for one command, on its own connection, for ten seconds', async () => {
    await using at = await open([hello])
    using one = await proven(at)
    using other = connection(at)
    assert.equal((await other.run('t hello'))[0]?.exit, 4)
    assert.equal((await one.run('t hello')).at(-1)?.exit, 0)
    assert.equal((await one.run('t hello'))[0]?.exit, 4)
    using late = await proven(at)
    at.passes(10_001)
    assert.equal((await late.run('t hello'))[0]?.exit, 4)
    assert.deepEqual(at.reasons(), [
      'no challenge was asked for',
      'no challenge was asked for',
      'the challenge is too old',
    ])
  })

  it('what an earlier run left in the folder is removed; a folder that is a link is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-socket-'))
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), join(folder, 't.proof'))
    const { openProofFolder } = await import('../../../components/kit/process/proof.ts')
    await assert.rejects(openProofFolder(join(folder, 't.proof')), /not a directory of this process|EEXIST/)
    writeFileSync(join(folder, 'elsewhere', 'a'.repeat(32)), 'left')
    writeFileSync(join(folder, 'elsewhere', 'other'), 'kept')
    await openProofFolder(join(folder, 'elsewhere'))
    assert.deepEqual(readdirSync(join(folder, 'elsewhere')), ['other'])
    rmSync(folder, { recursive: true })
  })
})

describe('bounds', () => {
  it('a body over its bound is 413, one that is no JSON object 400, another path 404', async () => {
    await using at = await open([hello], { bodyBytes: 1_000 })
    using caller = connection(at)
    assert.equal((await caller.send('POST', '/v1/run', 'x'.repeat(1_001))).statusCode, 413)
    for (const body of ['', '[', '"x"', '{}', '{"command":1}', '{"command":"x","args":null}', 'null']) {
      using one = connection(at)
      const answer = await one.send('POST', '/v1/run', body)
      assert.deepEqual([answer.statusCode, Object.keys(JSON.parse(await one.read(answer)))], [400, ['wrong']], body)
    }
    using other = connection(at)
    assert.equal((await other.send('GET', '/v2/run')).statusCode, 404)
  })

  it('an unknown command, an unknown or missing argument are exit code 2 in the language asked for', async () => {
    const strict: Command = {
      ...hello,
      name: 't strict',
      parameters: [{ name: 'count', help: 'kit-busy', type: 'number', required: true }],
    }
    await using at = await open([hello, strict])
    const cases: [string, object, RegExp][] = [
      ['t gone', {}, /Einen Befehl t gone gibt es hier nicht/],
      ['t strict', {}, /--count fehlt/],
      ['t strict', { count: 'many' }, /--count: erwartet wird eine Zahl, nicht „many“/],
      ['t strict', { count: '1', cuont: '1' }, /--cuont ist hier unbekannt; bekannt: count/],
      ['t strict', { count: { toString: 1 } }, /--count: erwartet wird eine Zahl/],
    ]
    for (const [command, args, text] of cases) {
      using caller = await proven(at)
      const [end] = await caller.run(command, args, 'de-AT')
      assert.equal(end?.exit, 2)
      assert.match(String(end?.text), text)
    }
  })

  it('a command that takes too long is aborted, and its signal tells it', async () => {
    const aborted = Promise.withResolvers<string>()
    const slow = quick('t slow', async function* (_args, { signal }): AsyncIterable<Said> {
      // Where the machine is slow, the time is over before the caller is proven.
      if (signal.aborted) aborted.resolve(String(signal.reason))
      signal.addEventListener('abort', () => aborted.resolve(String(signal.reason)))
      await aborted.promise
    })
    await using at = await open([slow], { runMs: 50 })
    using caller = await proven(at)
    const [end] = await caller.run('t slow')
    assert.deepEqual([end?.exit, end?.text], [1, 'The command took too long and was ended.'])
    assert.match(await aborted.promise, /TimeoutError/)
  })

  it('only so many commands run at once; a place is free when its command has ended', async () => {
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const slow = quick('t slow', async function* (): AsyncIterable<Said> {
      yield { say: 'text', text: 'begun' }
      begun.resolve()
      await go.promise
    })
    await using at = await open([slow, hello], { concurrent: 1 })
    using first = await proven(at)
    using second = await proven(at)
    const running = first.run('t slow')
    await begun.promise
    assert.match(String((await second.run('t hello'))[0]?.text), /Too many commands/)
    go.resolve()
    assert.equal((await running).at(-1)?.exit, 0)
    using third = await proven(at)
    assert.equal((await third.run('t hello')).at(-1)?.exit, 0)
  })

  it('a caller that does not read stops the rows, and is given up after its time', async () => {
    let said = 0
    const ended = Promise.withResolvers<void>()
    const endless = quick('t endless', async function* (): AsyncIterable<Said> {
      try {
        for (;;) yield { say: 'row', row: { n: said++, pad: 'x'.repeat(1_000) } }
      } finally {
        ended.resolve()
      }
    })
    await using at = await open([endless], { stallMs: 300 })
    using caller = await proven(at)
    const answer = await caller.send('POST', '/v1/run', JSON.stringify({ command: 't endless' }))
    answer.pause()
    await ended.promise
    const then = said
    // One that reads gets far more than what the buffers of the first one held.
    assert.ok(then < 5_000, `${then} rows were said to a caller that reads nothing`)
  })

  it('every row reaches a slow reader, in order', async () => {
    const many = quick('t many', async function* (): AsyncIterable<Said> {
      for (let n = 0; n < 20_000; n++) yield { say: 'row', row: { n, pad: 'x'.repeat(100) } }
    })
    await using at = await open([many])
    using caller = await proven(at)
    const lines = await caller.run('t many')
    assert.equal(lines.length, 20_001)
    for (const [index, line] of lines.slice(0, -1).entries()) assert.equal((line.row as { n: number }).n, index)
  })

  it('a caller that leaves aborts its command', async () => {
    const begun = Promise.withResolvers<void>()
    const left = Promise.withResolvers<string>()
    const wait = quick('t wait', async function* (_args, { signal }): AsyncIterable<Said> {
      signal.addEventListener('abort', () => left.resolve(String(signal.reason)))
      begun.resolve()
      await left.promise
    })
    await using at = await open([wait])
    using caller = await proven(at)
    const asking = caller.run('t wait')
    await begun.promise
    caller[Symbol.dispose]()
    await assert.rejects(asking)
    assert.match(await left.promise, /the caller is gone/)
  })

  it('a stop ends what runs with a last line; a fault of a command says nothing of itself', async () => {
    const begun = Promise.withResolvers<void>()
    const wait = quick('t wait', async function* (): AsyncIterable<Said> {
      yield { say: 'text', text: 'begun' }
      begun.resolve()
      await new Promise(() => undefined)
    })
    const broken = quick('t broken', async function* (): AsyncIterable<Said> {
      yield { say: 'text', text: 'begun' }
      throw new Error('inner secret')
    })
    await using at = await open([wait, broken])
    using one = await proven(at)
    using other = await proven(at)
    const end = (await other.run('t broken')).at(-1)
    assert.deepEqual([end?.exit, end?.text], [1, 'The command failed. The log of the process says why.'])
    assert.match(JSON.stringify(at.told.map((line) => String(line.fields.error))), /inner secret/)
    const asking = one.run('t wait')
    await begun.promise
    await at.socket[Symbol.asyncDispose]()
    assert.deepEqual((await asking).slice(1), [{ say: 'end', exit: 3, text: 'The process is stopping.' }])
  })
})
