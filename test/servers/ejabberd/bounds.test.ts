// SPDX-License-Identifier: Apache-2.0
// How long and how much mod_gatehouse holds at most on ejabberd: test/servers/both/bounds.ts.

import { bounds } from '../both/bounds.ts'
import { ejabberd, openEjabberd } from '../both/ejabberd.ts'
import { announcement } from './announcement.ts'

bounds(ejabberd, {
  withAnnouncements: (options) =>
    openEjabberd({ options }, { modules: { mod_adhoc: {}, mod_announce: { access: 'local' } } }),
  announcement: (id, words) => announcement(id, 'hours', words),
  withLargeStanzas: () => openEjabberd({}, { listeners: { c2s: { max_stanza_size: 1_048_576 } } }),
})
