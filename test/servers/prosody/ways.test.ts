// SPDX-License-Identifier: Apache-2.0
// Every way in and out of Prosody past mod_gatehouse: test/servers/both/ways.ts, and what the server says itself.
import { it } from 'node:test'
import { HOST, SECRET, soon } from '../both/house.ts'
import { openProsody, prosody, roomsOfProsody } from '../both/prosody.ts'
import { ALICE } from '../both/scene.ts'
import { ARCHIVE, CLERK, POST, QUIET, TELLER, TRUSTED, ways } from '../both/ways.ts'

ways(prosody, {
  open: () =>
    openProsody(
      { options: { trusted: TRUSTED }, components: [QUIET, CLERK, ARCHIVE, POST] },
      {
        lines: [`privileged_entities = { ["${TELLER}"] = { message = "outgoing", iq = { ["urn:x"] = "both" } } }`],
        modules: ['mam', 'privilege', 'announce'],
        global: ['default_archive_policy = true', 'storage = { archive = "memory" }', `admins = { "${ALICE}" }`],
        components: [roomsOfProsody(), { name: TELLER, secret: SECRET, lines: ['modules_enabled = { "privilege" }'] }],
      },
    ),
  privilege: { namespace: 'urn:xmpp:privilege:2', granted: async () => {}, noIqs: false },
  addresses: ['127.0.0.12', '127.0.0.13'],
  more: (on) => {
    it('what the server says itself is told as observed', async () => {
      const { screen, alice, bob } = on
      alice.client.send(`<message to='${HOST}/announce/online' id='an'><body>the house closes at six</body></message>`)
      await bob.got(/the house closes at six/)
      const said =
        /<observed at='[^']+'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'.*the house closes at six/
      await soon(screen.saw(said), 'observed')
    })
  },
})
