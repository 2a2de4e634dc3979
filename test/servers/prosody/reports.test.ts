// SPDX-License-Identifier: Apache-2.0
// What mod_gatehouse on Prosody tells beside its questions: test/servers/both/reports.ts.
import { SECRET } from '../both/house.ts'
import { openProsody, prosody, roomsOfProsody } from '../both/prosody.ts'
import { reports, TELLER } from '../both/reports.ts'

reports(prosody, {
  open: () =>
    openProsody(
      {},
      {
        lines: [`privileged_entities = { ["${TELLER}"] = { message = "outgoing" } }`],
        modules: ['mam', 'privilege'],
        global: ['default_archive_policy = true', 'storage = { archive = "memory" }'],
        components: [roomsOfProsody(), { name: TELLER, secret: SECRET, lines: ['modules_enabled = { "privilege" }'] }],
      },
    ),
  privilege: { namespace: 'urn:xmpp:privilege:2', granted: async () => {} },
})
