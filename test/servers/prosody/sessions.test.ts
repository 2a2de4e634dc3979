// SPDX-License-Identifier: Apache-2.0
// Sessions of Prosody whose stanzas are held, and the module while they wait: test/servers/both/sessions.ts.
import { soon } from '../both/house.ts'
import { openProsody, prosody, roomsOfProsody } from '../both/prosody.ts'
import { PATIENT, sessions } from '../both/sessions.ts'

sessions(prosody, {
  withRooms: () =>
    openProsody(
      { options: PATIENT },
      {
        modules: ['mam'],
        global: ['default_archive_policy = true', 'storage = { archive = "memory" }'],
        components: [roomsOfProsody()],
      },
    ),
  joined: async (_, screen) =>
    void (await soon(screen.saw(/<occupant room='tea@[^>]*nick='Al'[^>]*event='joined'/), 'who is in the room')),
})
