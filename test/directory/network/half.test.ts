// SPDX-License-Identifier: Apache-2.0
// A part is never taken for the whole: whatever a server does but give everything, the reading rejects and says why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FaultReason, SourceFault } from '../../../components/directory/domain/source.ts'
import { PRESETS } from '../../../components/directory/network/layout.ts'
import {
  LDAP_BOUNDS,
  type LdapSettings,
  openLdapDirectory,
} from '../../../components/directory/network/ldap-directory.ts'
import { type Asked, done, entry, type FakeServer, personEntry, reference, startFake } from './fake-server.ts'
import { readAll } from './read.ts'

function settings(servers: readonly string[], own: Partial<LdapSettings> = {}): LdapSettings {
  return {
    name: 'corp',
    servers,
    bind: { kind: 'anonymous' },
    tls: { startTls: false },
    allowPlain: false,
    bases: { people: ['dc=x'], groups: [] },
    layout: PRESETS.openldap,
    referrals: [],
    template: ['uid'],
    photoBytes: 0,
    bounds: { ...LDAP_BOUNDS, answerWithinMs: 10_000 },
    ...own,
  }
}

/** Reads the whole of a server that answers so; the uids, or why not. */
async function readFrom(
  answer: (asked: Asked) => void,
  own: Partial<LdapSettings> = {},
): Promise<string[] | FaultReason> {
  await using fake = await startFake(answer)
  await using source = openLdapDirectory(settings([fake.url], own))
  try {
    return (await readAll(source)).people.map(({ uid }) => uid)
  } catch (fault) {
    if (fault instanceof SourceFault) return fault.reason
    throw fault
  }
}

const people = (messageId: number, ...numbers: number[]): Buffer =>
  Buffer.concat(numbers.map((number) => personEntry(messageId, number)))
const last = (messageId: number) => done(messageId, undefined, { cookie: '' })
const more = (messageId: number, cookie = 'c') => done(messageId, undefined, { cookie })

test('pages are read to the end, an empty one in the middle included', async () => {
  const read = await readFrom(({ messageId, cookie, socket }) => {
    if (cookie === '') socket.write(Buffer.concat([people(messageId, 1, 2), more(messageId, 'a')]))
    else if (cookie === 'a') socket.write(more(messageId, 'b'))
    else socket.write(Buffer.concat([people(messageId, 3), last(messageId)]))
  })
  assert.deepEqual(read, ['u1', 'u2', 'u3'])
})

test('an answer that comes octet by octet is the same answer', async () => {
  const read = await readFrom(({ messageId, socket }) => {
    socket.setNoDelay(true)
    for (const octet of Buffer.concat([people(messageId, 1), last(messageId)])) socket.write(Buffer.from([octet]))
  })
  assert.deepEqual(read, ['u1'])
})

const BROKEN: Record<string, [FaultReason, (asked: Asked) => void]> = {
  'a server that dies in the middle of a page': [
    'half',
    ({ messageId, cookie, socket }) => {
      if (cookie === '') socket.write(Buffer.concat([people(messageId, 1, 2), more(messageId)]))
      else socket.end(people(messageId, 3))
    },
  ],
  'a server that dies in the middle of an entry': [
    'half',
    ({ messageId, socket }) => socket.end(personEntry(messageId, 1).subarray(0, 40)),
  ],
  'a connection that is reset': ['away', ({ socket }) => socket.resetAndDestroy()],
  'a size limit, entries before it': [
    'limit',
    ({ messageId, socket }) =>
      socket.write(Buffer.concat([people(messageId, 1), done(messageId, undefined, { code: 4 })])),
  ],
  'an administrative limit on a later page': [
    'limit',
    ({ messageId, cookie, socket }) =>
      socket.write(
        cookie === ''
          ? Buffer.concat([people(messageId, 1), more(messageId)])
          : done(messageId, undefined, { code: 11, text: 'too much' }),
      ),
  ],
  'a time limit': ['limit', ({ messageId, socket }) => socket.write(done(messageId, undefined, { code: 3 }))],
  'a base that is not there': [
    'bad-answer',
    ({ messageId, socket }) => socket.write(done(messageId, undefined, { code: 32 })),
  ],
  'a lack of rights': ['refused', ({ messageId, socket }) => socket.write(done(messageId, undefined, { code: 50 }))],
  'a referral instead of an answer': [
    'referred',
    ({ messageId, socket }) => socket.write(done(messageId, undefined, { code: 10 })),
  ],
  'a server that is busy': ['away', ({ messageId, socket }) => socket.write(done(messageId, undefined, { code: 51 }))],
  'an end that does not say whether it is one': [
    'bad-answer',
    ({ messageId, socket }) => socket.write(Buffer.concat([people(messageId, 1), done(messageId)])),
  ],
  'empty pages without end': ['bad-answer', ({ messageId, socket }) => socket.write(more(messageId))],
  'a notice of disconnection': ['half', ({ socket }) => socket.write(done(0, 0x78, { code: 52 }))],
  'bytes that are no LDAP': ['bad-answer', ({ socket }) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  'an entry whose parts are longer than it': [
    'bad-answer',
    ({ messageId, socket }) => {
      const bytes = entry(messageId, 'uid=a', { cn: ['a'.repeat(20)] })
      bytes[bytes.length - 21] = 100
      socket.write(bytes)
    },
  ],
}

for (const [says, [reason, answer]] of Object.entries(BROKEN)) {
  test(`${says}: ${reason}`, async () => {
    assert.equal(await readFrom(answer), reason)
  })
}

test('a length that would be read as less than nothing ends the connection, wherever it stands', async () => {
  const whole = (messageId: number): Buffer => Buffer.concat([people(messageId, 1), last(messageId)])
  // Six octets, and the length says: six back.
  const back = Buffer.from([0x04, 0x84, 0xff, 0xff, 0xff, 0xfa])
  for (let at = 0; at + back.length <= whole(1).length; at += 1) {
    const read = await readFrom(
      ({ messageId, socket }) => {
        const bytes = whole(messageId)
        back.copy(bytes, at)
        socket.write(bytes)
      },
      { bounds: { ...LDAP_BOUNDS, answerWithinMs: 50 } },
    )
    assert.ok(typeof read === 'string' || read.length <= 1, `at ${at}: ${read}`)
  }
})

test('a server that says nothing is late, and one that drips is not', async () => {
  const bounds = { ...LDAP_BOUNDS, answerWithinMs: 300 }
  assert.equal(await readFrom(() => {}, { bounds }), 'late')
  const drips = await readFrom(
    ({ messageId, socket }) => {
      const bytes = [
        people(messageId, 1),
        people(messageId, 2),
        people(messageId, 3),
        people(messageId, 4),
        last(messageId),
      ]
      const timer = setInterval(() => {
        const next = bytes.shift()
        if (next === undefined) clearInterval(timer)
        else socket.write(next)
      }, 100)
    },
    { bounds },
  )
  assert.deepEqual(drips, ['u1', 'u2', 'u3', 'u4'])
})

test('a reading that is ended says so', async () => {
  const ending = new AbortController()
  await using fake = await startFake(() => ending.abort())
  await using source = openLdapDirectory(settings([fake.url]))
  await assert.rejects(readAll(source, ending.signal), { name: 'SourceFault', reason: 'stopped' })
})

test('what other connections would say later is not followed: no request goes where a continuation points', async () => {
  await using elsewhere = await startFake(() => {})
  const read = await readFrom(({ messageId, socket }) => {
    socket.write(Buffer.concat([people(messageId, 1), reference(messageId, `${elsewhere.url}/dc=y`), last(messageId)]))
  })
  assert.deepEqual(read, ['u1'])
  assert.deepEqual(elsewhere.asked, [])
})

test('a continuation to a server that the settings name is read with the rest, its own included, and only once', async () => {
  await using elsewhere: FakeServer = await startFake(({ messageId, base, socket }) => {
    const again = reference(messageId, `${elsewhere.url}/${encodeURIComponent('ou=b,dc=x')}??sub`)
    socket.write(Buffer.concat([people(messageId, base === 'ou=b,dc=x' ? 2 : 9), again, last(messageId)]))
  })
  const answer = ({ messageId, socket }: Asked): void => {
    const points = reference(messageId, `${elsewhere.url}/ou=b,dc=x??sub`)
    socket.write(Buffer.concat([people(messageId, 1), points, last(messageId)]))
  }
  assert.deepEqual(await readFrom(answer, { referrals: ['127.0.0.1'] }), ['u1', 'u2'])
})

test('octets changed at any place end in a fault or in another answer, never in a crash or a wait without end', async () => {
  await using fake = await startFake(({ messageId, socket }) => socket.write(spoiled(messageId)))
  let spoiled: (messageId: number) => Buffer = last
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      async (changes) => {
        spoiled = (messageId) => {
          const bytes = Buffer.concat([people(messageId, 1, 2), last(messageId)])
          for (const [at, octet] of changes) bytes[at % bytes.length] = octet
          return bytes
        }
        await using source = openLdapDirectory(settings([fake.url], { bounds: { ...LDAP_BOUNDS, answerWithinMs: 50 } }))
        await readAll(source).catch((fault) => assert.ok(fault instanceof SourceFault, String(fault)))
      },
    ),
    { numRuns: process.env.GATEHOUSE_LONG === '1' ? 3_000 : 150 },
  )
})

test('the first server that answers is asked; where it fails, the reading rejects and the next one goes to another', async () => {
  await using second = await startFake(({ messageId, socket }) =>
    socket.write(Buffer.concat([people(messageId, 2), last(messageId)])),
  )
  let dies = false
  await using first = await startFake(({ messageId, socket }) => {
    if (dies) socket.destroy()
    else socket.write(Buffer.concat([people(messageId, 1), last(messageId)]))
  })
  await using source = openLdapDirectory(settings(['ldap://127.0.0.1:1', first.url, second.url]))
  const {
    people: [one],
  } = await readAll(source)
  assert.equal(one?.uid, 'u1')
  dies = true
  await assert.rejects(readAll(source), { reason: 'half' })
  const {
    people: [other],
    cursor,
  } = await readAll(source)
  assert.equal(other?.uid, 'u2')
  assert.match(cursor, new RegExp(second.url))
})

test('a page is handed on as it comes; who wants no more in the middle of it ends the connection, and asks the same server again', async () => {
  const many = Array.from({ length: 2_000 }, (_, number) => number)
  await using second = await startFake(() => {})
  let isWhole = false
  await using first = await startFake(({ messageId, socket }) => {
    socket.write(people(messageId, ...many))
    if (isWhole) socket.write(last(messageId))
  })
  await using source = openLdapDirectory(settings([first.url, second.url]))
  let part = 0
  for await (const entries of source.readAll(AbortSignal.timeout(10_000))) {
    part = entries.length
    break
  }
  assert.ok(part > 0 && part < many.length, `${part} entries`)
  isWhole = true
  assert.equal((await readAll(source)).people.length, many.length)
  assert.equal(second.asked.length, 0)
})

test('who is refused by one server is not tried at the next: a wrong password locks accounts', async () => {
  await using first = await startFake(() => {}, 49)
  await using second = await startFake(() => {})
  const bind = { kind: 'simple' as const, dn: 'cn=a', passwordFile: import.meta.filename }
  await using source = openLdapDirectory(settings([first.url, second.url], { bind }))
  await assert.rejects(readAll(source), { reason: 'refused', message: /result 49/ })
  assert.deepEqual([first.asked.length, second.asked.length], [1, 0])
})
