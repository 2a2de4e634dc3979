// SPDX-License-Identifier: Apache-2.0
// The socket of a process, version 1 (the number in its paths and answers): what is asked and answered, as its golden file has
// it. This program's processes answer so, and its command line reads a process that answers so.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openPlace, type Place, runCli, startProbe } from '../kit/process/probe.ts'

const GOLDEN = fileURLToPath(new URL('../golden/socket-1.jsonl', import.meta.url))

const ME = userInfo().username

/** One exchange; `version` is that of the socket. */
type Exchange = { version: 1; ask: string; body?: unknown; status: number; type: string; answer: string }

const asked: readonly { ask: string; body?: unknown }[] = [
  { ask: 'GET /v1/commands?language=en' },
  { ask: 'GET /v1/status' },
  { ask: 'POST /v1/run', body: { command: 'probe count', args: { to: '2' }, language: 'en' } },
  { ask: 'POST /v1/run', body: { command: 'probe odd', args: { words: ['a', 'b'] }, language: 'en' } },
  { ask: 'POST /v1/run', body: { command: 'probe count', args: { to: '0' }, language: 'en' } },
  { ask: 'POST /v1/run', body: { command: 'probe count', args: {}, language: 'de' } },
  { ask: 'POST /v1/run', body: { command: 'probe secret', args: {}, language: 'en' } },
  { ask: 'POST /v1/run', body: { command: 'probe nothing', args: {}, language: 'en' } },
  { ask: 'POST /v1/run', body: [] },
  { ask: 'GET /v1/nothing' },
]

describe('the socket, version 1', () => {
  it('answers as in its golden file', async () => {
    using place = openPlace('', `people: { operators: [{ user: ${ME} }] }\n`)
    await using _probe = await startProbe(place)
    const said: Exchange[] = []
    for (const { ask, body } of asked) {
      using line = connection(place.socket)
      if (ask === 'POST /v1/run') {
        const challenge = await line.send('POST /v1/challenge')
        const given = JSON.parse(challenge.answer) as { name: string; word: string }
        assert.deepEqual([challenge.status, Object.keys(given)], [200, ['name', 'word']])
        writeFileSync(join(place.proofs, given.name), given.word)
      }
      said.push({ version: 1, ask, ...(body === undefined ? {} : { body }), ...(await line.send(ask, body)) })
    }
    const written = said.map((one) => `${JSON.stringify(one)}\n`).join('')
    if (process.env.GATEHOUSE_WRITE_GOLDEN === '1') writeFileSync(GOLDEN, written)
    assert.equal(written, readFileSync(GOLDEN, 'utf8'))
  })

  it('is read from a process that answers as in its golden file', async () => {
    using place = openPlace()
    await using played = await playGolden(place)
    const rows = await runCli(place, 'probe', 'count', '2', '--json')
    assert.equal(rows.exit, 0)
    assert.deepEqual(
      rows.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).square),
      [1, 4],
    )
    assert.match((await runCli(place, 'probe', 'odd', 'a', 'b')).out, /bell/)
    const refused = await runCli(place, 'probe', 'secret')
    assert.deepEqual([refused.exit, refused.out], [4, ''])
    assert.match(refused.err, /The right needed: officer/)
    const { exit, err } = await runCli(place, 'probe', 'count', '0')
    assert.deepEqual([exit, err], [5, 'nothing to count\n'])
    const status = JSON.parse((await runCli(place, 'status', '--json')).out)
    assert.deepEqual([status.component, status.state], ['probe', 'well'])
    assert.match((await runCli(place, 'probe', '--help')).out, /probe count/)
    assert.ok(played.proofs > 0)
  })
})

function connection(path: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  return {
    async send(ask: string, body?: unknown): Promise<{ status: number; type: string; answer: string }> {
      const [method, to] = ask.split(' ')
      const asking = request({ socketPath: path, agent, method, path: to })
      asking.end(body === undefined ? '' : JSON.stringify(body))
      const [response] = (await once(asking, 'response')) as [IncomingMessage]
      const answer = (await text(response))
        .replace(/"software":"[^"]+"/, '"software":"VERSION"')
        .replace(`"${ME} may`, '"USER may')
      return { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '', answer }
    },
    [Symbol.dispose]: () => agent.destroy(),
  }
}

/** A process that has nothing but the golden answers. */
async function playGolden(place: Place) {
  const exchanges = readFileSync(GOLDEN, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Exchange)
  const played = { proofs: 0, [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())) }
  mkdirSync(place.proofs, { recursive: true })
  const name = 'ab'.repeat(16)
  const server = createServer((question, response) => {
    answer(question, response).catch((fault) => response.destroy(fault))
  })
  const answer = async (question: IncomingMessage, response: ServerResponse) => {
    const ask = `${question.method} ${(question.url ?? '').replace(/language=[^&]*/, 'language=en')}`
    const body = await text(question)
    if (ask === 'POST /v1/challenge') return response.end(JSON.stringify({ name, word: 'cd'.repeat(16) }))
    if (ask === 'POST /v1/run')
      played.proofs += readFileSync(join(place.proofs, name), 'utf8') === 'cd'.repeat(16) ? 1 : 0
    const { command, args } = (body === '' ? {} : JSON.parse(body)) as { command?: string; args?: unknown }
    const found = exchanges.find((one) => {
      const wanted = one.body as { command?: string; args?: unknown } | undefined
      // A process looks at the path; what it does not know behind it changes nothing.
      return (
        [ask, ask.split('?')[0]].includes(one.ask) &&
        wanted?.command === command &&
        JSON.stringify(wanted?.args) === JSON.stringify(args)
      )
    })
    response.writeHead(found?.status ?? 404, { 'content-type': found?.type ?? 'text/plain' }).end(found?.answer)
    return response
  }
  server.listen(place.socket)
  await once(server, 'listening')
  return played
}
