// SPDX-License-Identifier: Apache-2.0
// How long and how much mod_gatehouse holds at most on Prosody: test/servers/both/bounds.ts.
import { bounds } from '../both/bounds.ts'
import { HOST } from '../both/house.ts'
import { openProsody, prosody } from '../both/prosody.ts'
import { ALICE } from '../both/scene.ts'

bounds(prosody, {
  withAnnouncements: (options) =>
    openProsody({ options }, { modules: ['announce'], global: [`admins = { "${ALICE}" }`] }),
  announcement: (id, words) => `<message to='${HOST}/announce/online' id='${id}'><body>${words}</body></message>`,
  withLargeStanzas: () => openProsody({}, { global: ['c2s_stanza_size_limit = 1048576'] }),
})
