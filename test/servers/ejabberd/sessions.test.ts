// SPDX-License-Identifier: Apache-2.0
// Sessions of ejabberd whose stanzas are held, and the module while they wait: test/servers/both/sessions.ts.
import assert from 'node:assert/strict'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { HOST } from '../both/house.ts'
import { ROOMS } from '../both/scene.ts'
import { gone, PATIENT, sessions } from '../both/sessions.ts'

sessions(ejabberd, {
  withRooms: () =>
    openEjabberd({ options: PATIENT }, { modules: { mod_mam: { default: 'always' }, mod_muc: { host: ROOMS } } }),
  joined: async (gated, screen) => {
    await gone(screen, '/Al')
    const rooms = await gated.ejabberd.evaluate(`mod_muc:count_online_rooms(<<"${HOST}">>).`)
    assert.equal(rooms, '0', 'nobody is in the room')
  },
})
