// SPDX-License-Identifier: Apache-2.0
// Members of a room, one of whom the room takes for no address.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { changeMembers } from '../../../components/directory/showing/one-room.ts'
import { parse } from '../../../components/kit/xml/parse.ts'
import { StanzaError } from '../../../components/kit/xmpp/stanza-error.ts'

test('an address that the room does not take keeps nobody else out or in, and is told; a room that does not answer ends it', async () => {
  const add = Array.from({ length: 150 }, (_, at) => `p${at}@corp.example`)
  const asked: string[] = []
  const kept: string[] = []
  const play = (wrong: string, error: StanzaError) =>
    changeMembers(
      async (_, payload) => {
        const jid = /jid='([^']+)'/.exec(payload)?.[1] ?? ''
        asked.push(jid)
        if (jid === wrong) throw error
        return parse('<iq/>')
      },
      'team@rooms.corp.example',
      { add, remove: ['leaver@corp.example'] },
      async (part) => void kept.push(...part.add, ...part.remove),
    )
  await assert.rejects(play('p3@corp.example', new StanzaError('modify', 'jid-malformed')), {
    condition: 'jid-malformed',
    cause: 'p3@corp.example',
  })
  assert.equal(asked.length, 151)
  assert.deepEqual(
    [...add, 'leaver@corp.example'].filter((jid) => !kept.includes(jid)),
    ['p3@corp.example'],
  )
  asked.length = 0
  await assert.rejects(play('p3@corp.example', new StanzaError('wait', 'remote-server-timeout')), {
    condition: 'remote-server-timeout',
  })
  assert.ok(asked.length < 151, 'the rest waits for the next time')
})
